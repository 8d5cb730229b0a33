import MQTTCodec
import NIOCore
import Testing

@testable import MQTTBroker

@Suite("A node that others may not hear of")
struct ShardLeaseTests {
    /// Three nodes of two shards, of which the first has its lease for 600 ms.
    private func cluster() -> SimulatedBroker {
        let broker = SimulatedBroker.cluster()
        renew(broker)
        return broker
    }

    private func renew(_ broker: SimulatedBroker) {
        broker.change(0) { $0.renewLease(until: broker.now.monotonic + .milliseconds(600), now: broker.now) }
        broker.settle()
    }

    /// Cuts the first node off, which the others suspect.
    private func cut(_ broker: SimulatedBroker) {
        for other in 1...2 {
            broker.cluster?.cuts.formUnion([.init(from: 0, to: other), .init(from: other, to: 0)])
        }
        broker.advance(by: .milliseconds(1_000))
        for other in 1...2 { broker.change(other * 2) { $0.suspected(node: 0, true, now: broker.now) } }
        broker.settle()
    }

    private func heal(_ broker: SimulatedBroker) {
        broker.cluster?.cuts = []
        for other in 1...2 { broker.change(other * 2) { $0.suspected(node: 0, false, now: broker.now) } }
        broker.settle()
    }

    private func acknowledgements(_ client: SimulatedClient) -> [UInt16] {
        client.takeAll().compactMap { packet in
            if case .acknowledgement(let acknowledgement) = packet { acknowledgement.packetIdentifier } else { nil }
        }
    }

    @Test(
        "What it takes at QoS 1 and 2 waits, and reaches those who have subscribed meanwhile",
        arguments: [ProtocolVersion.v3_1_1, .v5]
    )
    func withholds(version: ProtocolVersion) throws {
        let broker = cluster()
        defer { broker.end() }
        let publisher = broker.connect("p", on: 1, version: version)
        _ = try publisher.connectAcknowledgement()
        let subscriber = broker.connect("s", on: 2)
        _ = try subscriber.connectAcknowledgement()
        cut(broker)
        subscriber.subscribe("a/#", qos: .exactlyOnce)
        #expect(subscriber.takeAll().count == 1, "SUBACK waits for no node that is suspected")

        publisher.publish("a/b", "one", qos: .atLeastOnce, identifier: 1)
        publisher.publish("a/b", "two", qos: .exactlyOnce, identifier: 2)
        publisher.publish("a/b", "none", qos: .atMostOnce)
        #expect(acknowledgements(publisher) == [])
        heal(broker)
        #expect(acknowledgements(publisher) == [], "it does not know that it is heard of")
        renew(broker)
        #expect(acknowledgements(publisher) == [1, 2])
        #expect(subscriber.takePayloads() == ["one", "two"])
        publisher.publish("a/b", "three", qos: .atLeastOnce, identifier: 3)
        #expect(acknowledgements(publisher) == [3] && subscriber.takePayloads() == ["three"])
    }

    @Test("Its SUBACK waits, too, and then it is told what others publish") func subscribes() throws {
        let broker = cluster()
        defer { broker.end() }
        let subscriber = broker.connect("s", on: 0)
        _ = try subscriber.connectAcknowledgement()
        cut(broker)
        // Nobody is waited for.
        for other in 1...2 { broker.change(0) { $0.suspected(node: other, true, now: broker.now) } }
        subscriber.subscribe("a/#", qos: .atLeastOnce)
        #expect(subscriber.takeAll().isEmpty)
        heal(broker)
        for other in 1...2 { broker.change(0) { $0.suspected(node: other, false, now: broker.now) } }
        broker.settle()
        #expect(subscriber.takeAll().isEmpty)
        renew(broker)
        #expect(subscriber.takeAll().count == 1)
        broker.connect("p", on: 3).publish("a/b", "1", qos: .atLeastOnce, identifier: 1)
        #expect(subscriber.takePayloads() == ["1"])
    }

    @Test("What a lane has committed before is handed over once the lease is back") func outbox() throws {
        let broker = cluster()
        defer { broker.end() }
        // A session whose lane the first node leads.
        let names = (0..<200).map { "p\($0)" }
        let name = try #require(names.first { broker.leader(ofSessionOf: $0) == 0 })
        let publisher = broker.connect(name, on: 0, cleanStart: false, expiry: 1_000)
        _ = try publisher.connectAcknowledgement()
        let subscriber = broker.connect("s", on: 2)
        _ = try subscriber.connectAcknowledgement()
        renew(broker)
        publisher.publish("a/b", "1", qos: .exactlyOnce, identifier: 1, settles: false)
        // The shard that leads the lane has it, and the log not yet.
        while broker.step() {}
        cut(broker)
        subscriber.subscribe("a/#", qos: .exactlyOnce)
        _ = subscriber.takeAll()
        #expect(acknowledgements(publisher) == [1], "it came while the lease held")
        heal(broker)
        #expect(subscriber.takePayloads() == [])
        renew(broker)
        #expect(subscriber.takePayloads() == ["1"])
    }
}
