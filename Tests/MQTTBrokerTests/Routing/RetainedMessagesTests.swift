import MQTTCodec
import NIOCore
import Testing

@testable import MQTTBroker

/// Retained messages by filter, against the naive matcher over random topics.
@Suite struct RetainedMessagesTests {
    /// What is kept, and the list that it is compared with.
    private struct Scene {
        var topics: RandomTopics
        var now = Instant(monotonic: .uptimeNanoseconds(1_000_000_000), wall: 0)
        var retained = RetainedMessages()
        private var model: [UTF8Key: (payload: String, expiry: NIODeadline?)] = [:]
        private var lastPayload = 0

        init(seed: UInt64) { topics = RandomTopics(seed: seed) }

        /// Every fourth message takes the place of an earlier one, and every fourth expires [MQTT-3.3.2-5].
        mutating func keep() throws {
            let topic = topics.chance(oneIn: 4) ? known() ?? topics.topic() : topics.topic()
            lastPayload += 1
            var publish = Publish(topic: ByteBuffer(string: topic), payload: ByteBuffer(string: "\(lastPayload)"))
            let seconds = topics.chance(oneIn: 4) ? UInt32(1 + topics.number(below: 20)) : nil
            publish.properties.values.messageExpiryInterval = seconds
            let message = Message(copying: EncodedPublish(publish), qos: .atMostOnce, now: now)
            let node = retained.set(message, at: try topic.topicLevels, limits: Limits())
            #expect(node?.message === message)
            model[UTF8Key(topic)] = ("\(lastPayload)", seconds.map { now.monotonic + .seconds(Int64($0)) })
        }

        mutating func forget() throws {
            let topic = topics.chance(oneIn: 4) ? topics.topic() : known() ?? topics.topic()
            _ = retained.remove(try topic.topicLevels)
            model[UTF8Key(topic)] = nil
        }

        mutating func forgetAll() throws {
            for topic in model.keys { _ = retained.remove(try topic.string.topicLevels) }
            model = [:]
        }

        private mutating func known() -> String? {
            // Sorted, since the order of a dictionary differs from run to run.
            model.keys.map(\.string).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }.randomElement(
                using: &topics.random
            )
        }

        /// Looks messages up in ticks of a few steps.
        mutating func expectMatches(_ filters: [TopicFilter], atMost limit: Int) {
            let connection = ConnectionReference(shard: ShardReference(shard: 0), slot: 0, number: 1)
            let requester = Requester(connection: connection, number: 1)
            var lookUp = RetainedLookUp(filters, requester: requester, asker: 0, room: limit, in: retained)
            var found = Array(repeating: [Message](), count: filters.count)
            while !lookUp.isDone {
                let steps = 1 + topics.number(below: 10)
                var left = steps
                for hit in lookUp.advance(by: &left, in: retained, now: now) { found[hit.filter].append(hit.message) }
                #expect(lookUp.isDone || left == 0)
            }
            var room = limit
            for (filter, messages) in zip(filters, found) {
                let expected = model.filter { topic, kept in
                    NaiveMatcher.matches(filter, topic.string) && kept.expiry.map { $0 > now.monotonic } ?? true
                }
                let payloads = messages.map { String(buffer: $0.encoded.payload) }
                #expect(Set(payloads).count == payloads.count, "\(filter.key.string) finds a message twice")
                #expect(Set(payloads).isSubset(of: expected.values.map(\.payload)), "\(filter.key.string)")
                #expect(payloads.count == min(room, expected.count), "\(filter.key.string)")
                room -= payloads.count
            }
            #expect(retained.count == model.count)
        }
    }

    @Test("A filter finds the message of each topic that it matches, once", arguments: 0..<60 as Range<UInt64>)
    func matching(seed: UInt64) throws {  // [MQTT-3.3.1-5], [MQTT-3.3.1-6], [MQTT-3.3.1-9]
        var scene = Scene(seed: seed)
        for _ in 0..<150 {
            if scene.topics.chance(oneIn: 4) { try scene.forget() } else { try scene.keep() }
            if scene.topics.chance(oneIn: 10) {
                scene.now = Instant(monotonic: scene.now.monotonic + .seconds(3), wall: 0)
            }
            let filters = try (0..<3).map { _ in try scene.topics.filter() }
            let limit = scene.topics.chance(oneIn: 3) ? scene.topics.number(below: 10) : .max
            // One that comes twice is answered twice.
            scene.expectMatches(scene.topics.chance(oneIn: 3) ? filters + filters : filters, atMost: limit)
        }
        try scene.forgetAll()
        #expect(scene.retained.count == 0)
        #expect(scene.retained.byteCount == 0)
    }
}
