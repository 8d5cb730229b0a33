import MQTTBroker
package import NIOCore

/// What a shard commits at once.
package struct ShardCommit: Sendable {
    /// Batches of lanes, which lie behind each other.
    package var octets = ByteBuffer()
    /// Segments of queues that are written with them, by their numbers.
    package var segments: [(number: UInt64, octets: ByteBuffer)] = []
    /// The numbers of segments that are deleted with them.
    package var removedSegments: [UInt64] = []
    /// True if space can be freed after this commit, which may have the last of the space therefore.
    package var frees = false

    /// - Parameter now: the clocks that the expiry of messages is converted by.
    init(_ batches: [LaneBatch], now: Instant) {
        for batch in batches {
            batch.write(to: &octets, now: now)
            segments += batch.segments.map { ($0.number, $0.octets) }
            removedSegments += batch.removedSegments
        }
    }
}
