package import NIOCore

/// How full the streams of a cluster's lanes are, as JetStream says when it is asked, without IO. A part of each is reserved for what makes
/// it emptier: acknowledgements, endings, and cleaning.
package struct StreamSpace: Sendable {
    /// One quarter of a stream is reserved.
    package static let reservedShare = 4
    /// A stream that was too full has so much more room when it is not any more, as a share of all.
    package static let returnShare = 32
    package static let shortestInterval: TimeAmount = .milliseconds(100)
    package static let longestInterval: TimeAmount = .seconds(1)

    private struct Stream: Sendable {
        var octets = 0
        /// `max_bytes`; 0 or less for no bound.
        var maximum = 0
        var isFull = false
        /// Octets beyond which nothing new is kept.
        var bound: Int { maximum - maximum / StreamSpace.reservedShare }
    }

    private var streams = [Stream](repeating: Stream(), count: LaneSubjects.streams)

    package init() {}

    /// True while a stream has only the space left that is reserved.
    package var isFull: Bool { streams.contains { $0.isFull } }

    /// Octets that each stream has room for, the reserved ones included.
    package var free: [Int] { streams.map { $0.maximum > 0 ? max(0, $0.maximum - $0.octets) : .max } }

    /// Octets of each stream, and as many as it may have.
    package var fillings: [(octets: Int, maximum: Int)] { streams.map { ($0.octets, $0.maximum) } }

    /// JetStream has said how full a stream is.
    package mutating func learned(stream: Int, octets: Int, maximum: Int) {
        guard streams.indices.contains(stream) else { return }
        var known = streams[stream]
        (known.octets, known.maximum) = (octets, maximum)
        let limit = known.isFull ? known.bound - maximum / Self.returnShare : known.bound
        known.isFull = maximum > 0 && octets > limit
        streams[stream] = known
    }

    /// How long until JetStream is to be asked again: before a stream can have become full, and sooner while one is.
    package var interval: TimeAmount {
        var interval = Self.longestInterval
        for stream in streams where stream.maximum > 0 {
            let left = stream.isFull ? 0 : stream.bound - stream.octets
            interval = min(interval, .milliseconds(Int64(max(0, left)) * 1_000 / Self.fastestGrowth))
        }
        return max(interval, Self.shortestInterval)
    }

    /// Octets that a stream grows by in a second at most, about.
    private static let fastestGrowth: Int64 = 64 << 20
}
