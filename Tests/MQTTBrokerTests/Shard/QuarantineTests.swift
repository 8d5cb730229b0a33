import MQTTCodec
import NIOCore
import Testing

@testable import MQTTBroker

/// A broker that starts with a damaged log: the lane that is damaged is not served, and all others are.
@Suite struct QuarantineTests {
    private static func answer(
        _ kind: PublishAcknowledgement.Kind,
        _ identifier: UInt16,
        _ reason: ReasonCode = .success
    ) -> Packet { .acknowledgement(PublishAcknowledgement(kind, identifier, reasonCode: reason)) }

    private static func lane(of client: String) -> Lane {
        Lane(clientHash: Session.identity(of: UTF8Key(client)))
    }

    /// Clients "0" and up that are away, each with a filter of its own name and one message; one commit for each step.
    private func broker(_ clients: Int, shards: Int = 1) -> SimulatedBroker {
        let broker = SimulatedBroker(shards: shards, hasStore: true)
        let publisher = broker.connect("publisher")
        for client in 0..<clients {
            let made = broker.connect("\(client)", expiry: 1_000)
            made.subscribe("to/\(client)/+", qos: .exactlyOnce)
            broker.drop(made)
            publisher.publish("to/\(client)/x", "\(client)", qos: .exactlyOnce, identifier: UInt16(client + 1))
        }
        broker.drop(publisher)
        return broker
    }

    /// Damages the first batch behind the head of one commit with a batch of a client's lane. Returns whether there was one.
    private func damage(_ client: String, in broker: SimulatedBroker, head: Bool = false) throws {
        let lane = Self.lane(of: client)
        // The last one: the message.
        for (place, commit) in (broker.store?.commits ?? []).enumerated().reversed() {
            var offset = commit.readerIndex
            while let slice = commit.getSlice(at: offset, length: commit.writerIndex - offset),
                let found = LaneBatch.Head(slice)
            {
                if found.lane == lane.number {
                    broker.damage(place, at: head ? offset + 2 : offset + found.size - 1)
                    return
                }
                offset += found.size
            }
        }
        Issue.record("no batch of \(client)")
    }

    @Test("Clients of other lanes find all that is theirs; those of the damaged lane are refused", arguments: [1, 3])
    func others(shards: Int) throws {
        let broker = broker(20, shards: shards)
        try damage("7", in: broker)
        broker.crash(shards: shards)
        broker.settle()
        let damaged = Self.lane(of: "7")
        #expect(broker.shards.reduce(0) { $0 + $1.shard.quarantinedLanes } == 1)
        for client in 0..<20 {
            let back = broker.connect("\(client)", on: client % shards, cleanStart: false, expiry: 1_000)
            let reason = try back.connectAcknowledgement().reasonCode
            if Self.lane(of: "\(client)") == damaged {
                #expect(reason == .serverUnavailable)
            } else {
                #expect(reason == .success)
                #expect(back.takePayloads() == ["\(client)"])
            }
        }
        let three = broker.connect("7", version: .v3_1_1, cleanStart: false)
        #expect(try three.connectAcknowledgement().reasonCode == .serverUnavailable)
        // A client that wants nothing of it is let in.
        #expect(try broker.connect("7").connectAcknowledgement().reasonCode == .success)
    }

    @Test("Messages for known sessions of the damaged lane are refused, and no others", arguments: [1, 3])
    func publishes(shards: Int) throws {
        let broker = broker(20, shards: shards)
        let retained = broker.connect("keeper")
        for topic in 0..<300 {
            retained.publish("r/\(topic)", "old", qos: .atLeastOnce, identifier: UInt16(topic + 1), retain: true)
        }
        broker.drop(retained)
        try damage("7", in: broker)
        broker.crash(shards: shards)
        broker.settle()
        let damaged = Self.lane(of: "7")
        let publisher = broker.connect("publisher")
        let reader = broker.connect("reader")
        reader.subscribe("#")
        _ = (publisher.takeAll(), reader.takeAll())
        publisher.publish("to/7/y", "no", qos: .atLeastOnce, identifier: 1)
        publisher.publish("to/7/y", "no", qos: .exactlyOnce, identifier: 2)
        publisher.publish("to/7/y", "zero")
        publisher.publish("to/7", "one", qos: .atLeastOnce, identifier: 3)
        #expect(
            publisher.takeAll() == [
                Self.answer(.received, 1, .quotaExceeded), Self.answer(.recorded, 2, .quotaExceeded),
                Self.answer(.received, 3),
            ]
        )
        #expect(reader.takePayloads() == ["zero", "one"])

