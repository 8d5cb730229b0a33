import CertificateFixture
import Foundation
import Logging
import NIOCore
import NIOPosix
import Testing

@testable import QUICTransport

@Suite struct QUICEndpointAcceptTests {
    private static func verified(_ name: String, _ pem: [UInt8]) -> QUICClientConfiguration.Verification {
        .full(serverName: name, trustRoots: .pem(pem))
    }

    @Test(arguments: ["localhost", "127.0.0.1"])
    func verifiedCertificate(name: String) async throws {
        let pair = try CertificatePair.shared.get()
        try await Scene.run { scene in
            let server = try await scene.listen()
            let client = try await scene.client()
            let (_, recorder) = try scene.start(
                client,
                to: server.localAddress,
                verification: Self.verified(name, pair.certificate)
            )
            try await scene.until("established") { recorder.isEstablished }
        }
    }

    /// TLS alert 42, bad_certificate, sent by the client to the server.
    @Test func wrongNameIsRefusedByTheClient() async throws {
        let pair = try CertificatePair.shared.get()
        try await Scene.run { scene in
            let server = try await scene.listen()
            let client = try await scene.client()
            let (_, recorder) = try scene.start(
                client,
                to: server.localAddress,
                verification: Self.verified("elsewhere.example", pair.certificate)
            )
            try await scene.until("closed") { recorder.reason != nil }
            guard case .transport(by: .local, _, let text)? = recorder.reason else {
                Issue.record("\(String(describing: recorder.reason))")
                return
            }
            #expect(recorder.reason?.tlsAlert == 42)
            #expect(text.contains("name"), "\(text)")
            #expect(!recorder.isEstablished)
            try await scene.until("server") { server.connectionCount == 0 }
            #expect(server.counters.handshakesFailed == 1)
        }
    }

    @Test func unknownAuthorityIsRefusedByTheClient() async throws {
        let other = try CertificatePair()
        try await Scene.run { scene in
            let server = try await scene.listen()
            let client = try await scene.client()
            let (_, recorder) = try scene.start(
                client,
                to: server.localAddress,
                verification: Self.verified("localhost", other.certificate)
            )
            try await scene.until("closed") { recorder.reason != nil }
            #expect(recorder.reason?.tlsAlert != nil)
            #expect(!recorder.isEstablished)
        }
    }

    @Test func systemAuthoritiesDoNotKnowOurs() async throws {
        try await Scene.run { scene in
            let server = try await scene.listen()
            let client = try await scene.client()
            let recorder: Recorder
            do {
                recorder = try scene.start(
                    client,
                    to: server.localAddress,
                    verification: .full(serverName: "localhost", trustRoots: .system)
                ).1
            } catch QUICError.trustRoots {
                return  // A system without any authority says so.
            }
            try await scene.until("closed") { recorder.reason != nil }
            #expect(recorder.reason?.tlsAlert != nil)
        }
    }

    /// RFC 9001 §8.1: alert 120, no_application_protocol.
    @Test func otherProtocolNameIsRefused() async throws {
        try await Scene.run { scene in
            let server = try await scene.listen()
            let client = try await scene.client()
            let (_, recorder) = try scene.start(client, to: server.localAddress, configure: { $0.common.alpn = "h3" })
            try await scene.until("closed") { recorder.reason != nil }
            #expect(recorder.reason?.tlsAlert == 120)
            guard case .transport(by: .peer, 0x178, _)? = recorder.reason else {
                Issue.record("\(String(describing: recorder.reason))")
                return
            }
        }
    }

    @Test func certificateErrorsAreClear() async throws {
        let pair = try CertificatePair.shared.get()
        let other = try CertificatePair()
        let wrong: [([UInt8], [UInt8])] = [
            ([], pair.key),
            (pair.certificate, []),
            (Array("no PEM".utf8), pair.key),
            (pair.certificate, Array("no PEM".utf8)),
            (pair.certificate, other.key),
        ]
        try await Scene.run { scene in
            for (chain, key) in wrong {
                do {
                    _ = try await scene.listen(configure: {
                        $0.certificateChain = chain
                        $0.privateKey = key
                    })
                    Issue.record("accepted")
                } catch QUICError.certificate(let text) {
                    #expect(!text.isEmpty)
                }
            }
        }
    }

    @Test func trustRootErrorsAreClear() async throws {
        try await Scene.run { scene in
            let client = try await scene.client()
            for pem in [[], Array("no PEM".utf8)] {
                do {
                    _ = try scene.start(
                        client,
                        to: SocketAddress(ipAddress: "127.0.0.1", port: 1),
                        verification: Self.verified("localhost", pem)
                    )
                    Issue.record("accepted")
                } catch QUICError.trustRoots {}
            }
        }
    }

