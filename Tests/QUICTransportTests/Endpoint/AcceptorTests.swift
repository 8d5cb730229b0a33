import NIOCore
import Testing

@testable import QUICTransport

/// Proof of the client's address before anything is kept for it (RFC 9000 §8.1).
@Suite struct AcceptorTests {
    private static let second: UInt64 = 1_000_000_000

    /// The client comes back with the token; both sides agree on what identifiers were used (RFC 9000 §7.3), else the
    /// handshake would fail.
    @Test func alwaysMeansAlways() async throws {
        try await Scene.run { scene in
            let pair = try await scene.pair(configureServer: { $0.retry.mode = .always })
            // A client that waited for long has sent its Initial again.
            #expect(pair.server.counters.retriesSent >= 1)
            #expect(pair.server.counters.tokensValid == 1)
            #expect(pair.server.counters.handshakesStarted == 1)
            try pair.connection.openBidirectionalStream().write(ByteBuffer(string: "x"))
            try await scene.until("echo") { pair.recorder.text(0) == "x" }
        }
    }

    @Test func neverMeansNever() async throws {
        try await Scene.run { scene in
            let server = try await scene.listen(configure: {
                $0.retry.mode = .never
                $0.maximumHandshakes = 4
                $0.retry.load = 0
            })
            let client = try await scene.client()
            _ = try await scene.connect(client, to: server.localAddress)
            #expect(server.counters.retriesSent == 0)
        }
    }

    /// The default: nobody is asked while there is room. At a share of the bound everybody is, and nothing is kept for
    /// those who do not answer; who does is served.
    @Test func loadBringsRetries() async throws {
        try await Scene.run { scene in
            let initials = try await Initials.capture(4, in: scene)
            let server = try await scene.listen(configure: {
                $0.maximumHandshakes = 4
                $0.retry.load = 0.5
            })
            let plain = try await PlainSocket.bind(on: scene.loop)
            for initial in initials { plain.send(initial, to: server.localAddress) }
            try await scene.until("handled") { server.counters.retriesSent == 2 }
            #expect(server.handshakeCount == 2)
            let client = try await scene.client()
            _ = try await scene.connect(client, to: server.localAddress)
            #expect(server.counters.retriesSent >= 3)
            #expect(server.counters.tokensValid == 1)
            #expect(server.handshakeCount == 2)
            #expect(server.counters.dropped.tooManyHandshakes == 0)
            try await plain.close()
        }
    }

    /// With the defaults first flights that nobody follows up, from forged addresses or not, never fill the table: whoever
    /// proves its address gets in beside them, and need not wait until they are over.
    @Test func honestClientsGetInDuringAFlood() async throws {
        try await Scene.run { scene in
            let rounds = 4
            let initials = try await Initials.capture(rounds * 40, in: scene)
            let server = try await scene.listen(configure: { $0.maximumHandshakes = 40 })
            let plain = try await PlainSocket.bind(on: scene.loop)
            for round in 1...rounds {
                for initial in initials[(round - 1) * 40..<round * 40] {
                    plain.send(initial, to: server.localAddress)
                }
                _ = try await scene.connect(scene.client(), to: server.localAddress)
                try await scene.until("handled") { server.counters.datagramsIn >= 40 * round }
                #expect(server.handshakeCount == 10, "the share of the bound from which on Retries are sent")
            }
            #expect(server.counters.dropped.tooManyHandshakes == 0)
            #expect(server.counters.tokensValid == rounds)
            #expect(server.counters.handshakesCompleted == rounds)
            try await plain.close()
        }
    }

