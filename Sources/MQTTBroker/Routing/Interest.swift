import NIOCore

/// The interest of a shard: which topics its filters may match, as a set of hashes that the other shards know, so that they
/// hand over few messages in vain. The set has one size however many filters there are. The set may name a topic that no filter
/// matches, and never leaves out one that a filter does.
///
/// A filter without wildcards is in the set by its own hash, a filter with wildcards by the hash of the levels before the first
/// wildcard, `prefixLevels` of them at most.
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

    /// The buckets of all filters that can match a topic.
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

    /// A bucket that has got its shard's first filter, or lost its last.
    struct Change: Sendable, Equatable {
        let bucket: UInt16
        let isInterested: Bool
        /// True if it is about the filters of sessions that are logged, which are counted among all and once more by themselves.
        var isDurable = false
    }

    /// A set of buckets.
    struct Buckets: Sendable, Equatable {
        /// Octets of a set.
        static let octetCount = bucketCount / 8

        private var words = [UInt64](repeating: 0, count: bucketCount / 64)

        init() {}

        func contains(_ bucket: UInt16) -> Bool { words[Int(bucket >> 6)] & 1 << UInt64(bucket & 63) != 0 }

        /// Adds or removes a bucket. Returns whether that changed anything.
        mutating func set(_ bucket: UInt16, _ isInterested: Bool) -> Bool {
            if contains(bucket) == isInterested { return false }
            words[Int(bucket >> 6)] ^= 1 << UInt64(bucket & 63)
            return true
        }

        /// Visits the buckets of the set.
        func forEach(_ body: (UInt16) -> Void) {
            for (place, word) in words.enumerated() where word != 0 {
                var left = word
                while left != 0 {
                    body(UInt16(truncatingIfNeeded: place << 6 | left.trailingZeroBitCount))
                    left &= left - 1
                }
            }
        }

        func write(to buffer: inout ByteBuffer) { for word in words { buffer.writeInteger(word) } }

        init?(from buffer: inout ByteBuffer) {
            for place in words.indices {
                guard let word: UInt64 = buffer.readInteger() else { return nil }
                words[place] = word
            }
        }
    }

    /// What a node has told the other nodes of the interest of all its shards.
    struct Told: Sendable, Equatable {
        var all = Buckets()
        /// Of the sessions that are logged.
        var durable = Buckets()
    }

    /// What the other shards are to be told of a filter that was added or removed.
    struct Changes {
        var all: Change?
        var durable: Change? { didSet { durable?.isDurable = true } }

        static let none = Self()
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

        func contains(_ bucket: UInt16) -> Bool { counts[Int(bucket)] > 0 }
    }

    /// The interest of the other shards: a bit per shard in each bucket.
    struct Others {
        private(set) var shards = [UInt32](repeating: 0, count: bucketCount)
        /// A bit per shard in each bucket for the filters of sessions that are logged; empty until there is one.
        private(set) var durable: [UInt32] = []

        mutating func apply(_ change: Change, of shard: Int) {
            if change.isDurable {
                if durable.isEmpty { durable = Array(repeating: 0, count: bucketCount) }
                Self.apply(change, of: shard, to: &durable)
            } else {
                Self.apply(change, of: shard, to: &shards)
            }
        }

        private static func apply(_ change: Change, of shard: Int, to buckets: inout [UInt32]) {
            if change.isInterested {
                buckets[Int(change.bucket)] |= 1 << UInt32(shard)
            } else {
                buckets[Int(change.bucket)] &= ~(1 << UInt32(shard))
            }
        }

        /// Puts what a node has told in place of what was known of it.
        mutating func replace(_ told: Told, of node: Int) {
            if durable.isEmpty { durable = Array(repeating: 0, count: bucketCount) }
            Self.replace(told.all, of: node, in: &shards)
            Self.replace(told.durable, of: node, in: &durable)
        }

        private static func replace(_ told: Buckets, of node: Int, in buckets: inout [UInt32]) {
            let bit: UInt32 = 1 << UInt32(node)
            for place in buckets.indices { buckets[place] &= ~bit }
            told.forEach { buckets[Int($0)] |= bit }
        }

        /// The buckets of a node's sessions that are logged.
        func durableBuckets(of node: Int) -> Buckets {
            let bit: UInt32 = 1 << UInt32(node)
            var buckets = Buckets()
            for place in durable.indices where durable[place] & bit != 0 {
                _ = buckets.set(UInt16(truncatingIfNeeded: place), true)
            }
            return buckets
        }

        /// True if a shard may have subscribers in the bucket, or subscribers whose sessions are logged.
        func contains(_ bucket: UInt16, isDurable: Bool) -> Bool {
            isDurable ? !durable.isEmpty && durable[Int(bucket)] != 0 : shards[Int(bucket)] != 0
        }

        /// The shards that may have subscribers, and those of them that may have sessions which are logged.
        func shards(interestedIn levels: [UTF8Key]) -> (all: UInt32, durable: UInt32) {
            Interest.buckets(of: levels).reduce(into: (all: 0, durable: 0)) { found, bucket in
                found.all |= shards[Int(bucket)]
                if !durable.isEmpty { found.durable |= durable[Int(bucket)] }
            }
        }
    }
}
