import Dispatch
import MQTTBroker
import MQTTClient
import MQTTCodec
import NIOCore
import Testing

@testable import BrokerServer

/// What every transport carries alike. A new transport adds a case and no test.
@Suite(.timeLimit(.minutes(10))) struct TransportTests {
    typealias Transport = RunningBroker.Transport

    @Test("Messages of every QoS go from each transport to each", arguments: Transport.allCases, Transport.allCases)
    func messages(from: Transport, to: Transport) async throws {
        try await RunningBroker.run { broker, _ in
            for version in ProtocolVersion.allCases {
                let subscriber = try broker.client("s", over: to, version: version)
                _ = try await subscriber.connect()
                try await subscriber.subscribe("a/+", qos: .exactlyOnce)
                let publisher = try broker.client("p", over: from, version: version)
                _ = try await publisher.connect()
                for qos in QualityOfService.allCases {
                    try await publisher.publish(Publish("a/b", "at \(qos)", qos: qos))
                    let received = try await subscriber.nextMessage()
                    #expect(received.map { String(buffer: $0.payload) } == "at \(qos)")
                    #expect(received?.qos == qos)
                }
                await publisher.disconnect()
                await subscriber.disconnect()
            }
        }
    }

    @Test("A payload of a mebibyte arrives whole", arguments: Transport.allCases)
    func large(over transport: Transport) async throws {
        try await RunningBroker.run { broker, _ in
            let subscriber = try broker.client("s", over: transport)
            _ = try await subscriber.connect()
            try await subscriber.subscribe("large", qos: .atLeastOnce)
            let publisher = try broker.client("p", over: transport)
            _ = try await publisher.connect()
            let text = String((0..<1_000_000).map { _ in "abcdefghijklmnopqrstuvwxyz".randomElement() ?? "a" })
            try await publisher.publish(Publish("large", text, qos: .atLeastOnce))
            #expect(try await subscriber.nextPayload() == text)
            await publisher.disconnect()
            await subscriber.disconnect()
        }
    }

    @Test(
        "Many messages keep their order and number",
        arguments: Transport.allCases,
        [QualityOfService.atLeastOnce, .exactlyOnce]
    )
    func many(over transport: Transport, qos: QualityOfService) async throws {
        let count = 3000
        try await RunningBroker.run(configure: { $0.limits.maximumQueueLength = 10_000 }) { broker, _ in
            let subscriber = try broker.client("s", over: transport)
            _ = try await subscriber.connect()
            try await subscriber.subscribe("many", qos: qos)
            let publisher = try broker.client("p", over: transport)
            _ = try await publisher.connect()
            async let sent: ReasonCode = {
                for number in 0..<count { try await publisher.post(Publish("many", "\(number)", qos: qos)) }
                return try await publisher.waitForAcknowledgements()
            }()
            for number in 0..<count { #expect(try await subscriber.nextPayload() == "\(number)") }
            #expect(try await sent == .success)
            await publisher.disconnect()
            await subscriber.disconnect()
        }
    }

    @Test("A session is taken over from one transport by another", arguments: Transport.allCases, Transport.allCases)
    func takeOver(first: Transport, second: Transport) async throws {
        try await RunningBroker.run { broker, _ in
            let old = try broker.client("same", over: first, cleanStart: false, expiry: 100)
            _ = try await old.connect()
            try await old.subscribe("a", qos: .atLeastOnce)
            let new = try broker.client("same", over: second, cleanStart: false, expiry: 100)
            #expect(try await new.connect().sessionPresent)
            await #expect(throws: ClientError.disconnected(.sessionTakenOver, nil)) { try await old.nextMessage() }
            try await new.publish(Publish("a", "still subscribed", qos: .atLeastOnce))
            #expect(try await new.nextPayload() == "still subscribed")
            await new.disconnect()
            await old.disconnect()
        }
    }

    @Test("A connection that breaks off publishes its will", arguments: Transport.allCases)
    func will(over transport: Transport) async throws {
        try await RunningBroker.run { broker, _ in
            let watcher = try broker.client("w", over: .tcp)
            _ = try await watcher.connect()
            try await watcher.subscribe("will")
            let will = Connect.Will(topic: ByteBuffer(string: "will"), payload: ByteBuffer(string: "gone"))
            let client = try broker.client("c", over: transport, will: will)
            _ = try await client.connect()
            await client.disconnect(publishesWill: true)
            #expect(try await watcher.nextPayload() == "gone")
            await watcher.disconnect()
        }
    }

    @Test("Who sends all it has to say and is gone is heard to the end [MQTT-3.14.4-3]") func hasty() async throws {
        try await RunningBroker.run(loops: 4) { broker, _ in
            let subscriber = try broker.client("s", over: .tcp)
            _ = try await subscriber.connect()
            try await subscriber.subscribe("#")
            let address = try #require(broker.address(.tcp))
            // Identifiers of which most are another loop's, so that CONNECT waits for an answer.
            for number in 0..<30 {
                var octets = ByteBuffer()
                let will = Connect.Will(
                    topic: ByteBuffer(string: "will"),
                    payload: ByteBuffer(string: "\(number)")
                )
                octets.write(.connect(Connect(version: .v5, clientIdentifier: "c\(number)", will: will)), version: .v5)
                let subscribe = Subscribe(packetIdentifier: 1, subscriptions: [.init(topicFilter: "nothing")])
                octets.write(.subscribe(subscribe), version: .v5)
                octets.write(.publish(Publish("message", "\(number)")), version: .v5)
                octets.write(.disconnect(Disconnect()), version: .v5)
                try RawConnection.post(Array(octets.readableBytesView), to: address)
            }
            var heard: Set<String> = []
            for _ in 0..<30 {
                guard let message = try await subscriber.nextMessage() else { break }
                #expect(String(buffer: message.topic) == "message")
                heard.insert(String(buffer: message.payload))
            }
            #expect(heard.count == 30)
            await subscriber.disconnect()
        }
    }

    @Test("Retained messages reach a subscriber on any loop", arguments: Transport.allCases)
    func retained(over transport: Transport) async throws {
        try await RunningBroker.run(loops: 3) { broker, _ in
            let publisher = try broker.client("p", over: transport)
            _ = try await publisher.connect()
            for number in 0..<20 {
                try await publisher.publish(Publish("r/\(number)", "\(number)", qos: .atLeastOnce, retain: true))
            }
            for client in 0..<4 {
                let subscriber = try broker.client("s\(client)", over: transport)
                _ = try await subscriber.connect()
                try await subscriber.subscribe("r/+")
                var received: Set<String> = []
                for _ in 0..<20 { received.insert(try await subscriber.nextPayload() ?? "") }
                #expect(received == Set((0..<20).map(String.init)))
                await subscriber.disconnect()
            }
            await publisher.disconnect()
        }
    }

    @Test("Subscribers on all loops get every message, over sessions that come and go", arguments: Transport.allCases)
    func loops(over transport: Transport) async throws {
        try await RunningBroker.run(loops: 4) { broker, _ in
            var subscribers: [MQTTClient] = []
            for number in 0..<8 {
                let client = try broker.client("s\(number)", over: transport, cleanStart: false, expiry: 100)
                _ = try await client.connect()
                try await client.subscribe("t", qos: .atLeastOnce)
                subscribers.append(client)
            }
            let publisher = try broker.client("p", over: transport)
            _ = try await publisher.connect()
            for client in subscribers { await client.disconnect() }
            for number in 0..<10 { try await publisher.publish(Publish("t", "\(number)", qos: .atLeastOnce)) }
            for number in 0..<8 {
                let client = try broker.client("s\(number)", over: transport, cleanStart: false, expiry: 100)
                #expect(try await client.connect().sessionPresent)
                for message in 0..<10 { #expect(try await client.nextPayload() == "\(message)") }
                await client.disconnect()
            }
            await publisher.disconnect()
        }
    }

    @Test("Shutting down tells every client why", arguments: Transport.allCases)
    func shutDown(over transport: Transport) async throws {  // [MQTT-3.14.4-1]
        try await RunningBroker.run { broker, shutDown in
            let client = try broker.client("c", over: transport)
            _ = try await client.connect()
            shutDown()
            await #expect(throws: ClientError.disconnected(.serverShuttingDown, nil)) { try await client.nextMessage() }
            await client.disconnect()
        }
    }

    @Test(
        "Who is not known is refused, whether the answer is quick or not",
        arguments: Transport.allCases,
        [false, true]
    )
    func authentication(over transport: Transport, isCostly: Bool) async throws {
        try await RunningBroker.run(configure: { configuration in
            let decide: @Sendable (Credentials) -> Authenticator.Verdict = { credentials in
                credentials.userName == "ann" && credentials.password == Array("secret".utf8)
                    ? .allowed : .refused(.badUserNameOrPassword)
            }
            configuration.authentication = isCostly ? .costly(decide) : .immediate(decide)
        }) { broker, _ in
            let known = try broker.client("a", over: transport, userName: "ann", password: "secret")
            #expect(try await known.connect().reasonCode == .success)
            let stranger = try broker.client("b", over: transport, userName: "ann", password: "guess")
            await #expect(throws: ClientError.refused(.badUserNameOrPassword, nil)) { try await stranger.connect() }
            await known.disconnect()
            await stranger.disconnect()
        }
    }

    @Test("A listener takes no more connections than it may", arguments: Transport.allCases)
    func maximumConnections(over transport: Transport) async throws {
        try await RunningBroker.run(configure: { configuration in
            for index in configuration.listeners.indices { configuration.listeners[index].maximumConnections = 2 }
        }) { broker, _ in
            let first = try broker.client("1", over: transport)
            let second = try broker.client("2", over: transport)
            let third = try broker.client("3", over: transport)
            _ = try await first.connect()
            _ = try await second.connect()
            await #expect(throws: ClientError.self) { try await third.connect() }
            await first.disconnect()
            await third.disconnect()
            // The place is free once the server has seen the end.
            for attempt in 0..<2400 {
                let fourth = try broker.client("4", over: transport)
                let isIn = (try? await fourth.connect()) != nil
                await fourth.disconnect()
                if isIn { break }
                #expect(attempt < 2399)
                try await Task.sleep(for: .milliseconds(50))
            }
            await second.disconnect()
        }
    }

    /// [MQTT-3.1.4-2]; one that does not even begin its TLS handshake too.
    @Test("A connection without CONNECT is closed in time", arguments: [Transport.tcp, .tls])
    func connectTimeout(over transport: Transport) async throws {
        try await RunningBroker.run(configure: { $0.limits.connectTimeout = .milliseconds(200) }) { broker, _ in
            let address = try #require(broker.address(transport))
            let bytes = try await RawConnection.exchange([], with: address)
            #expect(bytes.isEmpty)
        }
    }

    @Test(
        "Octets that are no MQTT end their connection and no other",
        arguments: [[0x00], [0x16, 0x03, 0x01], Array("GET / HTTP/1.1\r\n\r\n".utf8)]
    )
    func noMQTT(octets: [UInt8]) async throws {
        try await RunningBroker.run { broker, _ in
            let honest = try broker.client("honest", over: .tcp)
            _ = try await honest.connect()
            let tcp = try #require(broker.address(.tcp))
            #expect(try await RawConnection.exchange(octets, with: tcp).isEmpty)
            #expect(try await honest.publish(Publish("a", "b", qos: .atLeastOnce)) == .noMatchingSubscribers)
            await honest.disconnect()
        }
    }

    @Test("A client that still sends is told why its connection ends") func lastWords() async throws {
        try await RunningBroker.run { broker, _ in
            let connect = Connect(version: .v5, clientIdentifier: "talker", keepAlive: 0)
            var octets = ByteBuffer()
            octets.write(.connect(connect), version: .v5)
            octets.write(.connect(connect), version: .v5)
            octets.writeRepeatingByte(0, count: 4_000_000)
            let tcp = try #require(broker.address(.tcp))
            let answer = try await RawConnection.exchange(Array(octets.readableBytesView), with: tcp)
            #expect(answer.suffix(3) == [0xE0, 0x01, ReasonCode.protocolError.rawValue])
        }
    }

    @Test("A shutdown does not wait for verdicts that are due", arguments: Transport.allCases)
    func pendingVerdict(over transport: Transport) async throws {
        let asked = AsyncStream.makeStream(of: Void.self)
        let release = DispatchSemaphore(value: 0)
        try await RunningBroker.run(configure: { configuration in
            configuration.authentication = .costly { _ in
                asked.continuation.yield()
                release.wait()
                return .allowed
            }
        }) { broker, shutDown in
            let clients = try (0..<5).map { try broker.client("c\($0)", over: transport) }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for client in clients {
                    group.addTask { await #expect(throws: ClientError.self) { try await client.connect() } }
                }
                for await _ in asked.stream { break }
                shutDown()
                try await group.waitForAll()
            }
            for client in clients { await client.disconnect() }
        }
        for _ in 0..<5 { release.signal() }
    }

    @Test("A reader that has stopped is bounded and delays nobody") func stuckReader() async throws {
        try await RunningBroker.run(loops: 1, configure: { $0.limits.maximumQueueLength = 50 }) { broker, _ in
            let stuck = try StuckReader.connect(to: try #require(broker.address(.tcp)), filter: "flood")
            let quick = try broker.client("quick", over: .tcp)
            _ = try await quick.connect()
            try await quick.subscribe("flood")
            let publisher = try broker.client("p", over: .tcp)
            _ = try await publisher.connect()
            let payload = String(repeating: "x", count: 10_000)
            for number in 0..<2000 {
                try await publisher.post(Publish("flood", "\(number) \(payload)"))
                #expect(try await quick.nextPayload()?.hasPrefix("\(number) ") == true)
            }
            stuck.close()
            await publisher.disconnect()
            await quick.disconnect()
        }
    }
}