    /// A Retry asks for less than it answers, so that it is of no use to those who forge addresses.
    @Test func retriesAreShortAndLimited() async throws {
        try await Scene.run { scene in
            let initial = try await Initials.capture(1, in: scene)[0]
            let server = try await scene.listen(configure: {
                $0.retry.mode = .always
                $0.retry.retriesPerSecond = 3
            })
            let plain = try await PlainSocket.bind(on: scene.loop)
            for _ in 0..<20 { plain.send(initial, to: server.localAddress) }
            try await scene.until("handled") { server.counters.datagramsIn == 20 }
            try await scene.until("answered") { plain.received.count == server.counters.retriesSent }
            #expect((3...5).contains(server.counters.retriesSent))
            #expect(server.counters.dropped.retryLimit == 20 - server.counters.retriesSent)
            #expect(server.connectionCount == 0)
            for answer in plain.received {
                #expect(answer.data.readableBytes < 256)
                #expect(answer.data.getInteger(at: 0, as: UInt8.self).map { $0 & 0xf0 } == 0xf0)
            }
            try await plain.close()
        }
    }

    // MARK: Tokens of a Retry that are no good: INVALID_TOKEN (RFC 9000 §8.1.3)

    @Test func lateTokenIsRefused() async throws {
        try await Scene.run { scene in
            let server = try await scene.listen(configure: { $0.retry.mode = .always })
            var calls: UInt64 = 0
            server.acceptor?.tokens.wallClock = {
                calls += 1
                return 1_000 * Self.second + (calls - 1) * 10 * Self.second
            }
            try await Self.expectRefusal(by: server, at: server.localAddress, in: scene)
        }
    }

    @Test func tokenInTimeIsNot() async throws {
        try await Scene.run { scene in
            let server = try await scene.listen(configure: { $0.retry.mode = .always })
            var calls: UInt64 = 0
            server.acceptor?.tokens.wallClock = {
                calls += 1
                return 1_000 * Self.second + (calls - 1) * 9 * Self.second
            }
            let client = try await scene.client()
            _ = try await scene.connect(client, to: server.localAddress)
        }
    }

    @Test func tokenFromAnotherAddressIsRefused() async throws {
        try await Scene.run { scene in
            let server = try await scene.listen(configure: { $0.retry.mode = .always })
            let relay = try await Relay(to: server.localAddress, on: scene.loop)
            let other = try await PlainSocket.bind(on: scene.loop)
            let forward = relay.inner.onReceived
            other.onReceived = { envelope in
                if let client = relay.client { relay.inner.send(envelope.data, to: client) }
            }
            relay.inner.onReceived = { envelope in
                if server.counters.retriesSent == 0 {
                    forward?(envelope)
                } else {
                    other.send(envelope.data, to: server.localAddress)
                }
            }
            try await Self.expectRefusal(by: server, at: try relay.inner.address, in: scene)
            try await relay.close()
            try await other.close()
        }
    }

    private static func expectRefusal(
        by server: QUICEndpoint,
        at address: SocketAddress,
        in scene: isolated Scene
    ) async throws {
        let client = try await scene.client()
        let (_, recorder) = try scene.start(client, to: address)
        try await scene.until("closed") { recorder.reason != nil }
        guard case .transport(by: .peer, 0xb, _)? = recorder.reason else {
            Issue.record("\(String(describing: recorder.reason))")
            return
        }
        #expect(server.counters.tokensInvalid == 1)
        #expect(server.connectionCount == 0)
    }

    // MARK: Tokens for the next connection

    @Test func nextConnectionIsSparedTheRetry() async throws {
        try await Scene.run { scene in
            let pair = try await scene.pair(configureServer: { $0.retry.mode = .always })
            let address = pair.server.localAddress
            let retries = pair.server.counters.retriesSent
            try await scene.until("token") { pair.client.dialer.serverTokens.count == 1 }
            #expect(pair.server.counters.newTokensSent == 1)
            _ = try await scene.connect(pair.client, to: address)
            #expect(pair.server.counters.retriesSent == retries)
            #expect(pair.server.counters.tokensValid == 2)
            // Each is used once, and brings another.
            try await scene.until("token") { pair.client.dialer.serverTokens.count == 1 }
            // Another port of the same host is as good; a token knows no more than the IP address.
            let neighbour = try await scene.client()
            guard let remote = DatagramAddress(address) else { return }
            let token = pair.client.dialer.serverTokens.take(for: DialedServer(address: remote, name: "localhost"))
            neighbour.dialer.serverTokens.keep(token, of: DialedServer(address: remote, name: "localhost"))
            _ = try await scene.connect(neighbour, to: address)
            #expect(pair.server.counters.retriesSent == retries)
        }
    }

