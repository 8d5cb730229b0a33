/// A SUBSCRIBE that waits for answers of other shards.
struct Requester: Hashable, Sendable {
    let connection: ConnectionReference
    /// Counts those of the shard of the session: answers to an earlier SUBSCRIBE of the connection, whose deputy is gone with a lane or a link,
    /// are none to a later one.
    let number: UInt64
}
