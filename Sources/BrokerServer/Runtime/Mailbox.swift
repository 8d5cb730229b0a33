import NIOConcurrencyHelpers

/// The weight of all hand-overs that are on their way to one shard and not handled yet. The weight bounds the memory that a loop
/// takes which cannot keep up with the others.
///
/// Used once per hand-over, not per message, under a lock.
final class Mailbox: Sendable {
    private let state = NIOLockedValueBox((weight: 0, waiting: Set<Int>()))

    /// Octets above which a sending shard stops reading from its clients.
    static let highWaterMark = 67_108_864
    /// Octets at or below which the sending shards read again.
    static let lowWaterMark = 16_777_216

    /// Adds a hand-over.
    ///
    /// - Parameter source: the sending shard.
    /// - Returns: false if the mailbox is above its bound. The sending shard is then to stop reading, and a later `take`
    ///   returns it.
    func put(_ weight: Int, from source: Int) -> Bool {
        state.withLockedValue { state in
            state.weight += weight
            guard state.weight > Self.highWaterMark else { return true }
            state.waiting.insert(source)
            return false
        }
    }

    /// Removes a hand-over that the shard has handled.
    ///
    /// - Returns: the sending shards that may read from their clients again.
    func take(_ weight: Int) -> Set<Int> {
        state.withLockedValue { state in
            state.weight -= weight
            guard state.weight <= Self.lowWaterMark, !state.waiting.isEmpty else { return [] }
            defer { state.waiting = [] }
            return state.waiting
        }
    }
}