    /// Valid across a restart with the same secret; worthless with another, when late, when changed, or elsewhere: then it
    /// is as if there were none.
    @Test(arguments: ["restarted", "foreign", "late", "changed", "garbage", "elsewhere"])
    func tokensOfThePast(kind: String) async throws {
        try await Scene.run { scene in
            let first = try await scene.pair()
            try await scene.until("token") { first.client.dialer.serverTokens.count == 1 }
            let from = try SocketAddress(ipAddress: kind == "elsewhere" ? "127.0.0.2" : "127.0.0.1", port: 0)
            let second = try await scene.listen(configure: {
                $0.retry.mode = .always
                $0.identifiers.incarnation = 1
                if kind == "foreign" { $0.staticSecret = [UInt8](repeating: 9, count: 32) }
            })
            if kind == "late" {
                let clock = second.acceptor?.tokens.wallClock
                second.acceptor?.tokens.wallClock = { (clock?() ?? 0) + 86_401 * Self.second }
            }
            let old = try #require(DatagramAddress(first.server.localAddress))
            let new = try #require(DatagramAddress(second.localAddress))
            var token = first.client.dialer.serverTokens.take(for: DialedServer(address: old, name: "localhost"))
            #expect(token.count > 20)
            if kind == "changed" { token[10] ^= 1 }
            if kind == "garbage" { token = [UInt8](repeating: 0x5a, count: 300) }
            let client = try await scene.client(on: from)
            client.dialer.serverTokens.keep(token, of: DialedServer(address: new, name: "localhost"))
            _ = try await scene.connect(client, to: second.localAddress)
            #expect(second.counters.retriesSent == (kind == "restarted" ? 0 : 1))
            // The Retry's own token is a valid one.
            #expect(second.counters.tokensValid == 1)
            #expect(second.counters.tokensInvalid == (kind == "restarted" ? 0 : 1))
        }
    }

    @Test func newTokensCanBeSwitchedOff() async throws {
        try await Scene.run { scene in
            let pair = try await scene.pair(configureServer: { $0.retry.newTokenLifetime = .zero })
            try pair.connection.openBidirectionalStream().write(ByteBuffer(string: "x"))
            try await scene.until("echo") { pair.recorder.text(0) == "x" }
            #expect(pair.server.counters.newTokensSent == 0)
            #expect(pair.client.dialer.serverTokens.count == 0)
        }
    }

    /// A client at another IP address gets a token for that one.
    @Test func changedAddressBringsAToken() async throws {
        try await Scene.run { scene in
            let pair = try await scene.pair()
            try await scene.until("token") { pair.client.dialer.serverTokens.count == 1 }
            try await pair.client.rebind(
                to: SocketAddress(ipAddress: "127.0.0.9", port: 0),
                migration: .unnoticed
            ).get()
            try pair.connection.openBidirectionalStream().write(ByteBuffer(string: "x"))
            try await scene.until("token") { pair.client.dialer.serverTokens.count == 2 }
            #expect(pair.server.counters.newTokensSent == 2)
        }
    }

    /// A first flight whose beginning is missing is not kept before the address is validated.
    @Test func flightWithoutItsBeginningIsAnsweredByARetry() async throws {
        try await Scene.run { scene in
            let null = try NullProtectedEndpoint(loop: scene.loop) { _ in Recorder() }
            null.receive(null.firstFlight(frames: [0x06, 0x20, 0x04, 1, 2, 3, 4]), fromPort: 4_000)
            #expect(null.endpoint.counters.retriesSent == 1)
            #expect(null.endpoint.connectionCount == 0)
            #expect(null.endAll() == nil)
        }
    }
}
