import CertificateFixture
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import Testing

@testable import QUICTransport

/// Session tickets and early data (RFC 8446 §2.2, §2.3, §8; RFC 9001 §4.5, §4.6).
@Suite struct ResumptionTests {
    private static func resumption(
        lifetime: Duration = .seconds(7_200),
        capacity: Int = 1_000,
        clock: @escaping @Sendable () -> ClockReading = { ClockReading.now }
    ) -> QUICServerResumption {
        QUICServerResumption(
            keys: TicketKeys(lifetime: lifetime),
            earlyData: EarlyDataStore(window: lifetime * 2, capacity: capacity, clock: clock)
        )
    }

    @Test func earlyDataIsAccepted() async throws {
        try await Scene.run { scene in
            let server = try await scene.listen(configure: { $0.resumption = Self.resumption() })
            let ticket = try await scene.ticket(from: server)
            #expect(ticket.allowsEarlyData)
            #expect(ticket.lifetime == 7_200)
            #expect(server.counters.ticketsSent == 1)

            let (connection, recorder) = try await scene.resume(ticket, to: server.localAddress, saying: "early")
            #expect(connection.earlyData == .none)
            try await scene.until("echo") { recorder.text(0) == "early" && recorder.confirmedCount == 1 }
            let peer = try #require(scene.accepted.last)
            try await scene.until("confirmed") { peer.recorder.confirmedCount == 1 }
            #expect(recorder.wasEarly)
            #expect(peer.recorder.wasEarly)
            #expect(peer.recorder.text(0) == "early")
            #expect(connection.earlyData == .accepted)
            #expect(peer.connection.earlyData == .accepted)
            #expect(server.counters.handshakesResumed == 1)
            #expect(server.counters.earlyDataAccepted == 1)
            #expect(server.handshakeCount == 0)
        }
    }

    /// The server acts upon the first flight alone: one round trip to its answer.
    @Test func firstFlightIsActedUpon() async throws {
        try await Scene.run { scene in
            let server = try await scene.listen(configure: { $0.resumption = Self.resumption() })
            let flight = try await scene.firstFlight(scene.ticket(from: server), saying: "early")
            #expect(flight.count == 1, "ClientHello and data share a datagram")
            let plain = try await PlainSocket.bind(on: scene.loop)
            plain.send(flight[0], to: server.localAddress)
            try await scene.until("accepted") { scene.accepted.count == 2 }
            let peer = scene.accepted[1]
            try await scene.until("received") { peer.recorder.text(0) == "early" }
            #expect(peer.connection.isEarly)
            #expect(server.handshakeCount == 1)
            try await plain.close()
        }
    }

    /// RFC 8446 §8.2, for two endpoints that share port and keys as the loops of a listener do.
    @Test func replayedFirstFlightIsNotExecutedTwice() async throws {
        try await Scene.run { scene in
            let resumption = Self.resumption()
            let server = try await scene.listen(configure: { $0.resumption = resumption })
            let other = try await scene.listen(configure: { $0.resumption = resumption })
            let flight = try await scene.firstFlight(scene.ticket(from: server), saying: "once")
            var sockets: [PlainSocket] = []
            for (target, isAnswered) in [(server, true), (other, true), (server, false), (other, false)] {
                let plain = try await PlainSocket.bind(on: scene.loop)
                for datagram in flight { plain.send(datagram, to: target.localAddress) }
                sockets.append(plain)
                // The handshake goes on, but from nowhere else than where it began (RFC 9000 §9).
                if isAnswered { try await scene.until("answer") { !plain.received.isEmpty } }
            }
            try await scene.pause(.milliseconds(50))
            #expect(scene.accepted.filter { $0.recorder.text(0) == "once" }.count == 1)
            #expect(scene.accepted.count == 2)
            #expect(server.counters.earlyDataAccepted + other.counters.earlyDataAccepted == 1)
            #expect(server.counters.earlyDataReplayed + other.counters.earlyDataReplayed == 1)
            #expect(resumption.earlyData?.count == 1)
            for socket in sockets { try await socket.close() }
        }
    }