    @Test func nobodyAnswers() async throws {
        try await Scene.run { scene in
            let client = try await scene.client()
            let silent = try await PlainSocket.bind(on: scene.loop)
            let (_, recorder) = try scene.start(
                client,
                to: silent.address,
                configure: { $0.common.handshakeTimeout = .milliseconds(300) }
            )
            try await scene.until("closed") { recorder.reason != nil }
            #expect(recorder.reason == .handshakeTimeout)
            try await silent.close()
        }
    }

    /// A client that sends its first flight and goes away costs the server for the handshake's timeout, no longer.
    @Test func abandonedHandshakesEnd() async throws {
        try await Scene.run { scene in
            let server = try await scene.listen(configure: { $0.common.handshakeTimeout = .milliseconds(300) })
            let initial = try await Initials.capture(1, in: scene)
            let plain = try await PlainSocket.bind(on: scene.loop)
            plain.send(initial[0], to: server.localAddress)
            try await scene.until("begun and ended") { server.counters.handshakesFailed == 1 }
            #expect(server.handshakeCount == 0)
            #expect(server.table.identifierCount == 0)
            #expect(scene.accepted.isEmpty)
            try await plain.close()
        }
    }

    @Test func handshakesInFlightAreBounded() async throws {
        try await Scene.run { scene in
            let server = try await scene.listen(configure: {
                $0.maximumHandshakes = 3
                $0.retry.mode = .never
            })
            let initials = try await Initials.capture(5, in: scene)
            let plain = try await PlainSocket.bind(on: scene.loop)
            for initial in initials { plain.send(initial, to: server.localAddress) }
            try await scene.until("dropped") { server.counters.dropped.tooManyHandshakes >= 2 }
            #expect(server.handshakeCount == 3)
            try await plain.close()
        }
    }

    /// RFC 9000 §6.1: versions that we do not speak are answered by those that we do, if the datagram is long enough.
    @Test func versionNegotiationIsSent() async throws {
        try await Scene.run { scene in
            let server = try await scene.listen()
            let plain = try await PlainSocket.bind(on: scene.loop)
            var packet = ByteBuffer(bytes: [0xc0, 0x1a, 0x2b, 0x3c, 0x4d, 8, 1, 2, 3, 4, 5, 6, 7, 8, 4, 9, 10, 11, 12])
            packet.writeRepeatingByte(0, count: 1_000)
            plain.send(packet, to: server.localAddress)
            packet.writeRepeatingByte(0, count: 200)
            plain.send(packet, to: server.localAddress)
            try await scene.until("answer") { !plain.received.isEmpty }
            try await scene.pause(.milliseconds(50))
            #expect(plain.received.count == 1)
            let answer = Array(buffer: plain.received[0].data)
            #expect(answer[0] & 0x80 != 0)
            #expect(Array(answer[1..<5]) == [0, 0, 0, 0])
            // The identifiers come back crosswise.
            #expect(Array(answer[5..<19]) == [4, 9, 10, 11, 12, 8, 1, 2, 3, 4, 5, 6, 7, 8])
            #expect(Array(answer.suffix(4)) == [0, 0, 0, 1])
            #expect(server.counters.versionNegotiationsSent == 1)
            try await plain.close()
        }
    }

    @Test func versionNegotiationEndsTheClient() async throws {
        try await Scene.run { scene in
            let client = try await scene.client()
            let plain = try await PlainSocket.bind(on: scene.loop)
            let (_, recorder) = try scene.start(client, to: plain.address)
            try await scene.until("initial") { !plain.received.isEmpty }
            let initial = Array(buffer: plain.received[0].data)
            let destination = initial[6..<(6 + Int(initial[5]))]
            let sourceAt = 6 + Int(initial[5])
            let source = initial[(sourceAt + 1)..<(sourceAt + 1 + Int(initial[sourceAt]))]
            var answer = ByteBuffer(bytes: [0x80, 0, 0, 0, 0, UInt8(source.count)])
            answer.writeBytes(source)
            answer.writeInteger(UInt8(destination.count))
            answer.writeBytes(destination)
            answer.writeInteger(UInt32(0x6b33_43cf))
            plain.send(answer, to: client.localAddress)
            try await scene.until("closed") { recorder.reason != nil }
            #expect(recorder.reason == .versionNegotiation)
            try await plain.close()
        }
    }

