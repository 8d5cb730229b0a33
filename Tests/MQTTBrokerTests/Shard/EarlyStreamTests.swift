import MQTTCodec
import NIOCore
import Testing

@testable import MQTTBroker

/// Data streams that a client opens before its CONNECT is accepted.
@Suite struct EarlyStreamTests {
    @Test("What comes before CONNACK waits for it, and is not read on", arguments: [1, 3], ProtocolVersion.allCases)
    func waits(shards: Int, version: ProtocolVersion) throws {
        let broker = SimulatedBroker(shards: shards)
        let subscriber = broker.connect("s")
        subscriber.subscribe("a")
        let client = broker.open(on: shards - 1, version: version)
        let streams = [try broker.openStream(of: client), try broker.openStream(of: client)]
        for (number, stream) in streams.enumerated() {
            #expect(stream.connection.isReadingPaused)
            stream.publish("a", "\(number)", qos: .atLeastOnce, identifier: 1)
            stream.subscribe("b")
        }
        broker.finish(streams[1])
        #expect(subscriber.takePayloads().isEmpty)
        #expect(streams.allSatisfy { $0.takeAll().isEmpty })

        client.send(.connect(Connect(version: version, clientIdentifier: "c", keepAlive: 0)))
        #expect(try client.connectAcknowledgement().reasonCode == .success)
        #expect(subscriber.takePayloads().sorted() == ["0", "1"])
        for stream in streams { #expect(stream.takeAll().count == 2) }
        #expect(!streams[0].connection.isReadingPaused)
        #expect(!streams[0].isClosed && streams[1].isClosed)
    }

    @Test("A CONNECT that is refused takes what waited along") func refused() throws {
        let broker = SimulatedBroker(authenticator: Authenticator { _, _ in .refused(.notAuthorized) })
        let client = broker.open()
        let stream = try broker.openStream(of: client)
        stream.publish("a", "x")
        client.send(.connect(Connect(clientIdentifier: "c")))
        #expect(client.isClosed && stream.isClosed)
        #expect(broker.counters.messagesReceived == 0)
        #expect(broker.counters.willsPublished == 0)
    }

    @Test("A CONNECT on another stream is none") func connectElsewhere() throws {
        let broker = SimulatedBroker()
        let client = broker.open()
        let stream = try broker.openStream(of: client)
        stream.send(.connect(Connect(clientIdentifier: "side")))
        #expect(stream.takeAll().isEmpty && !stream.isClosed)
        client.send(.connect(Connect(clientIdentifier: "main")))
        #expect(try client.connectAcknowledgement().reasonCode == .success)
        #expect(stream.isClosed && !client.isClosed)
        #expect(stream.connection.endReason == .protocolError)
        #expect(broker.shards[0].shard.sessionCount == 1)
    }

    @Test("What is held before CONNACK is bounded over all streams of a client") func bound() throws {
        var limits = Limits()
        limits.maximumEarlyBytes = 1000
        let broker = SimulatedBroker(limits: limits)
        let client = broker.open()
        let streams = try (0..<3).map { _ in try broker.openStream(of: client) }
        streams[0].publish("a", String(repeating: "x", count: 480))
        streams[1].publish("a", String(repeating: "y", count: 480))
        #expect(!streams[0].isClosed && !streams[1].isClosed)
        streams[2].publish("a", String(repeating: "z", count: 480))
        #expect(streams[2].isClosed && streams[2].connection.endReason == .quotaExceeded)
        #expect(broker.counters.earlyStreamsRefused == 1)
        // The others are served, and another one has the room.
        try broker.openStream(of: client).publish("a", "z")
        client.send(.connect(Connect(clientIdentifier: "c")))
        #expect(broker.counters.messagesReceived == 3)
    }

    @Test("Streams of a connection without CONNECT end with it in time [MQTT-3.1.4-2]") func connectTimeout() throws {
        let broker = SimulatedBroker()
        let client = broker.open()
        let stream = try broker.openStream(of: client)
        stream.publish("a", "x")
        broker.advance(by: .seconds(16))
        #expect(client.isClosed && stream.isClosed)
        #expect(broker.shards[0].shard.connectionCount == 0)
    }

    @Test("Early data is counted as such until the handshake is complete") func earlyIsMarked() throws {
        let broker = SimulatedBroker()
        let client = broker.open(earlyData: .everything)
        let early = try broker.openStream(of: client)
        early.publish("a", "1")
        client.send(.connect(Connect(clientIdentifier: "c")))
        client.publish("a", "2")
        #expect(broker.counters.earlyConnects == 1)
        #expect(broker.counters.earlyMessages == 2)
        broker.confirm(client)
        client.publish("a", "3")
        early.publish("a", "4")
        try broker.openStream(of: client).publish("a", "5")
        #expect(broker.counters.earlyMessages == 2)
        #expect(broker.counters.messagesReceived == 5)
    }

    @Test("Where early data is CONNECT alone, everything else waits for the handshake") func connectOnly() throws {
        let broker = SimulatedBroker()
        let client = broker.open(earlyData: .connectOnly)
        let before = try broker.openStream(of: client)
        before.publish("a", "1")
        client.send(.connect(Connect(clientIdentifier: "c")))
        client.publish("a", "2")
        #expect(try client.connectAcknowledgement().reasonCode == .success)
        let after = try broker.openStream(of: client)
        after.publish("a", "3")
        #expect(broker.counters.messagesReceived == 0)
        broker.confirm(client)
        #expect(broker.counters.messagesReceived == 3)
        #expect(broker.counters.earlyMessages == 0)
        for stream in [before, after] {
            #expect(!stream.connection.isReadingPaused)
            stream.publish("a", "more")
        }
        #expect(broker.counters.messagesReceived == 5)
    }
}
