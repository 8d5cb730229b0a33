import MQTTCodec
import NIOCore
import Testing

@testable import MQTTBroker

/// What a store holds, read out of the log, and a log made of it.
@Suite struct StoreReaderTests {
    private static func items(of commit: ByteBuffer, now: Instant) throws -> [StoredItem] {
        var reader = StoreReader(now: now, random: SeededGenerator(seed: 1))
        try reader.read(commit)
        var items: [StoredItem] = []
        try reader.forEach(segment: { _ in nil }) { items.append($0) }
        return items
    }

    private static func commit(of items: [StoredItem], now: Instant) throws -> ByteBuffer {
        var writer = StoreWriter(now: now)
        for item in items { try writer.add(item) }
        let commit = writer.takeCommit()
        return try #require(commit)
    }

    private static var will: Connect.Will {
        var will = Connect.Will(topic: ByteBuffer(string: "gone"), payload: ByteBuffer(string: "7"), qos: .exactlyOnce)
        will.properties.values.willDelayInterval = 30
        will.properties.values.userProperties = [UserProperty(name: "a", value: "b")]
        return will
    }

    /// A broker with sessions in all their states.
    private static func busyBroker() throws -> SimulatedBroker {
        let broker = SimulatedBroker(shards: 3, hasStore: true)
        let writer = broker.connect("writer", cleanStart: false, expiry: 600)
        let present = broker.connect("present", on: 1, cleanStart: false, expiry: 600, receiveMaximum: 3, will: will)
        present.subscribe("load/+", qos: .exactlyOnce, noLocal: true, identifier: 9)
        let away = broker.connect("away", on: 2, cleanStart: false, expiry: .max, will: will)
        away.subscribe("load/#", qos: .atLeastOnce, retainAsPublished: true)
        broker.drop(away)
        let stream = try broker.openStream(of: present)
        stream.subscribe("load/2", qos: .atLeastOnce)
        for identifier in UInt16(1)...6 {
            var properties = PublishProperties()
            properties.values.userProperties = [UserProperty(name: "n", value: "\(identifier)")]
            properties.values.messageExpiryInterval = identifier == 3 ? 500 : nil
            writer.publish(
                "load/\(identifier)",
                "\(identifier)",
                qos: identifier % 2 == 0 ? .exactlyOnce : .atLeastOnce,
                identifier: identifier,
                retain: identifier > 4,
                properties: properties
            )
        }
        // Recorded, and not completed.
        let second = try #require(present.takePublishes().first { $0.qos == .exactlyOnce })
        present.send(.acknowledgement(PublishAcknowledgement(.recorded, second.packetIdentifier)))
        broker.settle()
        return broker
    }

    @Test("What is read out of a store makes a store of which the same is read, and that serves the same")
    func roundTrip() throws {
        let broker = try Self.busyBroker()
        let log = try #require(broker.store).octets
        let items = try Self.items(of: log, now: broker.now)
        let sessions = items.compactMap { if case .session(let session) = $0 { session } else { nil } }
        #expect(sessions.map(\.client) == ["away", "present", "writer"])
        #expect(sessions[0].awaySince != nil && sessions[0].will == Self.will && sessions[0].willDue != nil)
        #expect(sessions[1].awaySince == nil && sessions[1].will == Self.will)
        #expect(sessions[1].subscriptions.map(\.filter) == ["load/+"], "a stream's subscriptions end with it")
        #expect(sessions[2].received == [2, 4, 6])
        let deliveries = items.compactMap { if case .delivery(let delivery) = $0 { delivery } else { nil } }
        #expect(deliveries.filter { $0.client == "away" }.count == 6)
        #expect(deliveries.contains { $0.client == "present" && $0.content == nil })
        #expect(deliveries.contains { $0.client == "present" && $0.packetIdentifier == nil }, "merged")
        #expect(items.filter { if case .retained = $0 { true } else { false } }.count == 2)
        let commit = try Self.commit(of: items, now: broker.now)
        #expect(try Self.items(of: commit, now: broker.now) == items)
    }

    @Test("A broker serves what was made of another's store") func served() throws {
        let broker = try Self.busyBroker()
        let items = try Self.items(of: try #require(broker.store).octets, now: broker.now)
        broker.crash(shards: 2, finding: try Self.commit(of: items, now: broker.now))
        broker.settle()
        let away = broker.connect("away", cleanStart: false, expiry: 600)
        #expect(try away.connectAcknowledgement().sessionPresent)
        #expect(away.takePayloads() == ["1", "2", "3", "4", "5", "6"])
        let late = broker.connect("late")
        late.subscribe("load/#")
        #expect(late.takePayloads().sorted() == ["5", "6"])
    }

    @Test("What no broker has kept is refused, in a sentence") func refusals() throws {
        let now = Instant(monotonic: .uptimeNanoseconds(1_000_000_000), wall: 1_001_000)
        let session = StoredItem.session(StoredSession(client: "a", expiryInterval: 60))
        let publish = Publish(topic: ByteBuffer(string: "t"), payload: ByteBuffer(), qos: .atLeastOnce)
        let message = StoredMessage(publish, expires: nil)
        func content(_ message: StoredMessage, qos: QualityOfService = .atLeastOnce) -> StoredDelivery.Content {
            .init(message: message, qos: qos, retain: false, subscriptionIdentifiers: [])
        }
        func delivery(_ identifier: UInt16?, _ content: StoredDelivery.Content?) -> StoredItem {
            .delivery(StoredDelivery(client: "a", packetIdentifier: identifier, content: content))
        }
        var wild = publish
        wild.topic = ByteBuffer(string: "t/#")
        var filtered = StoredSession(client: "a", expiryInterval: 60)
        filtered.subscriptions = [.init(filter: "a#", options: SubscriptionOptions(), identifier: 0)]
        let lane = StoredItem.lane(StoredLane(number: 1, passed: 5, sources: [:]))
        let refused: [([StoredItem], String)] = [
            ([session, session], "the client has a session already"),
            ([delivery(1, content(message))], "no session of the client comes before it"),
            ([session, delivery(0, content(message))], "0 is no packet identifier"),
            ([session, delivery(1, content(message)), delivery(1, nil)], "packet identifier 1 is in flight already"),
            ([session, delivery(nil, nil)], "there is no message"),
            (
                [session, delivery(nil, content(message)), delivery(1, nil)],
                "what is in flight comes before what waits"
            ),
            ([session, delivery(1, content(message, qos: .atMostOnce))], "messages at QoS 0 are not kept"),
            (
                [session, delivery(1, content(StoredMessage(wild, expires: nil)))],
                "the message is none that a client can have sent"
            ),
            ([.retained(StoredMessage(publish, expires: 1))], "the message is none that a client can have sent"),
            ([.retained(message), .retained(message)], "the topic has a retained message already"),
            ([.session(filtered)], "a# is no topic filter"),
            ([.lane(StoredLane(number: 64, passed: 1, sources: [:]))], "there is no lane 64: lanes are 0 to 63"),
            ([lane, lane], "the lane is there already"),
            (
                [lane, .outgoing(StoredOutgoing(lane: 1, number: 5, publisher: 0, message: message))],
                "message 5 of lane 1 does not follow the one before"
            ),
        ]
        for (items, sentence) in refused {
            var writer = StoreWriter(now: now)
            for item in items.dropLast() { try writer.add(item) }
            let last = try #require(items.last)
            do {
                try writer.add(last)
                Issue.record("taken: \(sentence)")
            } catch {
                #expect(error.description == sentence)
            }
        }
    }
}
