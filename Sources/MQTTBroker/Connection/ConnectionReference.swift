/// The name of a connection, which other event loops may have without the connection itself.
package struct ConnectionReference: Sendable, Hashable {
    /// The shard that the connection belongs to.
    package let shard: Int
    let slot: Int
    let number: UInt64
}
