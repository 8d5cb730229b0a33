import NIOCore
import Synchronization

/// The messages that all clients together may publish or are to receive.
final class MessageLimit: Sendable {
    let total: Int
    private let unclaimed: Atomic<Int>
    private let unsettled: Atomic<Int>
    private let reached: @Sendable () -> Void

    /// - Parameter reached: called once, when all messages are completed.
    init(_ total: Int, reached: @escaping @Sendable () -> Void) {
        self.total = total
        self.reached = reached
        unclaimed = Atomic(total)
        unsettled = Atomic(total)
    }

    /// Takes one message of the limit; false if all are taken.
    func claim() -> Bool {
        guard unclaimed.load(ordering: .relaxed) > 0 else { return false }
        return unclaimed.wrappingSubtract(1, ordering: .relaxed).newValue >= 0
    }

    /// Counts a message that is acknowledged, failed, received, or sent at QoS 0.
    func settle() {
        if unsettled.wrappingSubtract(1, ordering: .acquiringAndReleasing).newValue == 0 { reached() }
    }
}