    /// An endpoint accepts tickets of the others of its listener, however long nobody has connected to it.
    @Test func earlyDataIsAcceptedWhereNobodyConnectedBefore() async throws {
        try await Scene.run { scene in
            for _ in 0..<10 {
                let resumption = Self.resumption(lifetime: .seconds(1))
                let server = try await scene.listen(configure: { $0.resumption = resumption })
                let idle = try await scene.listen(configure: { $0.resumption = resumption })
                try await scene.pause(.milliseconds(4_200))
                let begun = NIODeadline.now()
                let ticket = try await scene.ticket(from: server)
                let (connection, recorder) = try await scene.resume(ticket, to: idle.localAddress, saying: "early")
                try await scene.until("echo") { recorder.text(0) == "early" && recorder.confirmedCount == 1 }
                // On a busy machine the ticket may have expired.
                if connection.earlyData != .accepted, NIODeadline.now() - begun > .milliseconds(800) { continue }
                #expect(connection.earlyData == .accepted)
                return
            }
        }
    }

    /// However long a client takes from the first octet of its ClientHello to the ticket at its end, the library's record
    /// that its session was given is there for it.
    @Test func slowClientHello() async throws {
        let pair = try CertificatePair(name: "car 7", aliases: (1...40).map { "car-\($0).of-a-fleet.example" })
        let identity = QUICIdentity(certificateChain: pair.certificate, privateKey: pair.key)
        let lifetime: UInt64 = 60_000_000_000
        try await Scene.run { scene in
            let server = try await scene.listen(configure: {
                $0.resumption = Self.resumption(lifetime: .nanoseconds(Int64(lifetime)))
                $0.clientAuthorities = identity.certificateChain
            })
            let ticket = try await scene.ticket(from: server) { $0.identity = identity }
            let flight = try await scene.firstFlight(ticket, saying: "early") { $0.identity = identity }
            // The ticket brings the certificate along, and both datagrams are as long as those with Initial packets must be.
            try #require(flight.map(\.readableBytes).prefix(2) == [1_200, 1_200])
            let plain = try await PlainSocket.bind(on: scene.loop)
            plain.send(flight[0], to: server.localAddress)
            try await scene.until("begun") { server.handshakeCount == 1 }
            let connection = try #require(server.table.connections.first { !$0.isEstablished })
            weak var record: EarlyDataGuard.Record?
            if case .live(let session)? = connection.engine?.tls { record = session.antiReplayRecord }
            #expect(record != nil)
            guard case .tls(let context)? = server.acceptor?.protection else {
                Issue.record("no TLS")
                return
            }
            let guardian = try #require(context.earlyData)
            for renewals in 1...5 { try guardian.renew(now: server.now + UInt64(renewals) * lifetime) }
            for datagram in flight.dropFirst() { plain.send(datagram, to: server.localAddress) }
            try await scene.until("read") { server.counters.handshakesResumed == 1 }
            try #require(server.counters.earlyDataAccepted == 1)
            try await scene.until("received") { scene.accepted.last?.recorder.text(0) == "early" }
            // Nobody holds the record but the session.
            connection.close(applicationError: 0, reason: "")
            try await scene.until("freed") { record == nil }
            try await plain.close()
        }
    }

    /// A connection that is forgotten does not make its first flight new.
    @Test func replayAfterTheConnectionEnded() async throws {
        try await Scene.run { scene in
            let server = try await scene.listen(configure: { $0.resumption = Self.resumption() })
            let flight = try await scene.firstFlight(scene.ticket(from: server), saying: "once")
            let plain = try await PlainSocket.bind(on: scene.loop)
            for count in 1...2 {
                let read = server.counters.datagramsIn
                for datagram in flight { plain.send(datagram, to: server.localAddress) }
                try await scene.until("begun") {
                    server.counters.handshakesStarted == count + 1
                        && server.counters.datagramsIn >= read + flight.count
                }
                server.skew += UInt64(Scene.patience.components.seconds) * 1_000_000_000
                server.timerFired()
                try await scene.until("ended") {
                    server.counters.handshakesFailed == count && server.connectionCount == 0
                }
            }
            #expect(scene.accepted.count == 2)
            #expect(server.counters.earlyDataReplayed == 1)
            try await plain.close()
        }
    }

