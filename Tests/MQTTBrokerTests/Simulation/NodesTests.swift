import MQTTCodec
import NIOCore
import Testing

@testable import MQTTBroker

@Suite("Several nodes as one broker")
struct NodesTests {
    /// Twelve clients, `s0` to `s11`, subscribe and go away.
    private func leaveSessions(at broker: SimulatedBroker, seats: Int) {
        for number in 0..<12 {
            let subscriber = broker.connect("s\(number)", on: number % seats, cleanStart: false, expiry: 1000)
            subscriber.subscribe("a/#", qos: .exactlyOnce)
            subscriber.disconnect(expiry: 1000)
        }
    }

    @Test(
        "A message reaches subscribers at all nodes once",
        arguments: [QualityOfService.atMostOnce, .atLeastOnce, .exactlyOnce]
    )
    func delivers(qos: QualityOfService) throws {
        let broker = SimulatedBroker.cluster()
        defer { broker.end() }
        let subscribers = (0..<6).map { broker.connect("s\($0)", on: $0) }
        for subscriber in subscribers { subscriber.subscribe("a/+", qos: qos) }
        let publisher = broker.connect("p", on: 3)
        publisher.publish("a/b", "1", qos: qos, identifier: 1)
        for subscriber in subscribers { #expect(subscriber.takePayloads() == ["1"]) }
    }

    @Test("A message reaches durable sessions wherever they live, and is acknowledged once they keep it")
    func durable() throws {
        let broker = SimulatedBroker.cluster()
        defer { broker.end() }
        leaveSessions(at: broker, seats: 6)
        let publisher = broker.connect("p", on: 0)
        publisher.publish("a/b", "1", qos: .atLeastOnce, identifier: 1, settles: false)
        #expect(!publisher.takeAll().contains { if case .acknowledgement = $0 { true } else { false } })
        broker.settle()
        #expect(publisher.takeAll().contains { if case .acknowledgement = $0 { true } else { false } })
        for number in 0..<12 {
            let subscriber = broker.connect("s\(number)", on: (number + 3) % 6, cleanStart: false, expiry: 1000)
            #expect(try subscriber.connectAcknowledgement().sessionPresent)
            #expect(subscriber.takePayloads() == ["1"])
        }
    }

    @Test("A client identifier has one connection among all nodes [MQTT-3.1.4-3]", arguments: [nil, 100])
    func takesOver(expiry: UInt32?) throws {
        let broker = SimulatedBroker.cluster()
        defer { broker.end() }
        let first = broker.connect("c", on: 0, expiry: expiry)
        _ = try first.connectAcknowledgement()
        let second = broker.connect("c", on: 5, cleanStart: false, expiry: expiry)
        #expect(try second.connectAcknowledgement().sessionPresent == (expiry != nil))
        #expect(first.disconnectReason == .sessionTakenOver)
        #expect(first.isClosed)
    }

    @Test("Retained messages are found wherever their topics' lanes are led")
    func retained() throws {
        let broker = SimulatedBroker.cluster()
        defer { broker.end() }
        let publisher = broker.connect("p", on: 1)
        for number in 0..<20 {
            publisher.publish("r/\(number)", "\(number)", qos: .atLeastOnce, identifier: 1, retain: true)
        }
        let subscriber = broker.connect("s", on: 4)
        subscriber.subscribe("r/+", qos: .atLeastOnce)
        #expect(Set(subscriber.takePayloads()) == Set((0..<20).map { "\($0)" }))
    }

    @Test("Sessions of a dead node's lanes are served by the others, and nothing acknowledged is lost")
    func survives() throws {
        let broker = SimulatedBroker.cluster()
        defer { broker.end() }
        leaveSessions(at: broker, seats: 4)
        let publisher = broker.connect("p", on: 0)
        publisher.publish("a/b", "1", qos: .atLeastOnce, identifier: 1)
        broker.kill(2)
        // Nobody knows yet: the message waits for the dead node's lanes.
        publisher.publish("a/b", "2", qos: .atLeastOnce, identifier: 2)
        broker.bury(2)
        publisher.publish("a/b", "3", qos: .atLeastOnce, identifier: 3)
        _ = publisher.takePublishes()
        #expect(publisher.takeAll().count == 2, "CONNACK and the first PUBACK")
        broker.takeLanes()
        broker.settle()
        #expect(publisher.takeAll().count == 2)
        for number in 0..<12 {
            let subscriber = broker.connect("s\(number)", on: (number + 1) % 4, cleanStart: false, expiry: 1000)
            #expect(try subscriber.connectAcknowledgement().sessionPresent)
            #expect(subscriber.takePayloads() == ["1", "2", "3"])
        }
    }

    @Test("Once the lanes of a node that is not heard of are led by others, nothing waits for it")
    func suspected() throws {
        let broker = SimulatedBroker.cluster()
        defer { broker.end() }
        leaveSessions(at: broker, seats: 4)
        broker.kill(2)
        for seat in [0, 2] { broker.change(seat) { $0.suspected(node: 2, true, now: broker.now) } }
        for lane in 0..<Lane.count where broker.shards[0].shard.lead(ofLane: lane)?.node == 2 {
            broker.take(lane, by: lane % 2)
        }
        broker.settle()
        let publisher = broker.connect("p", on: 3)
        publisher.publish("a/b", "1", qos: .atLeastOnce, identifier: 1)
        #expect(publisher.takeAll().count == 2, "CONNACK and PUBACK")
        let subscriber = broker.connect("t", on: 1)
        subscriber.subscribe("b")
        #expect(subscriber.takeAll().count == 2, "CONNACK and SUBACK")
        for number in 0..<12 {
            let subscriber = broker.connect("s\(number)", on: number % 4, cleanStart: false, expiry: 1000)
            #expect(subscriber.takePayloads() == ["1"])
        }
    }

    @Test("A node that is started again is a member again, and serves")
    func returns() throws {
        let broker = SimulatedBroker.cluster()
        defer { broker.end() }
        broker.kill(1)
        broker.bury(1)
        broker.settle()
        broker.takeLanes()
        broker.settle()
        broker.restart(1)
        broker.settle()
        let isIntroduced = broker.shards[2].shard.isIntroduced
        #expect(isIntroduced)
        let subscriber = broker.connect("s", on: 3)
        subscriber.subscribe("a", qos: .atLeastOnce)
        broker.connect("p", on: 0).publish("a", "1", qos: .atLeastOnce, identifier: 1)
        #expect(subscriber.takePayloads() == ["1"])
    }

    @Test("A client notices nothing when the lane of its session gets another leader", arguments: [false, true])
    func moves(dies: Bool) throws {
        let broker = SimulatedBroker.cluster()
        defer { broker.end() }
        let subscriber = broker.connect("s", on: 0, cleanStart: false, expiry: 1000)
        subscriber.subscribe("a/#", qos: .exactlyOnce)
        let publisher = broker.connect("p", on: 1, cleanStart: false, expiry: 1000)
        publisher.publish("a/1", "1", qos: .exactlyOnce, identifier: 1)
        for client in [subscriber, publisher] { _ = client.takeAll() }
        // PUBREC of the one and PUBREL of the other are under way.
        subscriber.send(.acknowledgement(PublishAcknowledgement(.recorded, 1)), settles: false)
        publisher.send(.acknowledgement(PublishAcknowledgement(.release, 1)), settles: false)
        publisher.publish("a/2", "2", qos: .exactlyOnce, identifier: 2, settles: false)
        let leaders = Set(["s", "p"].compactMap { broker.leader(ofSessionOf: $0) })
        if dies {
            let node = try #require(leaders.subtracting([0]).min())
            broker.kill(node)
            broker.bury(node)
            broker.settle()
            broker.takeLanes()
        } else {
            for lane in 0..<Lane.count {
                let leader = broker.shards[0].shard.lead(ofLane: lane).map(\.node) ?? 0
                broker.take(lane, by: broker.seats(of: (leader + 1) % 3).lowerBound + lane % 2)
            }
        }
        broker.settle()
        // A shard may have refused what a lane's former leader had not kept.
        broker.advance(by: .milliseconds(100))
        #expect(broker.total(\.sessionsMoved) > 0)
        #expect(!subscriber.isClosed && !publisher.isClosed)
        #expect(
            publisher.takeAll().compactMap { packet -> PublishAcknowledgement.Kind? in
                if case .acknowledgement(let answer) = packet { answer.kind } else { nil }
            } == [.complete, .recorded]
        )
        let came = subscriber.takeAll()
        #expect(came.contains { if case .acknowledgement(let answer) = $0 { answer.kind == .release } else { false } })
        let payloads = came.compactMap { packet -> String? in
            if case .publish(let publish) = packet { String(buffer: publish.payload) } else { nil }
        }
        #expect(payloads == ["2"])
        // A subscription that comes after the move is answered, too.
        subscriber.subscribe("b")
        #expect(subscriber.takeAll().count == 1)
    }

    @Test("A node that speaks for another one is not heard")
    func speaksForItself() {
        let broker = SimulatedBroker.cluster()
        defer { broker.end() }
        let lane = Lane(clientHash: 5)
        let leader = broker.shards[0].shard.lanes.leader(of: lane)
        let term = broker.shards[0].shard.lanes.term(of: lane) + 1
        let liar = ShardReference(node: 1, shard: 0)
        let claimed = ClusterMessage.leads(ShardReference(node: 2, shard: 1), [.init(lane: lane, term: term)])
        broker.change(0) { $0.receive([ShardMessage(.cluster(claimed))], from: liar, now: broker.now) }
        #expect(broker.shards[0].shard.lanes.leader(of: lane) == leader)
        let own = ClusterMessage.leads(liar, [.init(lane: lane, term: term)])
        broker.change(0) { $0.receive([ShardMessage(.cluster(own))], from: liar, now: broker.now) }
        #expect(broker.shards[0].shard.lanes.leader(of: lane) == liar)
    }
}
