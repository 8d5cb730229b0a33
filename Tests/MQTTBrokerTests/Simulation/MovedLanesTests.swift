import MQTTCodec
import NIOCore
import Testing

@testable import MQTTBroker

/// What the simulation of clusters has found of lanes that move while messages and answers are under way.
@Suite("Lanes that move, and what is under way meanwhile")
struct MovedLanesTests {
    /// A client identifier whose lane the second shard of each node leads, if its node does.
    private func client(_ prefix: String, differsFrom other: Int? = nil) -> (name: String, lane: Int) {
        let names = (0...).lazy.map { "\(prefix)\($0)" }
        let name = names.first { ClusterCast.lane(of: $0) % 2 == 1 && ClusterCast.lane(of: $0) != other } ?? prefix
        return (name, ClusterCast.lane(of: name))
    }

    private func move(_ lane: Int, to node: Int, at broker: SimulatedBroker) {
        broker.take(lane, by: broker.seat(of: lane, at: node))
        broker.settle()
    }

    @Test("What is read ahead of a lane that another node serves is neither told nor written anywhere")
    func readAhead() throws {
        let broker = SimulatedBroker.cluster()
        defer { broker.end() }
        let lane = Lane(ofTopic: ByteBuffer(string: "r")).index
        move(lane, to: 0, at: broker)
        let publisher = broker.connect("p", on: 0)
        publisher.publish("r", "1", qos: .atLeastOnce, identifier: 1, retain: true)
        broker.settle()
        let seat = broker.seat(of: lane, at: 1)
        broker.readAhead(lane, by: seat)
        #expect(broker.shards[seat].shard.lanesLedByOwn != 0, "it is asked for retained messages")
        let subscriber = broker.connect("s", on: 0)
        subscriber.subscribe("r")
        broker.settle()
        #expect(subscriber.takePayloads() == ["1"])
        broker.change(seat) {
            $0.beginCleaning()
            while $0.isCleaning { _ = $0.clean(octets: 1_000, now: broker.now) }
        }
        #expect(broker.shards[seat].shard.lanesWithRecords & 1 << UInt64(lane) == 0)
        // Once it leads the lane it tells and writes it.
        move(lane, to: 1, at: broker)
        let next = broker.connect("t", on: 0)
        next.subscribe("r")
        broker.settle()
        #expect(next.takePayloads() == ["1"])
    }

    @Test(
        "A PUBLISH that a home has answered is not told to the next one together with the PUBREL that follows [MQTT-4.3.3-10]"
    )
    func answeredPublish() throws {
        let broker = SimulatedBroker.cluster()
        defer { broker.end() }
        let (name, lane) = client("p")
        let subscriber = broker.connect("s", on: 0)
        subscriber.subscribe("a", qos: .exactlyOnce)
        move(lane, to: 0, at: broker)
        broker.connect(name, on: 4, cleanStart: false, expiry: 1000).publish("a", "1", qos: .exactlyOnce, identifier: 1)
        let publisher = broker.connect(name, on: 4, cleanStart: false, expiry: 1000)
        // One answer can leave at once, the other waits for a commit.
        let publishes = [(1, "1", true), (2, "2", false)].map { identifier, payload, isDuplicate in
            Packet.publish(
                Publish(
                    topic: ByteBuffer(string: "a"),
                    payload: ByteBuffer(string: payload),
                    qos: .exactlyOnce,
                    packetIdentifier: identifier,
                    isDuplicate: isDuplicate
                )
            )
        }
        _ = publisher.takeAll()
        var octets = ByteBuffer()
        for publish in publishes { octets.write(publish, version: .v5) }
        broker.receive(octets, from: publisher, settles: false)
        broker.endTickNow(4)
        while broker.step() {}
        #expect(publisher.takeAll().count == 1, "PUBREC of the first")
        publisher.send(.acknowledgement(PublishAcknowledgement(.release, 1)), settles: false)
        // The next two homes hear of both, and the client of neither.
        for node in [1, 0] {
            let link = broker.cluster?.link(from: broker.seat(of: lane, at: node), to: 4) ?? 0
            broker.cluster?.slow.insert(link)
            move(lane, to: node, at: broker)
        }
        broker.cluster?.slow = []
        broker.settle()
        move(lane, to: 2, at: broker)
        #expect(subscriber.takePayloads() == ["1", "2"])
    }

