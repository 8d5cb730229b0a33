import MQTTClient
import MQTTCodec
import MosquittoFixture
import NIOCore
import NIOPosix
import Testing

@Suite("The client against an outside broker")
struct MQTTClientTests {
    enum Transport: CaseIterable, Sendable { case tcp, quic }

    @Test("Publish and receive at every QoS", arguments: Transport.allCases, ProtocolVersion.allCases)
    func roundTrip(transport: Transport, version: ProtocolVersion) async throws {
        try await Mosquitto.with { broker in
            try await connected(to: broker, Connect(version: version, clientIdentifier: "c"), transport) { client in
                for qos in QualityOfService.allCases {
                    let options = SubscriptionOptions(maximumQoS: qos)
                    let codes = try await client.subscribe([.init(topicFilter: "\(qos)/#", options: options)])
                    #expect(codes == [ReasonCode(rawValue: qos.rawValue)])
                    let code = try await client.publish(Publish("\(qos)/b", "hello", qos))
                    #expect(!code.isError)
                    let message = try #require(try await client.nextMessage())
                    #expect(String(buffer: message.topic) == "\(qos)/b")
                    #expect(String(buffer: message.payload) == "hello")
                    #expect(message.qos == qos)
                }
            }
        }
    }

    @Test(
        "Many messages arrive once each and in order",
        arguments: Transport.allCases,
        [QualityOfService.atLeastOnce, .exactlyOnce]
    )
    func many(transport: Transport, qos: QualityOfService) async throws {
        let count = 2000
        try await Mosquitto.with { broker in
            try await connected(to: broker, Connect(clientIdentifier: "s"), transport) { subscriber in
                try await subscriber.subscribe([.init(topicFilter: "t", options: .init(maximumQoS: qos))])
                try await connected(to: broker, Connect(clientIdentifier: "p"), transport) { publisher in
                    for number in 0..<count { try await publisher.post(Publish("t", "\(number)", qos)) }
                    #expect(try await publisher.waitForAcknowledgements() == .success)
                }
                for number in 0..<count {
                    let message = try #require(try await subscriber.nextMessage())
                    #expect(String(buffer: message.payload) == "\(number)")
                }
            }
        }
    }

    @Test("Messages larger than any buffer pass", arguments: Transport.allCases)
    func large(transport: Transport) async throws {
        let payload = String(repeating: "0123456789", count: 100_000)
        try await Mosquitto.with { broker in
            try await connected(to: broker, Connect(clientIdentifier: "c"), transport) { client in
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

    @Test("A will is published when the client disappears, and not when it says goodbye", arguments: Transport.allCases)
    func will(transport: Transport) async throws {
        try await Mosquitto.with { broker in
            try await connected(to: broker, Connect(clientIdentifier: "s")) { watcher in
                try await watcher.subscribe([.init(topicFilter: "will/#")])
                for (name, disappears) in [("polite", false), ("lost", true)] {
                    let will = Connect.Will(
                        topic: ByteBuffer(string: "will/\(name)"),
                        payload: ByteBuffer(string: "gone")
                    )
                    let client = try makeClient(broker, Connect(clientIdentifier: name, will: will), transport)
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

    @Test("An idle client of a short keep alive stays, from its first moment on", arguments: Transport.allCases)
    func idle(transport: Transport) async throws {
        try await Mosquitto.with { broker in
            for _ in 0..<10 {
                var longest = Duration.zero
                do {
                    try await connected(to: broker, Connect(clientIdentifier: "c", keepAlive: 1), transport) { client in
                        // Three times as long as a server lets it be silent.
                        for _ in 0..<90 {
                            let begun = ContinuousClock.now
                            try await Task.sleep(for: .milliseconds(50))
                            longest = max(longest, begun.duration(to: .now))
                        }
                        try await client.subscribe([.init(topicFilter: "t")])
                        try await client.publish(Publish("t", "still here", .atLeastOnce))
                        #expect(try await client.nextMessage().map { String(buffer: $0.payload) } == "still here")
                    }
                    return
                } catch  where longest > .milliseconds(300) {
                    // The machine was too busy for PINGREQ to leave in time, which says nothing of the client.
                }
            }
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

    @Test("After UNSUBSCRIBE no further message comes")
    func unsubscribe() async throws {
        try await Mosquitto.with { broker in
            try await connected(to: broker, Connect(clientIdentifier: "c")) { client in
                try await client.subscribe([.init(topicFilter: "a"), .init(topicFilter: "b")])
                #expect(try await client.unsubscribe(["a", "c"]) == [.success, .noSubscriptionExisted])
                try await client.publish(Publish("a", "unheard", .atLeastOnce))
                try await client.publish(Publish("b", "heard", .atLeastOnce))
                #expect(try await client.nextMessage().map { String(buffer: $0.payload) } == "heard")
            }
        }
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

    @Test("A certificate is verified unless that is refused")
    func verification() async throws {
        try await Mosquitto.with { broker in
            let address = try SocketAddress(ipAddress: "127.0.0.1", port: broker.quicPort)
            let connect = Connect(clientIdentifier: "c")
            let wrong: [(String, ServerTrust)] = [
                ("localhost", .system), ("elsewhere.example", .authorities(pem: broker.authority)),
            ]
            for (name, trust) in wrong {
                let target = ConnectionTarget(addresses: [address], transport: .quic(serverName: name, trust: trust))
                let client = makeClient(target, connect)
                let error = await #expect(throws: ClientError.self) { try await client.connect() }
                guard case .transport(.security)? = error else {
                    Issue.record("\(name), \(trust): \(String(describing: error))")
                    continue
                }
                await client.disconnect()
            }
            for (name, trust) in [("127.0.0.1", ServerTrust.authorities(pem: broker.authority)), ("x", .insecure)] {
                let target = ConnectionTarget(addresses: [address], transport: .quic(serverName: name, trust: trust))
                let client = makeClient(target, connect)
                _ = try await client.connect()
                await client.disconnect()
            }
        }
    }

    private func makeClient(_ target: ConnectionTarget, _ connect: Connect) -> MQTTClient {
        MQTTClient(
            configuration: ClientConfiguration(connect: connect),
            target: target,
            eventLoop: MultiThreadedEventLoopGroup.singleton.next(),
            messageLimit: 16
        )
    }

    private func makeClient(
        _ broker: Mosquitto,
        _ connect: Connect,
        _ transport: Transport = .tcp
    ) throws -> MQTTClient {
        makeClient(try target(broker, transport), connect)
    }

    private func target(_ broker: Mosquitto, _ transport: Transport) throws -> ConnectionTarget {
        switch transport {
        case .tcp:
            return ConnectionTarget(addresses: [try SocketAddress(ipAddress: "127.0.0.1", port: broker.port)])
        case .quic:
            return ConnectionTarget(
                addresses: [try SocketAddress(ipAddress: "127.0.0.1", port: broker.quicPort)],
                transport: .quic(serverName: "localhost", trust: .authorities(pem: broker.authority))
            )
        }
    }

    private func connected(
        to broker: Mosquitto,
        _ connect: Connect,
        _ transport: Transport = .tcp,
        _ body: (MQTTClient) async throws -> Void
    ) async throws {
        try await MQTTClient.withConnection(
            configuration: ClientConfiguration(connect: connect),
            target: try target(broker, transport),
            eventLoop: MultiThreadedEventLoopGroup.singleton.next()
        ) { client, _ in try await body(client) }
    }
}
