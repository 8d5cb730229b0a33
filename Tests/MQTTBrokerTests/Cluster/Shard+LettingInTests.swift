import MQTTCodec
import NIOCore
import Testing

@testable import MQTTBroker

@Suite("Clients whose lane has no leader")
struct ShardLettingInTests {
    /// Three nodes of two shards; the third has led the lane of a client, whose name this is.
    private func cluster() throws -> (broker: SimulatedBroker, client: String) {
        let broker = SimulatedBroker.cluster()
        let names = (0..<200).map { "c\($0)" }
        return (broker, try #require(names.first { broker.leader(ofSessionOf: $0) == 2 }))
    }

    private func lose(_ broker: SimulatedBroker) {
        broker.kill(2)
        broker.bury(2)
        broker.settle()
    }

    private func lead(_ broker: SimulatedBroker) {
        broker.takeLanes()
        broker.settle()
    }

    private func isConnected(_ client: SimulatedClient) -> Bool { (try? client.connectAcknowledgement()) != nil }

    @Test("One that wants no session is let in after a second, and is known by its name once the lane is led")
    func letIn() throws {
        let (broker, name) = try cluster()
        defer { broker.end() }
        lose(broker)
        let first = broker.connect(name, on: 0)
        broker.advance(by: .milliseconds(900))
        #expect(!isConnected(first))
        broker.advance(by: .milliseconds(200))
        #expect(isConnected(first) && broker.total(\.clientsLetIn) == 1)
        first.subscribe("a/#", qos: .atMostOnce)
        lead(broker)
        broker.connect("other", on: 2).publish("a/b", "1")
        #expect(first.takePayloads() == ["1"] && !first.isClosed)
        let second = broker.connect(name, on: 3)
        #expect(isConnected(second))
        #expect(first.disconnectReason == .sessionTakenOver && first.isClosed && !second.isClosed)
    }

    @Test("An older durable session is discarded once the lane is led [MQTT-3.1.2-4]") func discards() throws {
        let (broker, name) = try cluster()
        defer { broker.end() }
        let durable = broker.connect(name, on: 1, cleanStart: false, expiry: 1_000)
        durable.subscribe("a/#", qos: .atLeastOnce)
        durable.disconnect(expiry: 1_000)
        lose(broker)
        let transient = broker.connect(name, on: 0)
        broker.advance(by: .milliseconds(1_100))
        #expect(isConnected(transient))
        lead(broker)
        transient.disconnect()
        let again = broker.connect(name, on: 2, cleanStart: false, expiry: 1_000)
        #expect(try !again.connectAcknowledgement().sessionPresent)
    }

    @Test("Of several that were let in at several places one stays, and a shard has one of its own at a time")
    func unique() throws {
        let (broker, name) = try cluster()
        defer { broker.end() }
        lose(broker)
        var clients = [broker.connect(name, on: 0), broker.connect(name, on: 2)]
        broker.advance(by: .milliseconds(1_100))
        #expect(clients.allSatisfy { isConnected($0) })
        clients.append(broker.connect(name, on: 0))
        broker.advance(by: .milliseconds(1_100))
        #expect(isConnected(clients[2]) && clients[0].disconnectReason == .sessionTakenOver)
        lead(broker)
        #expect(clients.count { !$0.isClosed } == 1)
        // And that one is known.
        let last = broker.connect(name, on: 3)
        #expect(isConnected(last) && clients.allSatisfy(\.isClosed))
    }

    @Test("One that was let in and has left holds nothing") func left() throws {
        let (broker, name) = try cluster()
        defer { broker.end() }
        lose(broker)
        let first = broker.connect(name, on: 0)
        broker.advance(by: .milliseconds(1_100))
        first.disconnect()
        lead(broker)
        #expect(isConnected(broker.connect(name, on: 3)))
        #expect(broker.shards.allSatisfy { $0.shard.lanes.letIn.isEmpty })
    }

    @Test("One that wants a session waits for it") func durable() throws {
        let (broker, name) = try cluster()
        defer { broker.end() }
        lose(broker)
        let durable = broker.connect(name, on: 0, expiry: 1_000)
        broker.advance(by: .seconds(3))
        #expect(!isConnected(durable) && !durable.isClosed)
        lead(broker)
        #expect(isConnected(durable))
    }
}