    /// Secrets must not leave the process however its environment looks.
    @Test func noKeyLogIsWritten() async throws {
        try await Scene.run { scene in
            let pair = try await scene.pair()
            #expect(pair.recorder.isEstablished)
            let file = try #require(getenv("SSLKEYLOGFILE").map { String(cString: $0) })
            #expect(!FileManager.default.fileExists(atPath: file))
        }
    }

    /// RFC 9001 §4.1.3: after the handshake nobody sends a server CRYPTO data, whose TLS session is long gone.
    @Test func cryptoDataAfterTheHandshakeIsRefused() async throws {
        try await Scene.run { scene in
            let pair = try await scene.pair()
            // A NewSessionTicket, which only servers send; then a KeyUpdate, which QUIC forbids (RFC 9001 §6).
            #expect(try #require(pair.connection.engine).submitCryptoData([4, 0, 0, 4, 0, 0, 0, 0]))
            pair.connection.markDirty()
            try await scene.until("closed") { pair.recorder.reason != nil && pair.peerRecorder.reason != nil }
            guard case .transport(by: .peer, 0x10a, _)? = pair.recorder.reason else {
                Issue.record("\(String(describing: pair.recorder.reason))")
                return
            }
            #expect(pair.server.connectionCount == 0)
        }
    }

    /// Key updates work without the TLS session (RFC 9001 §6).
    @Test func keysAreUpdatedAfterTheSessionIsReleased() async throws {
        try await Scene.run { scene in
            let pair = try await scene.pair()
            let stream = try pair.connection.openBidirectionalStream()
            var expected = ""
            for round in 0..<3 {
                let engine = try #require((round % 2 == 0 ? pair.connection : pair.peer).engine)
                // New keys are made ready while packets arrive, three probe timeouts after the last change.
                try await scene.until("key update \(round)") {
                    stream.write(ByteBuffer(string: "."))
                    expected += "."
                    return engine.updateKeys(now: scene.loop.now.uptimeNanoseconds)
                }
                stream.write(ByteBuffer(string: "round \(round);"))
                expected += "round \(round);"
                try await scene.until("echo \(round)") { pair.recorder.text(0) == expected }
            }
            guard case .released? = pair.peer.engine?.tls else {
                Issue.record("the session is still there")
                return
            }
        }
    }

    // MARK: More new clients than can be served

    /// Lets no handshake begin.
    private static func stop(_ endpoint: QUICEndpoint) {
        var limits = HandshakePace.Limits()
        limits.budget = 0
        endpoint.acceptor?.pace = HandshakePace(limits)
    }

    /// Clients of connections go on while new clients wait, and those begin once there is time.
    @Test func newClientsWaitForTime() async throws {
        try await Scene.run { scene in
            let pair = try await scene.pair()
            let server = pair.server
            Self.stop(server)
            let initials = try await Initials.capture(5, in: scene)
            let plain = try await PlainSocket.bind(on: scene.loop)
            for initial in initials { plain.send(initial, to: server.localAddress) }
            try await scene.until("held") { server.counters.initialsHeld == 5 }
            try pair.connection.openBidirectionalStream().write(ByteBuffer(string: "x"))
            try await scene.until("echo") { pair.recorder.text(0) == "x" }
            #expect(server.counters.handshakesStarted == 1)
            #expect(server.acceptor?.waiting.count == 5)
            server.acceptor?.pace = HandshakePace(try Scene.serverConfiguration().pace)
            try await scene.until("begun") { server.counters.handshakesStarted == 6 }
            #expect(server.acceptor?.waiting.isEmpty == true)
            try await plain.close()
        }
    }

    /// What belongs to handshakes under way waits, too, while established connections are served, and goes on once there is
    /// time.
    @Test func handshakesUnderWayWaitForTime() async throws {
        try await Scene.run { scene in
            let null = try NullProtectedEndpoint(loop: scene.loop) { _ in Recorder() }
            let established = try #require(null.connect(fromPort: 1))
            let underWay = try #require(null.begin(fromPort: 2))
            Self.stop(null.endpoint)
            null.complete(underWay, fromPort: 2)
            #expect(null.endpoint.counters.handshakeDatagramsHeld == 1)
            #expect(!underWay.isEstablished)
            let sent = null.endpoint.counters.datagramsOut
            null.receive(null.shortPacket(to: established, frames: [0x01]), fromPort: 1)
            null.advance(milliseconds: 100)
            #expect(null.endpoint.counters.datagramsOut > sent, "PING is acknowledged")
            #expect(!underWay.isEstablished)
            null.endpoint.acceptor?.pace = HandshakePace()
            null.advance(milliseconds: 1)
            #expect(underWay.isEstablished)
            #expect(null.endAll() == nil)
        }
    }

