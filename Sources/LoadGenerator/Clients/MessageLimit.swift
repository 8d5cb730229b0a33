import NIOCore
import Synchronization

/// The number of messages that all clients together may publish or are to receive (`--limit`).
final class MessageLimit: Sendable {
    let total: Int
    private let notTaken: Atomic<Int>
    private let notComplete: Atomic<Int>
    private let reached: @Sendable () -> Void

    /// - Parameter reached: called once, when as many messages are complete.
    init(_ total: Int, reached: @escaping @Sendable () -> Void) {
        self.total = total
        self.reached = reached
        notTaken = Atomic(total)
        notComplete = Atomic(total)
    }

    /// Takes one message to publish out of the limit.
    ///
    /// - Returns: false if all are taken.
    func take() -> Bool {
        guard notTaken.load(ordering: .relaxed) > 0 else { return false }
        return notTaken.wrappingSubtract(1, ordering: .relaxed).newValue >= 0
    }

    /// Counts a message as complete: it was received, sent at QoS 0, acknowledged, or has failed.
    func complete() {
        if notComplete.wrappingSubtract(1, ordering: .acquiringAndReleasing).newValue == 0 { reached() }
    }
}