    @Test("What a connection has told a home of an earlier time is not done again when the home leads the lane again")
    func earlierResumption() throws {
        let broker = SimulatedBroker.cluster()
        defer { broker.end() }
        let (name, lane) = client("p")
        let subscriber = broker.connect("s", on: 0)
        subscriber.subscribe("a", qos: .exactlyOnce)
        move(lane, to: 0, at: broker)
        let publisher = broker.connect(name, on: 4, cleanStart: false, expiry: 1000)
        broker.cluster?.stalled = 1 << UInt64(lane)
        publisher.publish("a", "1", qos: .exactlyOnce, identifier: 1)
        broker.cluster?.stalled = 0
        // The first that it tells the next home is under way until that leads the lane for the second time.
        let link = broker.cluster?.link(from: 4, to: broker.seat(of: lane, at: 1)) ?? 0
        broker.cluster?.slow.insert(link)
        broker.take(lane, by: broker.seat(of: lane, at: 1))
        broker.settle()
        move(lane, to: 0, at: broker)
        publisher.send(.acknowledgement(PublishAcknowledgement(.release, 1)))
        move(lane, to: 1, at: broker)
        broker.cluster?.slow = []
        broker.settle()
        #expect(subscriber.takePayloads() == ["1"])
        // Nor is the identifier taken for one whose message has come.
        publisher.publish("a", "2", qos: .exactlyOnce, identifier: 1)
        #expect(subscriber.takePayloads() == ["2"])
    }

    @Test("A message waits while it is not known whether the lane has taken an earlier one")
    func unknownEarlierMessage() throws {
        let broker = SimulatedBroker.cluster()
        defer { broker.end() }
        let (name, lane) = client("s")
        let (slow, slowLane) = client("t", differsFrom: lane)
        for (client, filter) in [(name, "a/#"), (slow, "a/1")] {
            let subscriber = broker.connect(client, on: 0, cleanStart: false, expiry: 1000)
            subscriber.subscribe(filter, qos: .exactlyOnce)
            subscriber.disconnect(expiry: 1000)
        }
        for lane in [lane, slowLane] { move(lane, to: 1, at: broker) }
        let publisher = broker.connect("p", on: 2)
        broker.cluster?.stalled = 1 << UInt64(slowLane)
        publisher.publish("a/1", "1", qos: .atLeastOnce, identifier: 1, settles: false)
        publisher.publish("a/2", "2", qos: .atLeastOnce, identifier: 2, settles: false)
        broker.endTickNow(2)
        while broker.step() {}
        // The lane is lost, and taken again, and the shard of the publisher hears of neither, but of the second message.
        for from in broker.seats(of: 1) {
            if let link = broker.cluster?.link(from: from, to: 0) { broker.cluster?.slow.insert(link) }
        }
        broker.change(broker.seat(of: lane, at: 1)) { $0.lose(lane: lane, now: broker.now) }
        broker.settle()
        move(lane, to: 1, at: broker)
        broker.wait(until: broker.now.monotonic + .milliseconds(30))
        broker.settle()
        broker.cluster?.stalled = 0
        broker.settle()
        broker.cluster?.slow = []
        broker.settle()
        broker.wait(until: broker.now.monotonic + .milliseconds(30))
        broker.settle()
        let subscriber = broker.connect(name, on: 4, cleanStart: false, expiry: 1000)
        #expect(subscriber.takePayloads() == ["1", "2"])
        #expect(publisher.takeAll().count == 3, "CONNACK and both PUBACKs")
    }

