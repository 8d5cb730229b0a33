import MQTTClient
import MQTTCodec
import MosquittoFixture
import NIOCore
import NIOPosix
import Testing

@Suite("The client against an outside broker")
struct MQTTClientTests {
    private static let matrix: [(ProtocolVersion, QualityOfService)] = ProtocolVersion.allCases.flatMap { version in
        QualityOfService.allCases.map { (version, $0) }
    }

    @Test("Publish and receive", arguments: matrix)
    func roundTrip(version: ProtocolVersion, qos: QualityOfService) async throws {
        try await Mosquitto.with { broker in
            try await connected(to: broker, Connect(version: version, clientIdentifier: "c")) { client in
                let options = SubscriptionOptions(maximumQoS: qos)
                let codes = try await client.subscribe([.init(topicFilter: "a/#", options: options)])
                #expect(codes == [ReasonCode(rawValue: qos.rawValue)])
                let code = try await client.publish(Publish("a/b", "hello", qos))
                #expect(!code.isError)
                let message = try #require(try await client.nextMessage())
                #expect(String(buffer: message.topic) == "a/b")
                #expect(String(buffer: message.payload) == "hello")
                #expect(message.qos == qos)
            }
        }
    }

    @Test("Many messages arrive once each and in order", arguments: [QualityOfService.atLeastOnce, .exactlyOnce])
    func many(qos: QualityOfService) async throws {
        let count = 2000
        try await Mosquitto.with { broker in
            try await connected(to: broker, Connect(clientIdentifier: "s")) { subscriber in
                try await subscriber.subscribe([.init(topicFilter: "t", options: .init(maximumQoS: qos))])
                try await connected(to: broker, Connect(clientIdentifier: "p")) { publisher in
                    for number in 0..<count { try await publisher.post(Publish("t", "\(number)", qos)) }
                    #expect(try await publisher.settle() == .success)
                }
                for number in 0..<count {
                    let message = try #require(try await subscriber.nextMessage())
                    #expect(String(buffer: message.payload) == "\(number)")
                }
            }
        }
    }

    @Test("Messages larger than any buffer pass")
    func large() async throws {
        let payload = String(repeating: "0123456789", count: 100_000)
        try await Mosquitto.with { broker in
            try await connected(to: broker, Connect(clientIdentifier: "c")) { client in
                try await client.subscribe([.init(topicFilter: "t")])
                for _ in 0..<3 { try await client.publish(Publish("t", payload, .atLeastOnce)) }
                for _ in 0..<3 {
                    let message = try #require(try await client.nextMessage())
                    #expect(String(buffer: message.payload) == payload)
                }
            }
        }
    }

    @Test("A session goes on: what was missed arrives")
    func sessionResumption() async throws {
        try await Mosquitto.with { broker in
            var connect = Connect(clientIdentifier: "c", cleanStart: false)
            connect.properties.sessionExpiryInterval = 60
            try await connected(to: broker, connect) { client in
                try await client.subscribe([.init(topicFilter: "t", options: .init(maximumQoS: .atLeastOnce))])
            }
            try await connected(to: broker, Connect(clientIdentifier: "p")) { publisher in
                try await publisher.publish(Publish("t", "missed", .atLeastOnce))
            }
            let client = try makeClient(broker, connect)
            let answer = try await client.connect()
            #expect(answer.sessionPresent)
            let message = try await client.nextMessage()
            #expect(message.map { String(buffer: $0.payload) } == "missed")
            await client.disconnect()
        }
    }

    @Test("A will is published when the client disappears, and not when it says goodbye")
    func will() async throws {
        try await Mosquitto.with { broker in
            try await connected(to: broker, Connect(clientIdentifier: "s")) { watcher in
                try await watcher.subscribe([.init(topicFilter: "will/#")])
                for (name, disappears) in [("polite", false), ("lost", true)] {
                    let will = Connect.Will(topic: ByteBuffer(string: "will/\(name)"), payload: ByteBuffer(string: "gone"))
                    let client = try makeClient(broker, Connect(clientIdentifier: name, will: will))
                    _ = try await client.connect()
                    await client.disconnect(publishesWill: disappears)
                }
                let message = try #require(try await watcher.nextMessage())
                #expect(String(buffer: message.topic) == "will/lost")
            }
        }
    }

    @Test("A second connection of an identifier takes over, and the first ends with an error [MQTT-3.1.4-3]")
    func takeover() async throws {
        try await Mosquitto.with { broker in
            let first = try makeClient(broker, Connect(clientIdentifier: "c"))
            _ = try await first.connect()
            try await connected(to: broker, Connect(clientIdentifier: "c")) { _ in
                await #expect(throws: ClientError.self) { try await first.nextMessage() }
            }
            await first.disconnect()
        }
    }

    @Test("Nobody listens: the error says so")
    func refused() async throws {
        let port = try Mosquitto.freePort()
        let client = MQTTClient(
            configuration: ClientConfiguration(connect: Connect(clientIdentifier: "c")),
            target: ConnectionTarget(addresses: try ConnectionTarget.resolve(host: "127.0.0.1", port: port)),
            eventLoop: MultiThreadedEventLoopGroup.singleton.next()
        )
        await #expect(throws: ClientError.transport(.refused)) { try await client.connect() }
        await client.disconnect()
    }

    @Test("A reader that is cancelled stops waiting")
    func cancellation() async throws {
        try await Mosquitto.with { broker in
            try await connected(to: broker, Connect(clientIdentifier: "c")) { client in
                let reading = Task { try await client.nextMessage() }
                reading.cancel()
                await #expect(throws: CancellationError.self) { try await reading.value }
            }
        }
    }

    @Test("After a disconnect of this side there is no further message and no error")
    func end() async throws {
        try await Mosquitto.with { broker in
            let client = try makeClient(broker, Connect(clientIdentifier: "c"))
            _ = try await client.connect()
            await client.disconnect()
            #expect(try await client.nextMessage() == nil)
            await #expect(throws: ClientError.notConnected) { try await client.subscribe([.init(topicFilter: "t")]) }
        }
    }

    private func makeClient(_ broker: Mosquitto, _ connect: Connect) throws -> MQTTClient {
        MQTTClient(
            configuration: ClientConfiguration(connect: connect),
            target: try target(broker),
            eventLoop: MultiThreadedEventLoopGroup.singleton.next(),
            messageLimit: 16
        )
    }

    private func target(_ broker: Mosquitto) throws -> ConnectionTarget {
        ConnectionTarget(addresses: [try SocketAddress(ipAddress: "127.0.0.1", port: broker.port)])
    }

    private func connected(
        to broker: Mosquitto,
        _ connect: Connect,
        _ body: (MQTTClient) async throws -> Void
    ) async throws {
        try await MQTTClient.withConnection(
            configuration: ClientConfiguration(connect: connect),
            target: try target(broker),
            eventLoop: MultiThreadedEventLoopGroup.singleton.next()
        ) { client, _ in try await body(client) }
    }
}
