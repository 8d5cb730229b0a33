/// Why a shard keeps nothing new for durable sessions for now, and no new retained message. What makes the store emptier goes on.
package enum Suspension: Sendable, Equatable {
    /// The store has only the space left that is kept for what empties it.
    case space
    /// The store cannot be written.
    case disk
}
