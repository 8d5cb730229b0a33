import MQTTCodec
import NIOCore
import Testing

@testable import MQTTBroker

/// Clients that come, go, move between shards and are taken over at random while messages pass: whatever the seed,
/// nothing is lost, nothing comes twice at QoS 2, and the order holds.
@Suite struct RandomOperationsTests {
    @Test("No message is lost or repeated while sessions move", arguments: [1, 2, 5], 0..<40 as Range<UInt64>)
    func moving(shards: Int, seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var limits = Limits()
        limits.maximumQueueLength = 100_000
        let broker = SimulatedBroker(shards: shards, limits: limits, seed: seed &* 31, hasLongTicks: true)
        let subscribers = (0..<3).map { DurableSubscriber(name: "s\($0)", broker: broker) }
        for subscriber in subscribers {
            subscriber.connect(on: 0)
            broker.settle()
            subscriber.client?.subscribe("load/#", qos: .exactlyOnce)
        }
        let publishers = (0..<3).map { broker.connect("p\($0)", on: $0 % shards) }
        var sent: [String] = []
        var identifier: UInt16 = 0
        for _ in 0..<300 {
            switch Int.random(in: 0..<10, using: &random) {
            case 0:
                subscribers.randomElement(using: &random)?.connect(on: Int.random(in: 0..<shards, using: &random))
            case 1:
                subscribers.randomElement(using: &random)?.drop()
            case 2, 3, 4:
                for _ in 0..<Int.random(in: 0..<4, using: &random) { broker.step() }
            default:
                let index = Int.random(in: 0..<publishers.count, using: &random)
                let payload = "\(index):\(sent.count)"
                identifier = identifier % 60_000 + 1
                sent.append(payload)
                publishers[index].publish(
                    "load/\(index)",
                    payload,
                    qos: .exactlyOnce,
                    identifier: identifier,
                    settles: false
                )
                publishers[index].send(.acknowledgement(PublishAcknowledgement(.release, identifier)), settles: false)
            }
            for subscriber in subscribers { subscriber.read(answering: Bool.random(using: &random)) }
        }
        broker.settle()
        for subscriber in subscribers {
            subscriber.drop()
            subscriber.connect(on: Int.random(in: 0..<shards, using: &random))
            broker.settle()
            for _ in 0..<2000 where subscriber.read(answering: true) { broker.settle() }
            #expect(subscriber.received.sorted() == sent.sorted(), "\(subscriber.name)")
            for index in publishers.indices {
                let own = subscriber.received.filter { $0.hasPrefix("\(index):") }
                #expect(
                    own == sent.filter { $0.hasPrefix("\(index):") },
                    "order of publisher \(index) at \(subscriber.name)"
                )
            }
        }
    }

    @Test(
        "Whatever clients do, what is owed arrives, and nothing is left",
        arguments: [1, 2, 4],
        0..<40 as Range<UInt64>
    )
    func chaos(shards: Int, seed: UInt64) {
        var random = SeededGenerator(seed: seed &* 77)
        var limits = Limits()
        limits.maximumQueueLength = 100_000
        limits.maximumInflight = 5
        limits.outputHighWaterMark = 200
        let broker = SimulatedBroker(shards: shards, limits: limits, seed: seed, hasLongTicks: true)
        let subscriber = DurableSubscriber(name: "subscriber", broker: broker)
        subscriber.connect(on: 0)
        broker.settle()
        subscriber.client?.subscribe("load/#", qos: .exactlyOnce)
        let publisher = broker.connect("publisher", on: shards - 1)
        var visitors: [SimulatedClient] = []
        var sent: [String] = []

        for round in 1...400 as ClosedRange<UInt16> {
            func shard() -> Int { Int.random(in: 0..<shards, using: &random) }
            let visitor = visitors.randomElement(using: &random)
            switch Int.random(in: 0..<14, using: &random) {
            case 0:
                subscriber.connect(on: shard())
            case 1:
                subscriber.drop(settles: false)
            case 2, 3:
                var will = Connect.Will(
                    topic: ByteBuffer(string: "visit/will"),
                    payload: ByteBuffer(string: "w"),
                    retain: Bool.random(using: &random)
                )
                will.properties.values.willDelayInterval = [nil, 1, 5].randomElement(using: &random) ?? nil
                let client = broker.connect(
                    "visitor \(Int.random(in: 0..<3, using: &random))",
                    on: shard(),
                    cleanStart: Bool.random(using: &random),
                    expiry: [0, 2, 20].randomElement(using: &random),
                    receiveMaximum: 2,
                    will: Bool.random(using: &random) ? will : nil,
                    settles: false
                )
                visitors.append(client)
            case 4:
                if let visitor, !visitor.isClosed { broker.drop(visitor, settles: false) }
                visitors.removeAll(where: \.isClosed)
            case 5:
                let filter = ["visit/+", "load/#", "#", "visit/will"].randomElement(using: &random) ?? "#"
                visitor?.subscribe(filter, qos: .atLeastOnce, settles: false)
            case 6:
                let filter = ["visit/+", "load/#", "#", "visit/will"].randomElement(using: &random) ?? "#"
                visitor?.send(.unsubscribe(Unsubscribe(packetIdentifier: 2, topicFilters: [filter])), settles: false)
            case 7:
                if let visitor, !visitor.isClosed {
                    broker.setBlocked(Bool.random(using: &random), visitor, settles: false)
                }
            case 8:
                if let client = subscriber.client, !client.isClosed {
                    broker.setBlocked(Bool.random(using: &random), client, settles: false)
                }
            case 9:
                visitor?.publish("visit/\(round)", "v", retain: Bool.random(using: &random), settles: false)
            case 10:
                broker.advance(by: .seconds(Int64.random(in: 0...3, using: &random)))
            case 11:
                for _ in 0..<Int.random(in: 0..<5, using: &random) { broker.step() }
            default:
                sent.append("\(round)")
                let retain = Bool.random(using: &random)
                publisher.publish(
                    "load/x",
                    "\(round)",
                    qos: .exactlyOnce,
                    identifier: round,
                    retain: retain,
                    settles: false
                )
                publisher.send(.acknowledgement(PublishAcknowledgement(.release, round)), settles: false)
            }
            subscriber.read(answering: Bool.random(using: &random))
        }
        broker.settle()
        for name in Set(broker.sessions.map(\.clientIdentifier)) {
            let holders = broker.shards.filter { $0.shard.sessions[name] != nil }
            #expect(holders.count == 1, "\(name.string) has one session")
        }

        subscriber.drop()
        subscriber.connect(on: 0)
        broker.settle()
        for _ in 0..<2000 where subscriber.read(answering: true) { broker.settle() }
        #expect(subscriber.received == sent)

        subscriber.client?.disconnect(expiry: 0)
        publisher.disconnect()
        for visitor in visitors where !visitor.isClosed { broker.drop(visitor) }
        broker.advance(by: .hours(10))
        broker.expectNothingLeft()
    }
}
