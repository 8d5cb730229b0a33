import MQTTCodec
import NIOCore
import Testing

@testable import MQTTBroker

/// What an acknowledgement waits for, with a store.
@Suite struct ReceiptTests {
    private func publish(
        _ topic: String,
        _ identifier: UInt16,
        on client: SimulatedClient,
        qos: QualityOfService = .atLeastOnce
    ) {
        client.publish(topic, "x", qos: qos, identifier: identifier, settles: false)
    }

    /// Lets shards tell each other all they have to, and nothing be committed.
    private func exchange(_ broker: SimulatedBroker) {
        for shard in broker.shards.indices { broker.endTickNow(shard) }
        while broker.step() {}
    }

    @Test(
        "PUBACK waits for the commit if somebody durable gets the message, and for nothing otherwise",
        arguments: [1, 3]
    )
    func waits(shards: Int) throws {
        let broker = SimulatedBroker(shards: shards, hasStore: true)
        let away = broker.connect("away", on: shards - 1, expiry: 100)
        away.subscribe("kept", qos: .atLeastOnce)
        broker.drop(away)
        broker.connect("present").subscribe("transient", qos: .atLeastOnce)
        let publisher = broker.connect("publisher")
        _ = publisher.takeAll()

        publish("transient", 1, on: publisher)
        exchange(broker)
        #expect(publisher.takeAll() == [.acknowledgement(PublishAcknowledgement(.received, 1))])
        publish("kept", 2, on: publisher)
        publish("transient", 3, on: publisher)
        exchange(broker)
        #expect(publisher.takeAll().isEmpty)
        broker.settle()
        // In their order [MQTT-4.6.0-2].
        #expect(
            publisher.takeAll() == [
                .acknowledgement(PublishAcknowledgement(.received, 2)),
                .acknowledgement(PublishAcknowledgement(.received, 3)),
            ]
        )
    }

    @Test("A message that everybody has acknowledged before its batch leaves costs no commit")
    func struckOut() {
        let broker = SimulatedBroker(hasStore: true)
        let reader = broker.connect("reader", expiry: 100)
        reader.subscribe("a", qos: .atLeastOnce)
        let publisher = broker.connect("publisher")
        _ = (reader.takeAll(), publisher.takeAll())
        let before = broker.store?.octets.readableBytes
        publish("a", 1, on: publisher)
        exchange(broker)
        for message in reader.takePublishes() {
            reader.send(.acknowledgement(PublishAcknowledgement(.received, message.packetIdentifier)), settles: false)
        }
        exchange(broker)
        #expect(publisher.takeAll() == [.acknowledgement(PublishAcknowledgement(.received, 1))])
        broker.settle()
        #expect(broker.store?.octets.readableBytes == before)
    }

    @Test("A connection is not read while too many of its acknowledgements wait, and not judged by its silence")
    func bound() {
        var limits = Limits()
        limits.maximumWithheld = 3
        let broker = SimulatedBroker(limits: limits, hasStore: true)
        let away = broker.connect("away", expiry: 100)
        away.subscribe("kept", qos: .atLeastOnce)
        broker.drop(away)
        let publisher = broker.connect("publisher", version: .v3_1_1, keepAlive: 10)
        _ = publisher.takeAll()
        for identifier in 1...2 as ClosedRange<UInt16> { publish("kept", identifier, on: publisher) }
        exchange(broker)
        #expect(!publisher.connection.isReadingPaused)
        publish("kept", 3, on: publisher)
        exchange(broker)
        #expect(publisher.connection.isReadingPaused)
        #expect(broker.counters.acknowledgementsHeldUp == 1)
        broker.settle()
        #expect(!publisher.connection.isReadingPaused)
        #expect(publisher.takeAll().count == 3)
    }

    @Test("So it is at the bound of octets") func octets() {
        var limits = Limits()
        limits.maximumWithheldBytes = 1_000
        let broker = SimulatedBroker(limits: limits, hasStore: true)
        let away = broker.connect("away", expiry: 100)
        away.subscribe("kept", qos: .atLeastOnce)
        broker.drop(away)
        let publisher = broker.connect("publisher")
        publisher.publish("kept", String(repeating: "x", count: 900), qos: .atLeastOnce, identifier: 1, settles: false)
        #expect(!publisher.connection.isReadingPaused)
        publisher.publish("kept", String(repeating: "x", count: 900), qos: .atLeastOnce, identifier: 2, settles: false)
        #expect(publisher.connection.isReadingPaused)
        broker.settle()
        #expect(!publisher.connection.isReadingPaused)
    }

    @Test("PUBREC and PUBCOMP of a durable client wait for its own lane, also if nobody gets the message")
    func exactlyOnce() {
        let broker = SimulatedBroker(hasStore: true)
        let publisher = broker.connect("publisher", expiry: 100)
        _ = publisher.takeAll()
        publish("a", 1, on: publisher, qos: .exactlyOnce)
        exchange(broker)
        #expect(publisher.takeAll().isEmpty)
        broker.settle()
        #expect(publisher.takeAll().count == 1)
        publisher.send(.acknowledgement(PublishAcknowledgement(.release, 1)), settles: false)
        exchange(broker)
        #expect(publisher.takeAll().isEmpty)
        broker.settle()
        #expect(publisher.takeAll() == [.acknowledgement(PublishAcknowledgement(.complete, 1))])
    }

    @Test("Records that were struck out commit none that came before them") func struckOutBehind() throws {
        let broker = SimulatedBroker(hasStore: true)
        // Two clients of one lane.
        let lane = Lane(clientHash: Session.identity(of: UTF8Key("publisher")))
        let name = try #require(
            (0..<10_000).lazy.map { "reader \($0)" }
                .first { Lane(clientHash: Session.identity(of: UTF8Key($0))) == lane }
        )
        let reader = broker.connect(name, expiry: 100)
        reader.subscribe("a", qos: .atLeastOnce)
        let publisher = broker.connect("publisher", expiry: 100)
        let other = broker.connect("other")
        for client in [reader, publisher, other] { _ = client.takeAll() }

        publish("nobody", 1, on: publisher, qos: .exactlyOnce)
        let none = broker.shards[0].shard.takeBatches(.aged, now: broker.now)
        #expect(none.isEmpty)
        publish("a", 1, on: other)
        exchange(broker)
        for message in reader.takePublishes() {
            reader.send(.acknowledgement(PublishAcknowledgement(.received, message.packetIdentifier)), settles: false)
        }
        let batches = broker.shards[0].shard.takeBatches(now: broker.now)
        exchange(broker)
        #expect(batches.count == 1)
        #expect(publisher.takeAll().isEmpty, "PUBREC before the commit")
        for batch in batches { broker.shards[0].shard.committed(batch, now: broker.now) }
        exchange(broker)
        #expect(publisher.takeAll().count == 1)
    }
}
