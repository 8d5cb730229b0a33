import Testing

@testable import MQTTBroker

/// What shards tell each other of their filters, against the naive matcher over random filters.
@Suite struct InterestTests {
    /// A shard of some, with its filters, each with how many of its sessions subscribe to it.
    private struct Teller {
        var own = Interest.Own()
        var filters: [TopicFilter] = []
        /// The buckets that it has told to be interested in.
        var told: Set<UInt16> = []
    }

    /// Shards that tell one more of all their changes.
    private struct Scene {
        var topics: RandomTopics
        var tellers: [Teller]
        var others = Interest.Others()

        init(seed: UInt64, shards: Int) {
            topics = RandomTopics(seed: seed)
            tellers = (0..<shards).map { _ in Teller() }
        }

        mutating func add() throws {
            let shard = topics.number(below: tellers.count)
            // Several sessions of a shard may want the same.
            let filter =
                try topics.chance(oneIn: 3)
                ? tellers[shard].filters.randomElement(using: &topics.random) ?? topics.filter() : topics.filter()
            tellers[shard].filters.append(filter)
            tell(tellers[shard].own.add(filter), from: shard, isInterested: true)
        }

        mutating func remove() {
            let shard = topics.number(below: tellers.count)
            guard !tellers[shard].filters.isEmpty else { return }
            let filter = tellers[shard].filters.remove(at: topics.number(below: tellers[shard].filters.count))
            tell(tellers[shard].own.remove(filter), from: shard, isInterested: false)
        }

        mutating func removeAll() {
            for shard in tellers.indices {
                for filter in tellers[shard].filters.shuffled(using: &topics.random) {
                    tell(tellers[shard].own.remove(filter), from: shard, isInterested: false)
                }
                tellers[shard].filters = []
            }
        }

        private mutating func tell(_ change: Interest.Change?, from shard: Int, isInterested: Bool) {
            guard let change else { return }
            #expect(change.isInterested == isInterested)
            // Nothing is told twice: what was told of a bucket before is the opposite.
            let isNews =
                isInterested
                ? tellers[shard].told.insert(change.bucket).inserted
                : tellers[shard].told.remove(change.bucket) != nil
            #expect(isNews)
            others.apply(change, of: shard)
        }

        /// Every other one matches some shard's filter.
        mutating func topic() -> String {
            let filters = tellers[topics.number(below: tellers.count)].filters
            guard topics.chance(oneIn: 2), let filter = filters.randomElement(using: &topics.random) else {
                return topics.topic()
            }
            return topics.topic(for: filter)
        }

        /// No shard with a matching filter is missed, and none counts as interested whose filters have no bucket of the topic.
        func expectNobodyMissed(_ topic: String) throws {
            let levels = try topic.topicLevels
            let interested = others.shards(interestedIn: levels).all
            let buckets = Set(Interest.buckets(of: levels))
            for (shard, teller) in tellers.enumerated() {
                let isInterested = interested & 1 << UInt32(shard) != 0
                if teller.filters.contains(where: { NaiveMatcher.matches($0, topic) }) {
                    #expect(isInterested, "shard \(shard) misses \(topic)")
                }
                #expect(isInterested == !buckets.isDisjoint(with: teller.told), "\(topic) and shard \(shard)")
            }
        }
    }

    @Test(
        "No shard with a matching filter is missed, and removals undo additions",
        arguments: [1, 3, 32],
        0..<20 as Range<UInt64>
    )
    func nobodyMissed(shards: Int, seed: UInt64) throws {
        var scene = Scene(seed: seed, shards: shards)
        for _ in 0..<150 {
            if scene.topics.chance(oneIn: 3) { scene.remove() } else { try scene.add() }
            for _ in 0..<3 { try scene.expectNobodyMissed(scene.topic()) }
        }
        scene.removeAll()
        #expect(scene.tellers.allSatisfy { $0.told.isEmpty })
        #expect(scene.others.shards.allSatisfy { $0 == 0 })
    }

    @Test(
        "A filter has one bucket, which is among those of every topic that it matches",
        arguments: 0..<20 as Range<UInt64>
    )
    func oneBucket(seed: UInt64) throws {
        var topics = RandomTopics(seed: seed)
        var matched = 0
        for _ in 0..<5_000 {
            let filter = try topics.filter()
            let topic = topics.topic(for: filter)
            guard NaiveMatcher.matches(filter, topic) else { continue }
            matched += 1
            let buckets = Interest.buckets(of: try topic.topicLevels)
            #expect(buckets.contains(Interest.bucket(of: filter)), "\(filter.key.string) and \(topic)")
        }
        #expect(matched > 4_000)
    }

    @Test("Hardly a message is handed over in vain where filters have no wildcards") func selective() throws {
        var own = Interest.Own()
        var others = Interest.Others()
        for number in 0..<1_000 {
            let filter = try TopicFilter("devices/\(number)/state", limits: Limits())
            if let change = own.add(filter) { others.apply(change, of: 0) }
        }
        let inVain = try (0..<10_000).count { number in
            try others.shards(interestedIn: "devices/\(number)/command".topicLevels).all != 0
        }
        // 1,000 of 65,536 buckets are taken, and each of a topic's five may be one of them by chance: 7 % at most.
        #expect(inVain < 800)
        #expect(inVain > 0)
    }
}
