import MQTTBroker
import MQTTClient
import MQTTCodec
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import QUICTransport
import Testing

@testable import BrokerServer

/// CONNECT, and what follows it, in a client's first flight (RFC 9001 §4.6).
@Suite(.timeLimit(.minutes(10))) struct EarlyDataTests {
    @Test("CONNECT goes out with the first flight, and the session works") func accepted() async throws {
        try await RunningBroker.run(configure: { $0.resume() }) { broker, _ in
            let client = try broker.client("c", over: .quic)
            _ = try await client.connect()
            #expect(await client.earlyData == .none)
            try await client.waitForTicket()
            await client.disconnect()
            for _ in 0..<3 {
                _ = try await client.connect()
                #expect(await client.earlyData == .accepted)
                try await client.subscribe("t", qos: .exactlyOnce)
                try await client.publish(Publish("t", "hello", qos: .exactlyOnce))
                #expect(try await client.nextPayload() == "hello")
                try await client.waitForTicket()
                await client.disconnect()
            }
        }
    }

    @Test("After a restart CONNECT is sent again, and the client notices nothing") func rejected() async throws {
        let kept = NIOLockedValueBox<QUICSessionTicket?>(nil)
        try await RunningBroker.run(configure: { $0.resume() }) { broker, _ in
            let client = try broker.client("c", over: .quic)
            _ = try await client.connect()
            let ticket = try await client.waitForTicket()
            kept.withLockedValue { $0 = ticket }
            await client.disconnect()
        }
        let ticket = try #require(kept.withLockedValue { $0 })
        try await RunningBroker.run(configure: { $0.resume() }) { broker, _ in
            let client = try broker.client("c", over: .quic)
            await client.use(ticket)
            _ = try await client.connect()
            #expect(await client.earlyData == .rejected)
            try await client.subscribe("t")
            try await client.publish(Publish("t", "hello", qos: .atLeastOnce))
            #expect(try await client.nextPayload() == "hello")
            await client.disconnect()
        }
    }

    /// Each replay comes from another port, and so to any of the loops.
    @Test("A replayed first flight is acted upon once, whatever loop it comes to", arguments: [1, 4])
    func replayed(loops: Int) async throws {
        try await RunningBroker.run(loops: loops, configure: { $0.resume() }) { broker, _ in
            let watcher = try broker.client("watcher", over: .tcp)
            _ = try await watcher.connect()
            try await watcher.subscribe("early/#", qos: .exactlyOnce)
            let flight = try await FirstFlight(
                broker.ticket(),
                packets: [
                    .connect(Connect(clientIdentifier: "early")), .publish(Publish("early/message", "once")),
                ]
            )
            let address = try #require(broker.address(.quic))
            for _ in 0..<20 { try flight.play(to: address) }
            #expect(try await watcher.nextPayload() == "once")
            try await watcher.publish(Publish("early/end", "end", qos: .atLeastOnce))
            #expect(try await watcher.nextPayload() == "end", "and not once more")
            await watcher.disconnect()
        }
    }

    /// The client's packets come twice: before the Retry, and with its token (RFC 9000 §17.2.3).
    @Test("With Retry CONNECT is still early, and carried out once", arguments: [1, 4])
    func retried(loops: Int) async throws {
        let connects = NIOLockedValueBox(0)
        try await RunningBroker.run(
            loops: loops,
            configure: { configuration in
                configuration.resume()
                for index in configuration.listeners.indices {
                    guard case .quic(var quic) = configuration.listeners[index].transport else { continue }
                    quic.retry.mode = .always
                    configuration.listeners[index].transport = .quic(quic)
                }
                configuration.authentication = .immediate { credentials in
                    if credentials.clientIdentifier == "early" { connects.withLockedValue { $0 += 1 } }
                    return .allowed
                }
            }
        ) { broker, _ in
            let ticket = try await broker.ticket()
            let client = try broker.client("early", over: .quic)
            await client.use(ticket)
            _ = try await client.connect()
            #expect(await client.earlyData == .accepted)
            #expect(connects.withLockedValue { $0 } == 1)
            try await client.subscribe("t", qos: .exactlyOnce)
            try await client.publish(Publish("t", "hello", qos: .exactlyOnce))
            #expect(try await client.nextPayload() == "hello")

            // Whoever plays a first flight again, and does not answer the Retry, is not heard at all.
            let flight = try await FirstFlight(ticket, packets: [.connect(Connect(clientIdentifier: "early"))])
            for _ in 0..<5 { try flight.play(to: try #require(broker.address(.quic))) }
            try await client.publish(Publish("t", "not taken over", qos: .exactlyOnce))
            #expect(try await client.nextPayload() == "not taken over")
            #expect(connects.withLockedValue { $0 } == 1)
            await client.disconnect()
        }
    }

    @Test("Where early data is limited to CONNECT, the rest waits for the end of the handshake") func limited()
        async throws
    {
        try await RunningBroker.run(configure: { $0.resume(.connectOnly) }) { broker, _ in
            let watcher = try broker.client("watcher", over: .tcp)
            _ = try await watcher.connect()
            try await watcher.subscribe("early/#", qos: .exactlyOnce)
            let standing = try broker.client("early", over: .tcp)
            _ = try await standing.connect()
            let flight = try await FirstFlight(
                broker.ticket(),
                packets: [
                    .connect(Connect(clientIdentifier: "early")), .publish(Publish("early/message", "too soon")),
                ]
            )
            try flight.play(to: try #require(broker.address(.quic)))
            // CONNECT is acted upon: the connection that stood is taken over.
            await #expect(throws: ClientError.disconnected(.sessionTakenOver, nil)) {
                _ = try await standing.nextMessage()
            }
            try await watcher.publish(Publish("early/end", "end", qos: .atLeastOnce))
            #expect(try await watcher.nextPayload() == "end", "the message waits")
            await standing.disconnect()

            // A client that goes on to the end of the handshake has its messages delivered.
            let client = try broker.client("late", over: .quic)
            await client.use(try await broker.ticket())
            _ = try await client.connect()
            #expect(await client.earlyData == .accepted)
            try await client.publish(Publish("early/message", "in time", qos: .atLeastOnce))
            #expect(try await watcher.nextPayload() == "in time")
            await client.disconnect()
            await watcher.disconnect()
        }
    }

    /// Takes as long as an answer may.
    @Test("A client whose first address is dead takes CONNECT back, and sends it to the next") func nextAddress()
        async throws
    {
        try await RunningBroker.run(configure: { $0.resume() }) { broker, _ in
            let dead = try SocketAddress(ipAddress: "127.0.0.1", port: 9)
            let client = MQTTClient(
                configuration: ClientConfiguration(
                    connect: Connect(clientIdentifier: "c"),
                    responseTimeout: .seconds(10)
                ),
                target: ConnectionTarget(
                    addresses: [dead, try #require(broker.address(.quic))],
                    transport: .quic(serverName: "localhost", trust: .insecure)
                ),
                eventLoop: MultiThreadedEventLoopGroup.singleton.next()
            )
            await client.use(try await broker.ticket())
            _ = try await client.connect()
            try await client.subscribe("t")
            try await client.publish(Publish("t", "hello", qos: .atLeastOnce))
            #expect(try await client.nextPayload() == "hello")
            await client.disconnect()
        }
    }

    @Test("Early data that is off is not offered") func off() async throws {
        try await RunningBroker.run(configure: { $0.resume(nil) }) { broker, _ in
            let client = try broker.client("c", over: .quic)
            await client.use(try await broker.ticket())
            _ = try await client.connect()
            #expect(await client.earlyData == .none)
            await client.disconnect()
        }
    }

    @Test("A client that wants no tickets takes none") func never() async throws {
        try await RunningBroker.run(configure: { $0.resume() }) { broker, _ in
            var configuration = ClientConfiguration(connect: Connect(clientIdentifier: "c"))
            configuration.resumption = .never
            let client = try broker.client(configuration, over: .quic)
            await client.use(try await broker.ticket())
            _ = try await client.connect()
            #expect(await client.earlyData == .none)
            #expect(await client.ticket != nil, "it is not used")
            await client.disconnect()
        }
    }
}

extension BrokerServerConfiguration {
    /// Lets clients of the QUIC listener resume, with early data if any is acted upon.
    mutating func resume(_ earlyData: Peer.EarlyData? = .everything) {
        for index in listeners.indices {
            guard case .quic(var quic) = listeners[index].transport else { continue }
            quic.resumption = QUICServerResumption(
                keys: TicketKeys(),
                earlyData: earlyData == nil ? nil : EarlyDataStore(window: .seconds(14_400))
            )
            listeners[index].transport = .quic(quic)
            if let earlyData { listeners[index].earlyData = earlyData }
        }
    }
}

extension RunningBroker {
    /// A ticket of a client that has come and gone.
    func ticket() async throws -> QUICSessionTicket {
        let client = try client("ticket", over: .quic)
        _ = try await client.connect()
        let ticket = try await client.waitForTicket()
        await client.disconnect()
        return ticket
    }
}

extension MQTTClient {
    @discardableResult
    func waitForTicket() async throws -> QUICSessionTicket {
        while true {
            if let ticket { return ticket }
            try await Task.sleep(for: .milliseconds(2))
        }
    }
}
