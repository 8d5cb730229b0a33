internal import NIOCore
internal import Synchronization

/// The bounded inbox of an endpoint for datagrams that other loops toss, a batch at a time.
final class StrayInbox: Sendable {
    private let loop: any EventLoop
    private let owner: NIOLoopBound<Owner>
    /// Octets that may wait for the loop.
    private let limit: Int
    private let waiting = Atomic(0)

    /// The endpoint of the inbox, which its own loop alone touches.
    private final class Owner {
        /// Set to `nil` by `close`.
        var endpoint: QUICEndpoint?

        init(_ endpoint: QUICEndpoint) {
            self.endpoint = endpoint
        }
    }

    init(_ endpoint: QUICEndpoint, limit: Int) {
        self.loop = endpoint.eventLoop
        self.owner = NIOLoopBound(Owner(endpoint), eventLoop: endpoint.eventLoop)
        self.limit = limit
    }

    /// Passes a batch to the endpoint's loop. False if too much is waiting there; the batch is dropped then.
    func take(_ batch: StrayBatch) -> Bool {
        let weight = batch.weight
        guard self.waiting.add(weight, ordering: .relaxed).newValue <= self.limit else {
            self.waiting.subtract(weight, ordering: .relaxed)
            return false
        }
        self.loop.execute {
            self.waiting.subtract(weight, ordering: .relaxed)
            self.owner.value.endpoint?.receive(batch)
        }
        return true
    }

    /// Tells the endpoint the inboxes of all endpoints of the port.
    func tell(_ inboxes: [StrayInbox?]) {
        self.loop.execute { self.owner.value.endpoint?.courier.inboxes = inboxes }
    }

    /// Drops every batch from now on. To be called on the endpoint's loop.
    func close() { self.owner.value.endpoint = nil }
}
