/// The name of a shard in the whole cluster: its node, and its index there.
package struct ShardReference: Hashable, Sendable, Codable {
    /// 0 to 31; 0 for a broker of one node.
    package let node: UInt8
    /// 0 to 31.
    package let shard: UInt8

    package init(node: Int = 0, shard: Int) {
        self.node = UInt8(truncatingIfNeeded: node)
        self.shard = UInt8(truncatingIfNeeded: shard)
    }

    /// The index of the shard in its node.
    package var index: Int { Int(shard) }
}
