/// The name of a connection, which other event loops may have without the connection itself.
package struct ConnectionReference: Sendable, Hashable {
    /// The shard that the connection belongs to.
    package let shard: ShardReference
    /// The place in the shard's `ConnectionTable`, which another connection may have later.
    let slot: Int
    /// The number of the connection in its shard, which no other connection has before or after. In a cluster the first number is
    /// drawn by lot, so that no earlier run of the shard has had it either: what comes late for that run finds nothing.
    let number: UInt64
}
