internal import NIOCore
internal import Synchronization

/// The bounded inbox of a loop's relay for answers that the loop of the relay's socket has read.
final class RelayInbox: Sendable {
    private let relay: NIOLoopBound<LoopRelay>
    /// Octets that may wait for the loop.
    private let limit: Int
    private let waiting = Atomic(0)

    init(_ relay: NIOLoopBound<LoopRelay>, limit: Int) {
        self.relay = relay
        self.limit = limit
    }

    /// Passes a batch to the loop. False if too much is waiting there; the batch is dropped then.
    func take(_ batch: RelayBatch) -> Bool {
        let weight = batch.weight
        guard self.waiting.add(weight, ordering: .relaxed).newValue <= self.limit else {
            self.waiting.subtract(weight, ordering: .relaxed)
            return false
        }
        self.relay.eventLoop.execute {
            self.waiting.subtract(weight, ordering: .relaxed)
            let relay = self.relay.value
            unsafe batch.forEach { head, datagram in unsafe relay.release(head, datagram) }
            relay.finishBurst()
        }
        return true
    }
}
