internal import NIOCore
internal import Synchronization

/// Where other loops leave the datagrams that are for an endpoint. Asked once per batch, never per datagram.
final class StrayInbox: Sendable {
    private let loop: any EventLoop
    private let owner: NIOLoopBound<Owner>
    /// Octets that may wait for the loop.
    private let limit: Int
    private let waiting = Atomic(0)

    private final class Owner {
        /// Let go of by `close`.
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

    /// False if too much is waiting; then the batch is as if it had been lost on its way.
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

    /// Tells who shares the port by now.
    func tell(_ inboxes: [StrayInbox?]) {
        self.loop.execute { self.owner.value.endpoint?.inboxes = inboxes }
    }

    /// What arrives from now on is lost. To be called on the owner's loop.
    func close() { self.owner.value.endpoint = nil }
}
