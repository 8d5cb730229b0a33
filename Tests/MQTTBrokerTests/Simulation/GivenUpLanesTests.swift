import MQTTCodec
import NIOCore
import Testing

@testable import MQTTBroker

/// What the simulation of clusters has found of shards that give a lane up, or do not lead it yet.
@Suite("Lanes that a shard gives up, or does not lead yet")
struct GivenUpLanesTests {
    private let broker = SimulatedBroker.cluster()
    /// A durable client of the first node, whose lane the second node leads.
    private let client: SimulatedClient
    private let lane = ClusterCast.lane(of: "c")
    private let home: Int

    init() {
        home = broker.seat(of: lane, at: 1)
        broker.take(lane, by: home)
        broker.settle()
        client = broker.connect("c", on: 0, cleanStart: false, expiry: 1000)
    }

    private func stall(_ isStalled: Bool) { broker.cluster?.stalled = isStalled ? 1 << UInt64(lane) : 0 }

    /// Replays the log of a lane at a shard that does not lead it. Returns the shard's place.
    private func replay(_ lane: Lane) throws -> Int {
        let log = try #require(broker.cluster?.lanes[lane.index])
        let leader = broker.shards[0].shard.lead(ofLane: lane.index)?.node ?? 0
        let seat = broker.seat(of: lane.index, at: (leader + 1) % 3)
        for number in log.purged..<log.end {
            guard case .batch(let octets) = log[number] else { continue }
            try broker.shards[seat].shard.restore(octets, ofLane: lane.index, now: broker.now)
        }
        return seat
    }

    @Test("The connection is not ended if its deputy has something to send as the lane is lost")
    func outputOfParted() {
        defer { broker.end() }
        client.subscribe("a")
        broker.change(home) { shard in
            let publish = Publish(topic: ByteBuffer(string: "a"), payload: ByteBuffer(string: "1"), qos: .atMostOnce)
            let message = ShardMessage(.publish(publish, from: 0, origin: nil, .everybody, receipt: 0))
            shard.receive([message], from: ShardReference(node: 2, shard: 0), now: broker.now)
            shard.lose(lane: lane, now: broker.now)
        }
        broker.settle()
        broker.takeLanes()
        broker.settle()
        #expect(!client.isClosed)
        _ = client.takeAll()
        broker.connect("p", on: 4).publish("a", "2")
        #expect(client.takePayloads() == ["2"])
    }

    @Test("SUBACK does not rely on answers to another SUBSCRIBE of the connection [MQTT-3.8.4-1]")
    func answersToAnother() {
        defer { broker.end() }
        _ = client.takeAll()
        stall(true)
        client.subscribe("a")
        let reference = client.connection.reference
        broker.change(home) { shard in
            let other = Requester(connection: reference, number: shard.lastSubscribe &- 1)
            shard.receive([ShardMessage(.announced(other))], from: shard.own, now: broker.now)
        }
        broker.settle()
        #expect(client.takeAll().isEmpty, "the subscription is not committed")
        stall(false)
        broker.settle()
        #expect(client.takeAll().count == 1)
    }

    @Test("UNSUBACK comes once, although the lane moves before the home has said that it is sent [MQTT-3.10.4-4]")
    func unsubscribeAcknowledgement() {
        defer { broker.end() }
        client.subscribe("a")
        _ = client.takeAll()
        stall(true)
        client.send(.unsubscribe(Unsubscribe(packetIdentifier: 2, topicFilters: ["a"])))
        #expect(client.takeAll().isEmpty, "the end of the subscription is not committed")
        stall(false)
        broker.take(lane, by: broker.seat(of: lane, at: 2))
        broker.settle()
        #expect(client.takeAll().count == 1)
        #expect(!client.isClosed)
    }

    @Test("SUBACK comes once, although the lane moves while retained messages are looked for [MQTT-3.8.4-1]")
    func subscribeAcknowledgement() {
        defer { broker.end() }
        client.publish("r", "1", qos: .atLeastOnce, identifier: 1, retain: true)
        let retained = Lane(ofTopic: ByteBuffer(string: "r")).index
        broker.take(retained, by: broker.seat(of: retained, at: 2))
        broker.settle()
        _ = client.takeAll()
        client.subscribe("r", settles: false)
        var packets: [Packet] = []
        while packets.isEmpty, broker.step() || broker.commit() { packets += client.takeAll() }
        // The home does not hear what was found.
        broker.cluster?.cuts = [.init(from: 2, to: 1)]
        broker.take(lane, by: broker.seat(of: lane, at: 2))
        broker.settle()
        broker.cluster?.cuts = []
        broker.settle()
        packets += client.takeAll()
        let answers = packets.filter { if case .subscribeAcknowledgement = $0 { true } else { false } }
        #expect(answers.count == 1)
        #expect(packets.contains { if case .publish = $0 { true } else { false } }, "the retained message")
    }

