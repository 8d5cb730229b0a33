/// What a shard tells the others of its filters, so that they hand it no message in vain: a set of hashes that errs on
/// the side of a message too many, of one size however many filters there are.
///
/// A filter without wildcards is known by the hash of itself, one with wildcards by the hash of the levels before the
/// first one, of which at most `prefixLevels` count.
enum Interest {
    static let bucketCount = 65_536
    static let prefixLevels = 3

    static func bucket(of filter: TopicFilter) -> UInt16 {
        var prefix: [UTF8Key] = []
        for level in filter.levels {
            if level == TopicFilter.singleLevel || level == TopicFilter.multiLevel {
                return bucket(prefix.prefix(prefixLevels), isPrefix: true)
            }
            prefix.append(level)
        }
        return bucket(prefix[...], isPrefix: false)
    }

    /// The buckets of all filters that could match the topic.
    static func buckets(of levels: [UTF8Key]) -> [UInt16] {
        (0...min(prefixLevels, levels.count)).map { bucket(levels.prefix($0), isPrefix: true) }
            + [bucket(levels[...], isPrefix: false)]
    }

    private static func bucket(_ levels: ArraySlice<UTF8Key>, isPrefix: Bool) -> UInt16 {
        var hash = FNV1a()
        hash.combine(isPrefix ? UInt8(levels.count) : .max)
        for level in levels {
            hash.combine(level.string.utf8)
            hash.combine(TopicFilter.separator)
        }
        return UInt16(truncatingIfNeeded: hash.value ^ hash.value >> 16 ^ hash.value >> 32)
    }

    /// A bucket that its shard has begun or ceased to be interested in.
    struct Change: Sendable, Equatable {
        let bucket: UInt16
        let isInterested: Bool
    }

    /// The shard's own filters.
    struct Own {
        private var counts = [UInt32](repeating: 0, count: bucketCount)

        mutating func add(_ filter: TopicFilter) -> Change? {
            let bucket = Interest.bucket(of: filter)
            counts[Int(bucket)] += 1
            return counts[Int(bucket)] == 1 ? Change(bucket: bucket, isInterested: true) : nil
        }

        mutating func remove(_ filter: TopicFilter) -> Change? {
            let bucket = Interest.bucket(of: filter)
            counts[Int(bucket)] -= 1
            return counts[Int(bucket)] == 0 ? Change(bucket: bucket, isInterested: false) : nil
        }
    }

    /// What the other shards have told: a bit per shard in each bucket.
    struct Others {
        private(set) var shards = [UInt32](repeating: 0, count: bucketCount)

        mutating func apply(_ change: Change, of shard: Int) {
            if change.isInterested {
                shards[Int(change.bucket)] |= 1 << UInt32(shard)
            } else {
                shards[Int(change.bucket)] &= ~(1 << UInt32(shard))
            }
        }

        func shards(interestedIn levels: [UTF8Key]) -> UInt32 {
            Interest.buckets(of: levels).reduce(0) { $0 | shards[Int($1)] }
        }
    }
}
