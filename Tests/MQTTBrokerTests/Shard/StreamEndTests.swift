import MQTTCodec
import NIOCore
import Testing

@testable import MQTTBroker

/// How a data stream ends, and what its end leaves alone.
@Suite struct StreamEndTests {
    /// A client with a will and two streams, each with a subscription, and one who would see the will.
    private struct Scene {
        let broker: SimulatedBroker
        let watcher: SimulatedClient
        let client: SimulatedClient
        let stream: SimulatedClient
        let other: SimulatedClient

        init(_ version: ProtocolVersion = .v5, limits: Limits = Limits()) throws {
            broker = SimulatedBroker(limits: limits)
            watcher = broker.connect("w")
            watcher.subscribe("will")
            client = broker.connect(
                "c",
                version: version,
                expiry: version == .v5 ? 100 : nil,
                will: Connect.Will(topic: ByteBuffer(string: "will"), payload: ByteBuffer(string: "gone"))
            )
            stream = try broker.openStream(of: client)
            other = try broker.openStream(of: client)
            stream.subscribe("a")
            other.subscribe("a")
            for all in [watcher, client, stream, other] { _ = all.takeAll() }
        }

        /// The stream is over, and nothing else is: not the session, not the other streams, and the will is untouched.
        func expectOnlyTheStreamEnded(_ reason: ReasonCode?) throws {
            #expect(stream.isClosed)
            #expect(stream.connection.endReason == reason)
            #expect(stream.takeAll().isEmpty, "nothing but the stream's own end says so")
            #expect(!client.isClosed && !other.isClosed)
            #expect(client.takeAll().isEmpty)
            #expect(watcher.takeAll().isEmpty)
            #expect(broker.counters.willsPublished == 0)
            #expect(broker.shards[0].shard.subscriptionCount == 2)
            broker.connect("p").publish("a", "on")
            #expect(other.takePayloads() == ["on"])
            let fresh = try broker.openStream(of: client)
            fresh.subscribe("b", settles: true)
            #expect(fresh.takeAll().count == 1)
        }
    }

    @Test("A second CONNECT ends its stream", arguments: ProtocolVersion.allCases)
    func connect(version: ProtocolVersion) throws {  // [MQTT-3.1.0-2]
        let scene = try Scene(version)
        scene.stream.send(.connect(Connect(version: version, clientIdentifier: "c", keepAlive: 0)))
        try scene.expectOnlyTheStreamEnded(.protocolError)
        #expect(scene.broker.counters.streamsFailed == 1)
    }

    @Test("A packet that cannot be read ends its stream", arguments: ProtocolVersion.allCases)
    func malformed(version: ProtocolVersion) throws {
        let scene = try Scene(version)
        scene.stream.send(octets: [0x00, 0x00])
        try scene.expectOnlyTheStreamEnded(.malformedPacket)
    }

    @Test("A packet over the maximum size ends its stream") func tooLarge() throws {
        var limits = Limits()
        limits.maximumPacketSize = 1000
        let scene = try Scene(limits: limits)
        scene.stream.publish("a", String(repeating: "x", count: 1000))
        try scene.expectOnlyTheStreamEnded(.packetTooLarge)
    }

    @Test("AUTH ends its stream") func authentication() throws {
        let scene = try Scene()
        scene.stream.send(octets: [0xF0, 0x00])
        try scene.expectOnlyTheStreamEnded(.protocolError)
    }

    @Test("A packet that only servers send ends its stream", arguments: [0x20, 0x90, 0xB0, 0xD0] as [UInt8])
    func serversPacket(firstOctet: UInt8) throws {
        let scene = try Scene()
        scene.stream.send(octets: [firstOctet, 0x00])
        try scene.expectOnlyTheStreamEnded(.protocolError)
    }

    @Test("DISCONNECT ends its stream, whatever it says of the session")
    func disconnect() throws {
        for reason in [ReasonCode.normalDisconnection, .disconnectWithWillMessage] {
            let scene = try Scene()
            scene.stream.disconnect(reason, expiry: 0)
            try scene.expectOnlyTheStreamEnded(.normalDisconnection)
            #expect(scene.client.connection.session?.expiryInterval == 100)
        }
    }

