import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import QUICTransport
import Testing

@testable import BrokerServer

/// TCP clients that wait for their handshake to begin, on sockets.
@Suite(.timeLimit(.minutes(1))) struct HandshakeGateTests {
    /// A listening socket that keeps what comes through the gate.
    private struct Listening {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let channel: any Channel
        let admission: Admission
        let gate: NIOLoopBound<HandshakeGate>
        let passed = NIOLockedValueBox<[String]>([])

        /// Takes down what is read, as the last handler of a channel.
        private final class Reader: ChannelInboundHandler {
            typealias InboundIn = ByteBuffer
            private let first: FirstOctetsHandler
            private let passed: NIOLockedValueBox<[String]>

            init(_ first: FirstOctetsHandler, _ passed: NIOLockedValueBox<[String]>) {
                self.first = first
                self.passed = passed
            }

            func channelRead(context: ChannelHandlerContext, data: NIOAny) {
                let text = String(buffer: Self.unwrapInboundIn(data))
                passed.withLockedValue { $0.append(text) }
                if text.hasSuffix("!") { first.complete() }
            }

            func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
                if case ChannelEvent.inputClosed? = event as? ChannelEvent {
                    passed.withLockedValue { $0.append("end") }
                }
            }
        }

        init(isTLS: Bool, configure: @Sendable @escaping (inout HandshakePace.Limits) -> Void) async throws {
            let any = try SocketAddress(ipAddress: "127.0.0.1", port: 0)
            let admission = Admission(.init(name: "test", address: any, transport: .tcp))
            let loop = loop
            let gate = try await loop.submit {
                var limits = HandshakePace.Limits()
                configure(&limits)
                return NIOLoopBound(HandshakeGate(eventLoop: loop, limits: limits), eventLoop: loop)
            }.get()
            let passed = passed
            self.admission = admission
            self.gate = gate
            channel = try await ServerBootstrap(group: loop)
                .serverChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(AcceptPace(admission))
                    }
                }
                .childChannelOption(.allowRemoteHalfClosure, value: true)
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        let first = FirstOctetsHandler(gate.value, admission: admission, isTLS: isTLS)
                        try channel.pipeline.syncOperations.addHandlers([first, Reader(first, passed)])
                    }
                }
                .bind(to: any).get()
        }

        func connect(saying text: String? = nil) async throws -> any Channel {
            let address = try #require(channel.localAddress)
            let client = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .channelOption(.allowRemoteHalfClosure, value: true)
                .connect(to: address).get()
            if let text { try await client.writeAndFlush(ByteBuffer(string: text)) }
            return client
        }

        /// Lets handshakes begin after all.
        func open() async throws {
            try await loop.submit { gate.value.pace = HandshakePace() }.get()
        }

        func until(_ condition: () -> Bool) async throws {
            while !condition() { try await Task.sleep(for: .milliseconds(2)) }
        }
    }

    private static let nothing: @Sendable (inout HandshakePace.Limits) -> Void = { $0.budget = 0 }

    @Test("Nothing is read for a client that waits, and everything once its turn comes") func turn() async throws {
        let server = try await Listening(isTLS: true, configure: Self.nothing)
        let client = try await server.connect(saying: "hello")
        try await server.until { server.admission.waiting == 1 }
        #expect(server.passed.withLockedValue { $0 } == [])
        try await client.writeAndFlush(ByteBuffer(string: " again"))
        try await server.open()
        try await server.until { server.passed.withLockedValue { $0.joined() } == "hello again" }
        #expect(server.admission.waiting == 0)
        #expect(server.admission.abandoned == 0)
        try await client.close()
    }

    @Test("A client that gives up while it waits for TLS costs no handshake") func abandoned() async throws {
        let server = try await Listening(isTLS: true, configure: Self.nothing)
        let client = try await server.connect(saying: "hello")
        try await server.until { server.admission.waiting == 1 }
        try await client.close(mode: .output)
        try await client.closeFuture.get()
        try await server.until { server.admission.abandoned == 1 }
        #expect(server.admission.waiting == 0)
        try await server.open()
        #expect(server.passed.withLockedValue { $0 } == [])
    }

    /// CONNECT, a PUBLISH and DISCONNECT may come at once, with the end behind them.
    @Test("A client of plain TCP that has said all and closed its side is heard to the end") func halfClosed()
        async throws
    {
        let server = try await Listening(isTLS: false, configure: Self.nothing)
        let client = try await server.connect(saying: "all of it")
        try await client.close(mode: .output)
        try await server.until { server.admission.waiting == 1 }
        try await server.open()
        try await server.until { server.passed.withLockedValue { $0 } == ["all of it", "end"] }
        try await client.close()
    }

    @Test("A client whose CONNECT waited as a whole is read from afterwards") func whole() async throws {
        let server = try await Listening(isTLS: false, configure: Self.nothing)
        let client = try await server.connect(saying: "CONNECT!")
        try await server.until { server.admission.waiting == 1 }
        try await server.open()
        try await server.until { server.passed.withLockedValue { $0.joined() } == "CONNECT!" }
        try await client.writeAndFlush(ByteBuffer(string: " and more"))
        try await server.until { server.passed.withLockedValue { $0.joined() } == "CONNECT! and more" }
        try await client.close()
    }

    @Test("Those that wait come one after the other, and all of them") func queue() async throws {
        let server = try await Listening(isTLS: true) { limits in
            limits.window = 1_000_000
            limits.least = 1
        }
        var clients: [any Channel] = []
        for number in 0..<20 { clients.append(try await server.connect(saying: number % 2 == 0 ? "x" : "x!")) }
        try await server.until { server.passed.withLockedValue { $0.count } == 20 }
        #expect(server.admission.waiting == 0)
        for client in clients { try await client.close() }
    }

    @Test("No more clients are accepted than may wait") func crowd() async throws {
        let server = try await Listening(isTLS: true) { _ in }
        for _ in 0..<Admission.maximumWaiting { server.admission.startedWaiting() }
        let client = try await server.connect(saying: "hello")
        // What was asked for before the crowd came is still accepted.
        let second = try await server.connect(saying: "hello")
        let many = try await [server.connect(), server.connect(), server.connect(), server.connect()]
        let last = try await server.connect(saying: "last")
        try await server.until { server.admission.acceptsPaused > 2 }
        #expect(!server.passed.withLockedValue { $0.contains("last") })
        server.admission.stoppedWaiting(isServed: true)
        try await server.until { server.passed.withLockedValue { $0.contains("last") } }
        for channel in [client, second, last] + many { try await channel.close() }
    }
}