    /// Keys do not outlive the process: after a restart there is nothing to execute, and the client sends it all again.
    @Test func restartRejectsAndNothingIsLostOrDoubled() async throws {
        try await Scene.run { scene in
            let first = try await scene.listen(configure: { $0.resumption = Self.resumption() })
            let ticket = try await scene.ticket(from: first)
            let second = try await scene.listen(configure: { $0.resumption = Self.resumption() })
            let text = String(repeating: "rejected;", count: 5_000)
            let (connection, recorder) = try await scene.resume(ticket, to: second.localAddress, saying: text)
            try await scene.until("echo") { recorder.text(0).utf8.count >= text.utf8.count }
            try await scene.pause(.milliseconds(20))
            let peer = try #require(scene.accepted.last)
            #expect(recorder.text(0) == text)
            #expect(peer.recorder.text(0) == text)
            #expect(connection.earlyData == .rejected)
            #expect(recorder.confirmedCount == 1)
            #expect(!peer.recorder.wasEarly)
            #expect(second.counters.handshakesResumed == 0)
            #expect(peer.connection.streams.count == 1)
        }
    }

    /// Several streams, one of them ended and one reset, keep their numbers, bytes and ends.
    @Test func rejectedStreamsBeginAnew() async throws {
        try await Scene.run { scene in
            let first = try await scene.listen(configure: { $0.resumption = Self.resumption() })
            let ticket = try await scene.ticket(from: first)
            let second = try await scene.listen(configure: { $0.resumption = Self.resumption() })
            let client = try await scene.client()
            var configuration = QUICClientConfiguration(verification: .none(serverName: "localhost"))
            configuration.ticket = ticket
            let recorder = Recorder()
            recorder.onEstablished = { connection in
                for name in ["zero", "four", "eight"] {
                    guard let stream = try? connection.openBidirectionalStream() else { return }
                    stream.write(ByteBuffer(string: name))
                    if name == "four" { stream.finish() }
                    if name == "eight" { stream.reset(code: 77) }
                }
            }
            let connection = try client.connect(
                to: second.localAddress,
                configuration: configuration,
                delegate: recorder
            )
            try await scene.until("echo") { recorder.text(0) == "zero" && recorder.text(4) == "four" }
            let peer = try #require(scene.accepted.last)
            try await scene.until("reset") { peer.recorder.resets[8] == 77 }
            #expect(connection.earlyData == .rejected)
            #expect(peer.recorder.finished.contains(4))
        }
    }

    @Test func fullStoreRefuses() async throws {
        try await Scene.run { scene in
            let server = try await scene.listen(configure: { $0.resumption = Self.resumption(capacity: 1) })
            let ticket = try await scene.ticket(from: server)
            for text in ["first", "second"] {
                let (_, recorder) = try await scene.resume(ticket, to: server.localAddress, saying: text)
                try await scene.until("echo \(text)") { recorder.text(0) == text }
            }
            #expect(server.counters.earlyDataAccepted == 1)
            #expect(server.counters.earlyDataStoreFull == 1)
            #expect(server.counters.handshakesResumed == 2)
        }
    }

    /// How old a ClientHello is cannot be told any more: neither early data nor tickets from before the jump are taken.
    @Test(arguments: [3_600, -3_600])
    func jumpOfTheWallClockRefuses(seconds: Int64) async throws {
        let offset = TestClock()
        try await Scene.run { scene in
            let resumption = Self.resumption(clock: { offset.reading })
            let server = try await scene.listen(configure: { $0.resumption = resumption })
            let ticket = try await scene.ticket(from: server)
            let flight = try await scene.firstFlight(ticket, saying: "early")
            let plain = try await PlainSocket.bind(on: scene.loop)
            for datagram in flight { plain.send(datagram, to: server.localAddress) }
            try await scene.until("early") { server.counters.earlyDataAccepted == 1 }

            offset.jump(seconds)
            let elsewhere = try await PlainSocket.bind(on: scene.loop)
            let again = try await scene.listen(configure: { $0.resumption = resumption })
            for datagram in flight { elsewhere.send(datagram, to: again.localAddress) }
            try await scene.until("answer") { !elsewhere.received.isEmpty }
            #expect(again.counters.handshakesResumed == 0)
            #expect(again.counters.earlyDataAccepted == 0)

            let (connection, recorder) = try await scene.resume(ticket, to: server.localAddress, saying: "late")
            try await scene.until("echo") { recorder.text(0) == "late" }
            #expect(connection.earlyData == .rejected)
            // What is sealed after the jump is as good as ever.
            let fresh = try await scene.ticket(from: server)
            let (later, other) = try await scene.resume(fresh, to: server.localAddress, saying: "fresh")
            try await scene.until("echo") { other.text(0) == "fresh" && other.confirmedCount == 1 }
            #expect(later.earlyData == .accepted)
            try await plain.close()
            try await elsewhere.close()
        }
    }