    @Test("A retained message that expires while its lane is replayed is written to no log, and is not found")
    func expiryDuringReplay() throws {
        defer { broker.end() }
        var properties = PublishProperties()
        properties.values.messageExpiryInterval = 5
        client.publish("r", "1", qos: .atLeastOnce, identifier: 1, retain: true, properties: properties)
        let retained = Lane(ofTopic: ByteBuffer(string: "r"))
        let seat = try replay(retained)
        #expect(broker.shards[seat].shard.retainedCount == 1)
        broker.connect("s", on: seat).subscribe("r")
        broker.advance(by: .seconds(6))
        #expect(broker.shards[seat].shard.retainedCount == 0)
        #expect(broker.shards[seat].shard.lanes[retained].isClean)
    }

    @Test("What is retained is found once while another shard replays its lane")
    func lookUpDuringReplay() throws {
        defer { broker.end() }
        client.publish("r", "1", qos: .atLeastOnce, identifier: 1, retain: true)
        let retained = Lane(ofTopic: ByteBuffer(string: "r"))
        let seat = try replay(retained)
        let subscriber = broker.connect("s", on: seat)
        subscriber.subscribe("r")
        #expect(subscriber.takePayloads() == ["1"])
    }

    @Test("A client that waits for CONNACK as its node is isolated connects again: its will may be published already")
    func pendingConnectOfIsolated() {
        defer { broker.end() }
        client.disconnect(expiry: 1000)
        stall(true)
        let waiting = broker.connect("c", on: 0, cleanStart: false, expiry: 1000)
        broker.isolate(0)
        #expect(waiting.isClosed)
        stall(false)
        broker.bury(0)
        broker.restart(0)
        broker.settle()
        broker.takeLanes()
        broker.settle()
        #expect(!broker.connect("c", on: 0, cleanStart: false, expiry: 1000).isClosed)
    }

    @Test("What a dead node has sent does not come before an earlier message of it that was refused")
    func orderOfDead() {
        defer { broker.end() }
        client.subscribe("a")
        _ = client.takeAll()
        let next = broker.seat(of: lane, at: 0)
        // Another shard of the node passes on what the dead one has sent, the second message once the lane is led there.
        let sibling = broker.shards[broker.seats(of: 0).first { $0 != next } ?? 0].shard.own
        let scope = LaneScope(
            lanes: 1 << UInt64(lane),
            isForTransient: false,
            source: ShardReference(node: 2, shard: 0)
        )
        func passOn(_ payload: String, _ number: UInt64) {
            var publish = Publish(
                topic: ByteBuffer(string: "a"),
                payload: ByteBuffer(string: payload),
                qos: .atLeastOnce
            )
            publish.packetIdentifier = 1
            let message = ShardMessage(.publish(publish, from: 0, origin: nil, scope, receipt: number))
            broker.change(next) { $0.receive([message], from: sibling, now: broker.now) }
        }
        passOn("1", 1)
        broker.kill(2)
        broker.bury(2)
        broker.settle()
        broker.take(lane, by: next)
        broker.settle()
        passOn("2", 2)
        broker.settle()
        #expect(client.takePayloads().isEmpty)
    }

    @Test("A message at an isolated node waits for lanes whose sessions may have subscribed meanwhile [MQTT-4.3.2-4]")
    func publishToUnknown() {
        defer { broker.end() }
        let publisher = broker.connect("p", on: 0)
        _ = publisher.takeAll()
        broker.isolate(0)
        broker.bury(0)
        broker.settle()
        // No node waits for the isolated one before SUBACK.
        let subscriber = broker.connect("c", on: home, cleanStart: false, expiry: 1000)
        subscriber.subscribe("news", qos: .atLeastOnce)
        publisher.publish("news", "1", qos: .atLeastOnce, identifier: 1)
        #expect(publisher.takeAll().isEmpty, "it is not known who has to keep the message")
        broker.restart(0)
        broker.takeLanes()
        broker.settle()
        #expect(publisher.takeAll().count == 1, "PUBACK")
        #expect(Set(subscriber.takePayloads()) == ["1"])
    }
}
