import NIOConcurrencyHelpers

/// What is on its way to a shard and not yet received, by weight: a loop that cannot keep up must not make others fill the
/// memory with what they have for it.
///
/// Asked once per hand-over, not per message.
final class Mailbox: Sendable {
    private let state = NIOLockedValueBox((weight: 0, waiting: Set<Int>()))

    /// Octets beyond which its sources wait, and at which they go on.
    static let highWaterMark = 67_108_864
    static let lowWaterMark = 16_777_216

    /// Whether there was room; otherwise `source` is among those that a later `take` names.
    func put(_ weight: Int, from source: Int) -> Bool {
        state.withLockedValue { state in
            state.weight += weight
            guard state.weight > Self.highWaterMark else { return true }
            state.waiting.insert(source)
            return false
        }
    }

    /// Returns the sources that may go on.
    func take(_ weight: Int) -> Set<Int> {
        state.withLockedValue { state in
            state.weight -= weight
            guard state.weight <= Self.lowWaterMark, !state.waiting.isEmpty else { return [] }
            defer { state.waiting = [] }
            return state.waiting
        }
    }
}