    // MARK: Settings

    @Test func withoutEarlyDataTicketsResumeOnly() async throws {
        try await Scene.run { scene in
            let resumption = QUICServerResumption(keys: TicketKeys(lifetime: .seconds(60)), earlyData: nil)
            let server = try await scene.listen(configure: { $0.resumption = resumption })
            let ticket = try await scene.ticket(from: server)
            #expect(!ticket.allowsEarlyData)
            #expect(ticket.lifetime == 60)
            let (connection, recorder) = try await scene.resume(ticket, to: server.localAddress, saying: "late")
            try await scene.until("echo") { recorder.text(0) == "late" }
            #expect(!recorder.wasEarly)
            #expect(connection.earlyData == .none)
            #expect(server.counters.handshakesResumed == 1)
        }
    }

    @Test func withoutResumptionThereAreNoTickets() async throws {
        try await Scene.run { scene in
            let pair = try await scene.pair(configureClient: { $0.takesTickets = true })
            try await scene.pause(.milliseconds(50))
            #expect(pair.recorder.tickets.isEmpty)
            #expect(pair.server.counters.ticketsSent == 0)
        }
    }

    /// A client that has no use for a ticket costs the server none (RFC 8446 §4.2.9).
    @Test func noTicketForWhoTakesNone() async throws {
        try await Scene.run { scene in
            let pair = try await scene.pair(configureServer: { $0.resumption = Self.resumption() })
            try await scene.pause(.milliseconds(20))
            #expect(pair.server.counters.ticketsSent == 0)
            guard case .released? = pair.connection.engine?.tls, case .released? = pair.peer.engine?.tls else {
                Issue.record("a session is still there")
                return
            }
        }
    }

    @Test func clientMayResumeWithoutEarlyData() async throws {
        try await Scene.run { scene in
            let server = try await scene.listen(configure: { $0.resumption = Self.resumption() })
            let ticket = try await scene.ticket(from: server)
            let (connection, recorder) = try await scene.resume(ticket, to: server.localAddress, saying: "late") {
                $0.sendsEarlyData = false
            }
            try await scene.until("echo") { recorder.text(0) == "late" }
            #expect(connection.earlyData == .none)
            #expect(server.counters.handshakesResumed == 1)
            #expect(server.counters.earlyDataAccepted == 0)
        }
    }

    @Test func staleAndBrokenTicketsAreIgnored() async throws {
        try await Scene.run { scene in
            let server = try await scene.listen(configure: { $0.resumption = Self.resumption() })
            let good = try await scene.ticket(from: server)
            func changed(session: [UInt8]? = nil, received: Int64? = nil) -> QUICSessionTicket {
                QUICSessionTicket(
                    session: session ?? good.session,
                    transportParameters: good.transportParameters,
                    allowsEarlyData: true,
                    received: received ?? good.received,
                    lifetime: good.lifetime
                )
            }
            let bad = [
                changed(received: good.received - good.lifetime), changed(received: good.received + 100),
                changed(session: []), changed(session: [1, 2, 3]), changed(session: Array(good.session.dropLast(20))),
            ]
            for ticket in bad {
                let (connection, recorder) = try await scene.resume(ticket, to: server.localAddress, saying: "anyway")
                try await scene.until("echo") { recorder.text(0) == "anyway" }
                #expect(connection.earlyData == .none)
            }
            #expect(server.counters.handshakesResumed == 0)
        }
    }

    /// A handshake that a client begins with early data, and gives up, is over with its timeout.
    @Test func refusedEarlyConnections() async throws {
        try await Scene.run { scene in
            let server = try await scene.listen(configure: { $0.resumption = Self.resumption() })
            let ticket = try await scene.ticket(from: server)
            scene.refuses = true
            let (_, recorder) = try await scene.resume(ticket, to: server.localAddress, saying: "early")
            try await scene.until("closed") { recorder.reason != nil && server.connectionCount == 0 }
            guard case .transport(by: .peer, TransportError.connectionRefused, _)? = recorder.reason else {
                Issue.record("\(String(describing: recorder.reason))")
                return
            }
            #expect(server.handshakeCount == 0)
        }
    }
}