    @Test("The end of what a client sends ends its stream") func finished() throws {
        let scene = try Scene()
        scene.broker.finish(scene.stream)
        try scene.expectOnlyTheStreamEnded(nil)
        #expect(scene.broker.counters.streamsFailed == 0)
    }

    @Test("A reset ends its stream") func reset() throws {
        let scene = try Scene()
        scene.broker.drop(scene.stream)
        try scene.expectOnlyTheStreamEnded(nil)
    }

    @Test("What came before the end is answered before it", arguments: [1, 3]) func lastAnswers(shards: Int) throws {
        let broker = SimulatedBroker(shards: shards)
        let subscriber = broker.connect("s")
        subscriber.subscribe("b")
        let client = broker.connect("c")
        let stream = try broker.openStream(of: client)
        stream.subscribe("a", settles: false)
        stream.publish("b", "x", qos: .atLeastOnce, identifier: 5, settles: false)
        broker.finish(stream)
        #expect(stream.isClosed)
        #expect(stream.takeAll().count == 2)
        #expect(subscriber.takePayloads() == ["x"])
        #expect(broker.shards.reduce(0) { $0 + $1.shard.subscriptionCount } == 1)
    }

    @Test("A control stream that ends takes the others along, and the will is published once") func controlEnded()
        throws
    {
        for endsInOrder in [true, false] {
            let scene = try Scene()
            if endsInOrder { scene.broker.finish(scene.client) } else { scene.broker.drop(scene.client) }
            #expect(scene.client.isClosed && scene.stream.isClosed && scene.other.isClosed)
            #expect(scene.client.connection.endReason == nil)
            #expect(scene.watcher.takePayloads() == ["gone"])
            #expect(scene.broker.shards[0].shard.subscriptionCount == 1)
            #expect(scene.broker.shards[0].shard.connectionCount == 1)
            #expect(scene.broker.counters.streamsOpened == 2)
            #expect(scene.broker.counters.streamsClosed == 2)
        }
    }

    @Test("DISCONNECT on the control stream ends all, without the will") func controlDisconnected() throws {
        let scene = try Scene()
        scene.client.disconnect()
        #expect(scene.client.isClosed && scene.stream.isClosed && scene.other.isClosed)
        #expect(scene.client.connection.endReason == .normalDisconnection)
        #expect(scene.watcher.takeAll().isEmpty)
    }

    @Test("A take-over is told on the control stream, and ends all") func takeOver() throws {
        let scene = try Scene()
        let newer = scene.broker.connect("c", cleanStart: false)
        #expect(scene.client.isClosed && scene.stream.isClosed && scene.other.isClosed)
        #expect(scene.client.takeAll() == [.disconnect(Disconnect(reasonCode: .sessionTakenOver))])
        #expect(scene.stream.takeAll().isEmpty && scene.other.takeAll().isEmpty)
        #expect(try newer.connectAcknowledgement().sessionPresent)
        #expect(scene.broker.shards[0].shard.subscriptionCount == 1)
    }

    @Test("A shutdown is told on the control stream") func shutDown() throws {
        let scene = try Scene()
        scene.broker.shutDown()
        #expect(scene.client.takeAll() == [.disconnect(Disconnect(reasonCode: .serverShuttingDown))])
        #expect(scene.stream.isClosed && scene.stream.takeAll().isEmpty)
        #expect(scene.broker.shards[0].shard.connectionCount == 0)
    }

    @Test("There is no stream beside a connection that has ended, nor beside a stream") func noConnection() throws {
        let scene = try Scene()
        #expect(scene.broker.openStreamIfPossible(of: scene.stream) == nil)
        scene.client.disconnect()
        #expect(scene.broker.openStreamIfPossible(of: scene.client) == nil)
    }

    @Test("Streams that come and go leave nothing") func manyStreams() throws {
        let scene = try Scene()
        for number in 0..<1000 {
            let stream = try scene.broker.openStream(of: scene.client)
            stream.subscribe("a/\(number)")
            if number % 2 == 0 { scene.broker.finish(stream) } else { scene.broker.drop(stream) }
        }
        #expect(scene.broker.shards[0].shard.subscriptionCount == 3)
        #expect(scene.broker.shards[0].shard.connectionCount == 2)
        let slotCount = scene.broker.shards[0].shard.connections.slotCount
        #expect(slotCount < 10)
        #expect(scene.client.connection.streams.count == 2)
    }
}
