import MQTTBroker

/// A shard of a broker without a cluster, by its index.
extension ShardReference: ExpressibleByIntegerLiteral {
    /// A shard of the only node.
    public init(integerLiteral index: Int) { self.init(shard: index) }
}
