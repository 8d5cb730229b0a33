import MQTTCodec
import NIOCore
import Testing

@testable import MQTTBroker

/// Messages that administrators publish.
@Suite struct MessageToPublishTests {
    private func publish(
        _ message: MessageToPublish,
        at broker: SimulatedBroker,
        on shard: Int = 0
    ) -> [MessageToPublish.Outcome] {
        let isTaken = broker.shards[shard].shard.ask(.publish(message), number: 1, now: broker.now)
        #expect(isTaken)
        return answers(of: broker, on: shard)
    }

    private func answers(of broker: SimulatedBroker, on shard: Int = 0) -> [MessageToPublish.Outcome] {
        broker.settle()
        return broker.shards[shard].shard.takeAnswers().compactMap {
            if case .published(let outcome) = $0.answer { outcome } else { nil }
        }
    }

    private func message(_ topic: String, qos: UInt8 = 0, retain: Bool = false) -> MessageToPublish {
        MessageToPublish(topic: topic, payload: ByteBuffer(string: "hello"), qos: qos, retain: retain)
    }

    @Test("Subscribers of all shards get it", arguments: [0, 1, 2] as [UInt8])
    func delivered(qos: UInt8) {
        let broker = SimulatedBroker(shards: 3)
        let clients = (0..<3).map { broker.connect("client \($0)", on: $0) }
        for client in clients { client.subscribe("a/+", qos: .exactlyOnce) }
        #expect(publish(message("a/b", qos: qos), at: broker, on: 1) == [.published])
        for client in clients { #expect(client.takePayloads() == ["hello"]) }
    }

    @Test("Without subscribers it is retained all the same") func retained() {
        let broker = SimulatedBroker()
        #expect(publish(message("a", retain: true), at: broker) == [.noSubscribers])
        let late = broker.connect("late")
        late.subscribe("a")
        #expect(late.takePayloads() == ["hello"])
    }

    @Test("What is no topic name is refused [MQTT-3.3.2-2]", arguments: ["", "a/+", "#", "a\u{0}"])
    func topics(_ topic: String) {
        let broker = SimulatedBroker()
        broker.connect("client").subscribe("#")
        #expect(publish(message(topic), at: broker) == [.topicInvalid])
    }

    @Test("What is longer than a packet may be is refused") func size() {
        var limits = Limits()
        limits.maximumPacketSize = 100
        let broker = SimulatedBroker(limits: limits)
        var long = message("a")
        long.payload = ByteBuffer(repeating: 0x61, count: 101)
        #expect(publish(long, at: broker) == [.tooLarge])
    }

    @Test("Strings that MQTT cannot say are refused [MQTT-1.5.4-2]") func strings() {
        let broker = SimulatedBroker()
        var long = message("a")
        long.userProperties = [("name", String(repeating: "x", count: 65_536))]
        #expect(publish(long, at: broker) == [.topicInvalid])
        var null = message("a")
        null.contentType = "a\u{0}"
        #expect(publish(null, at: broker) == [.topicInvalid])
    }

    @Test("It is answered once durable sessions cannot lose it any more") func durable() throws {
        let broker = SimulatedBroker(hasStore: true)
        let client = broker.connect("client", cleanStart: false, expiry: 1_000)
        client.subscribe("a", qos: .atLeastOnce)
        broker.drop(client)
        broker.settle()
        let isTaken = broker.shards[0].shard.ask(.publish(message("a", qos: 1)), number: 1, now: broker.now)
        #expect(isTaken)
        // Before anything is on the disk.
        let early = broker.shards[0].shard.takeAnswers()
        #expect(early.isEmpty)
        #expect(answers(of: broker) == [.published])
    }
}
