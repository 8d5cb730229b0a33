import NIOCore
import Synchronization

/// The messages that all clients together may publish or are to receive.
final class MessageLimit: Sendable {
    let total: Int
    private let unclaimed: Atomic<Int>
    private let unsettled: Atomic<Int>
    private let reached: @Sendable () -> Void

    /// - Parameter reached: called once, when as many messages are settled as were allowed.
    init(_ total: Int, reached: @escaping @Sendable () -> Void) {
        self.total = total
        self.reached = reached
        unclaimed = Atomic(total)
        unsettled = Atomic(total)
    }

    /// Takes one message, or none when all are taken.
    func claim() -> Bool {
        guard unclaimed.load(ordering: .relaxed) > 0 else { return false }
        return unclaimed.wrappingSubtract(1, ordering: .relaxed).newValue >= 0
    }

    /// One message has its last word: acknowledged, failed, received, or sent at QoS 0.
    func settle() {
        if unsettled.wrappingSubtract(1, ordering: .acquiringAndReleasing).newValue == 0 { reached() }
    }
}
