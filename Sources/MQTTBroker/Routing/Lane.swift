import NIOCore

/// One of the parts that durable sessions and retained messages are divided into, by a hash of the client identifier or of the
/// topic. The lane of a session never changes; which shard leads the lane depends on how many shards there are.
package struct Lane: Hashable, Sendable {
    /// The same in every run, whatever the number of shards.
    package static let count = 64

    static var all: [Lane] { (0..<count).compactMap { Lane(number: UInt8($0)) } }

    /// 0 to 63.
    let number: UInt8

    /// The number, to index with.
    package var index: Int { Int(number) }

    /// - Returns: `nil` for a number that no lane has.
    init?(number: UInt8) {
        guard Int(number) < Self.count else { return nil }
        self.number = number
    }

    /// The lane of a client identifier's durable session.
    ///
    /// - Parameter hash: `FNV1a` of the client identifier.
    init(clientHash hash: UInt64) { number = UInt8(hash % UInt64(Self.count)) }

    /// The lane of a topic's retained message.
    init(ofTopic topic: ByteBuffer) { number = UInt8(FNV1a.hash(topic.readableBytesView) % UInt64(Self.count)) }

    /// The shard that leads the lane among `count` shards.
    package func leader(among count: Int) -> Int { Int(number) % count }
}