    @Test("A claim that waited is given up with its node, and keeps no later one waiting")
    func claimsOfTheDead() throws {
        let broker = SimulatedBroker.cluster()
        defer { broker.end() }
        let (name, lane) = client("c")
        move(lane, to: 1, at: broker)
        _ = broker.connect(name, on: 0)
        let home = broker.seat(of: lane, at: 1)
        if let link = broker.cluster?.link(from: home, to: 0) { broker.cluster?.slow.insert(link) }
        for _ in 0..<2 { _ = broker.connect(name, on: 4) }
        for node in [2, 0] {
            broker.kill(node)
            broker.bury(node)
            broker.settle()
        }
        broker.takeLanes()
        broker.settle()
        let last = broker.connect(name, on: 2)
        #expect(try last.connectAcknowledgement().reasonCode == .success)
    }

    @Test("A connection that has ended unheard keeps no later one waiting")
    func holderThatIsGone() throws {
        let broker = SimulatedBroker.cluster()
        defer { broker.end() }
        let (name, lane) = client("c")
        move(lane, to: 1, at: broker)
        let first = broker.connect(name, on: 0)
        // The end is told to nobody, as it is while no shard leads the lane.
        let home = broker.seat(of: lane, at: 1)
        broker.drop(first, settles: false)
        if let link = broker.cluster?.link(from: 0, to: home) { broker.cluster?.links[link] = [] }
        let last = broker.connect(name, on: 4)
        #expect(try last.connectAcknowledgement().reasonCode == .success)
    }

    @Test("A retained message of an outbox does not take the place of a later one", arguments: [false, true])
    func lateRetained(isRemoval: Bool) throws {
        let broker = SimulatedBroker.cluster()
        defer { broker.end() }
        let topic = ByteBuffer(string: "r")
        let lane = Lane(ofTopic: topic)
        let leader = broker.shards[0].shard.lanes.leader(of: lane)
        let home = try #require(leader)
        let outbox = try #require(Lane(number: 7))
        for (number, payload) in [(2, isRemoval ? "" : "new"), (1, "old")] as [(UInt64, String)] {
            let publish = Publish(topic: topic, payload: ByteBuffer(string: payload), qos: .exactlyOnce, retain: true)
            let origin = LoggedMessage.Origin(lane: outbox, number: number)
            // From two shards, which led the outbox one after the other.
            let source = ShardReference(node: (Int(home.node) + 1 + Int(number) % 2) % 3, shard: 0)
            broker.change(broker.seat(of: home)) {
                let message = ShardMessage(.retain(publish, origin: origin, isAgain: false, receipt: 9))
                $0.receive([message], from: source, now: broker.now)
            }
        }
        broker.settle()
        move(lane.index, to: (Int(home.node) + 1) % 3, at: broker)
        let subscriber = broker.connect("s", on: 0)
        subscriber.subscribe("r", qos: .atMostOnce)
        #expect(subscriber.takePayloads() == (isRemoval ? [] : ["new"]))
    }

    @Test("A link that loses messages loses no acknowledged one, and both nodes know each other again")
    func lostLink() throws {
        let broker = SimulatedBroker.cluster()
        defer { broker.end() }
        let subscriber = broker.connect("s", on: 0, cleanStart: false, expiry: 1000)
        subscriber.subscribe("a", qos: .exactlyOnce)
        move(ClusterCast.lane(of: "s"), to: 1, at: broker)
        let publisher = broker.connect("p", on: 4, cleanStart: false, expiry: 1000)
        for number in 1...4 {
            publisher.publish("a", "\(number)", qos: .exactlyOnce, identifier: UInt16(number), settles: false)
            broker.endTickNow(4)
            for (from, to) in [(4, 2), (3, 0)] { broker.resetLink(from: from, to: to) }
        }
        broker.settle()
        #expect(subscriber.takePayloads() == ["1", "2", "3", "4"])
        #expect(broker.isEachLaneLed)
        #expect(!subscriber.isClosed && !publisher.isClosed)
    }
}