        // Retained messages of the lane are not to be had, and not to be replaced.
        let topic = try #require((0..<300).map { "r/\($0)" }.first { Lane(ofTopic: ByteBuffer(string: $0)) == damaged })
        publisher.publish(topic, "new", qos: .atLeastOnce, identifier: 4, retain: true)
        publisher.publish(topic, "new", retain: true)
        #expect(publisher.takeAll() == [Self.answer(.received, 4, .quotaExceeded)])
        let late = broker.connect("late")
        late.subscribe("r/#")
        let topics = Set(late.takePublishes().map { String(buffer: $0.topic) })
        #expect(topics == Set((0..<300).map { "r/\($0)" }.filter { Lane(ofTopic: ByteBuffer(string: $0)) != damaged }))

        // A client of MQTT 3 gets no answer, and what it sends at QoS 0 and to others before goes on.
        let three = broker.connect("three", version: .v3_1_1)
        _ = three.takeAll()
        three.publish("other", "1", qos: .atLeastOnce, identifier: 1)
        three.publish("to/7/y", "2", qos: .atLeastOnce, identifier: 2)
        broker.advance(by: .seconds(1))
        #expect(three.takeAll() == [Self.answer(.received, 1)])
        broker.drop(three)
    }

    @Test("Nothing of the damaged lane is written, so that a sound log brings all of it back") func untouched() throws {
        let broker = broker(20)
        try damage("7", in: broker)
        broker.crash(shards: 1)
        broker.settle()
        _ = broker.connect("7", cleanStart: false, expiry: 10)
        let publisher = broker.connect("publisher")
        publisher.publish("to/7/y", "no", qos: .atLeastOnce, identifier: 1)
        broker.advance(by: .seconds(500))
        broker.drop(publisher)
        // The damage is undone.
        try damage("7", in: broker)
        broker.crash(shards: 2)
        broker.settle()
        let back = broker.connect("7", cleanStart: false, expiry: 1_000)
        #expect(try back.connectAcknowledgement().sessionPresent)
        #expect(back.takePayloads() == ["7"])
    }

    @Test(
        "If the lane of a damaged batch is not known, all lanes that it may be of are quarantined",
        arguments: [1, 3]
    )
    func lost(shards: Int) throws {
        let broker = broker(20)
        // Everybody has something newer than the damage except "7".
        try damage("7", in: broker, head: true)
        broker.crash(shards: shards)
        broker.settle()
        let seven = broker.connect("7", cleanStart: false, expiry: 1_000)
        #expect(try seven.connectAcknowledgement().reasonCode == .serverUnavailable)
        // The lanes of those whose next batch follows theirs without a gap cannot have lost one.
        var served = 0
        for client in 8..<20 {
            let back = broker.connect("\(client)", cleanStart: false, expiry: 1_000)
            guard try back.connectAcknowledgement().reasonCode == .success else { continue }
            served += 1
            #expect(back.takePayloads() == ["\(client)"])
        }
        #expect(served > 0)
    }

    @Test("Whatever octet is damaged, what is served is whole", arguments: 0..<60 as Range<UInt64>) func any(
        seed: UInt64
    )
        throws
    {
        var random = SeededGenerator(seed: seed)
        let broker = broker(12, shards: Int.random(in: 1...3, using: &random))
        let commits = broker.store?.commits ?? []
        let place = Int.random(in: 0..<commits.count, using: &random)
        broker.damage(place, at: Int.random(in: 0..<commits[place].readableBytes, using: &random))
        broker.crash(shards: Int.random(in: 1...3, using: &random))
        broker.settle()
        for client in 0..<12 {
            let back = broker.connect("\(client)", cleanStart: false, expiry: 1_000)
            guard try back.connectAcknowledgement().reasonCode == .success else { continue }
            #expect(back.takePayloads() == ["\(client)"])
        }
    }

    @Test("An outbox that has lost its newest numbers gives out none that others have kept") func outbox() throws {
        let broker = SimulatedBroker(hasStore: true)
        let away = broker.connect("away", expiry: 1_000)
        away.subscribe("kept", qos: .exactlyOnce)
        broker.drop(away)
        let publisher = broker.connect("publisher", expiry: 1_000)
        let before = broker.store?.commits.count ?? 0
        publisher.publish("kept", "1", qos: .exactlyOnce, identifier: 1)
        broker.drop(publisher)
        #expect(Self.lane(of: "publisher") != Self.lane(of: "away"))
        // As salvage does: the batches of the publisher's lane are left out, and what others have of them stays.
        broker.leaveOut(Self.lane(of: "publisher"), from: before)
        broker.crash(shards: 2)
        broker.settle()
        let again = broker.connect("publisher", cleanStart: false, expiry: 1_000)
        _ = again.takeAll()
        again.publish("kept", "2", qos: .exactlyOnce, identifier: 1)
        let back = broker.connect("away", cleanStart: false, expiry: 1_000)
        #expect(back.takePayloads() == ["1", "2"])
    }
}