    /// Datagrams beyond the bound are dropped: their clients send them again.
    @Test func waitingDatagramsAreBounded() async throws {
        try await Scene.run { scene in
            let null = try NullProtectedEndpoint(loop: scene.loop) { _ in Recorder() }
            let underWay = try #require(null.begin(fromPort: 1))
            Self.stop(null.endpoint)
            for _ in 0..<1_026 { null.complete(underWay, fromPort: 1) }
            #expect(null.endpoint.acceptor?.underWay.count == 1_024)
            #expect(null.endpoint.counters.handshakeDatagramsHeld == 1_024)
            #expect(null.endpoint.counters.dropped.handshakeLimit == 2)
            null.endpoint.acceptor?.pace = HandshakePace()
            null.advance(milliseconds: 1)
            #expect(underWay.isEstablished)
            try await scene.until("drained") { null.endpoint.acceptor?.underWay.isEmpty == true }
            #expect(null.endAll() == nil)
        }
    }

    /// Whoever could not be served within the window is given up without an answer; the next one is served.
    @Test func oldInitialsAreThrownAway() async throws {
        try await Scene.run { scene in
            let null = try NullProtectedEndpoint(loop: scene.loop) { _ in Recorder() }
            Self.stop(null.endpoint)
            for port in 1...3 as ClosedRange<UInt16> {
                null.receive(null.firstFlight(frames: [0x06, 0x00, 0x04, 1, 2, 3, 4]), fromPort: port)
            }
            #expect(null.endpoint.counters.initialsHeld == 3)
            null.advance(milliseconds: 251)
            #expect(null.endpoint.counters.dropped.initialAge == 3)
            #expect(null.endpoint.connectionCount == 0)
            #expect(null.endpoint.counters.datagramsOut == 0)
            null.endpoint.acceptor?.pace = HandshakePace()
            #expect(null.connect(fromPort: 4) != nil)
            #expect(null.endAll() == nil)
        }
    }

    @Test func waitingClientsAreBounded() async throws {
        try await Scene.run { scene in
            let server = try await scene.listen(configure: { $0.maximumWaitingInitials = 4 })
            Self.stop(server)
            let initials = try await Initials.capture(6, in: scene)
            let plain = try await PlainSocket.bind(on: scene.loop)
            for initial in initials { plain.send(initial, to: server.localAddress) }
            try await scene.until("handled") { server.counters.initialsHeld == 6 }
            #expect(server.acceptor?.waiting.count == 4)
            #expect(server.counters.dropped.initialLimit == 2)
            try await plain.close()
        }
    }

    /// Handshakes whose clients do not go on make room for others after the window, however many there are.
    @Test func silentClientsDoNotHoldOthersUp() async throws {
        try await Scene.run { scene in
            let null = try NullProtectedEndpoint(loop: scene.loop) { _ in Recorder() }
            var limits = HandshakePace.Limits()
            limits.budget = 60_000_000_000
            limits.window = 1_000_000
            limits.least = 2
            null.endpoint.acceptor?.pace = HandshakePace(limits)
            for port in 1...3 as ClosedRange<UInt16> {
                null.receive(null.firstFlight(frames: [0x06, 0x00, 0x04, 1, 2, 3, 4]), fromPort: port)
            }
            null.advance(milliseconds: 2)
            #expect(null.endpoint.handshakeCount == 3)
            #expect(null.connect(fromPort: 4) != nil)
            #expect(null.endAll() == nil)
        }
    }

    /// A 0-RTT packet stays with the Initial of its client, and waits with it (RFC 9000 §17.2.3).
    @Test func earlyDataWaitsWithItsInitial() async throws {
        try await Scene.run { scene in
            let null = try NullProtectedEndpoint(loop: scene.loop) { _ in Recorder() }
            Self.stop(null.endpoint)
            let initial = null.firstFlight(frames: [0x06, 0x00, 0x04, 1, 2, 3, 4])
            var early = initial
            early[0] = 0xd3
            null.receive(early, fromPort: 1)
            #expect(null.endpoint.counters.dropped.unexpectedLongHeader == 1)
            null.receive(initial, fromPort: 1)
            null.receive(early, fromPort: 1)
            #expect(null.endpoint.counters.dropped.unexpectedLongHeader == 1)
            #expect(null.endpoint.acceptor?.waiting.count == 2)
            null.advance(milliseconds: 251)
            #expect(null.endpoint.counters.dropped.initialAge == 2)
            #expect(null.endAll() == nil)
        }
    }
}
