import NIOCore
import Testing

@testable import QUICTransport

/// A client that resumes and is asked to prove its address first: its early data comes twice, and with a token the second
/// time (RFC 9000 §8.1.2, §17.2.3).
@Suite struct RetriedEarlyDataTests {
    private static func configure(_ configuration: inout QUICServerConfiguration) {
        configuration.retry.mode = .always
        configuration.resumption = QUICServerResumption(
            keys: TicketKeys(),
            earlyData: EarlyDataStore(window: .seconds(14_400))
        )
    }

    /// One datagram and several: what was sent before the Retry is sent again.
    @Test(arguments: [1, 2_000]) func earlyDataIsSentAgainAndExecutedOnce(count: Int) async throws {
        let text = String(repeating: "early;", count: count)
        try await Scene.run { scene in
            let server = try await scene.listen(configure: Self.configure)
            let ticket = try await scene.ticket(from: server)
            let retries = server.counters.retriesSent
            #expect(retries >= 1)
            let (connection, recorder) = try await scene.resume(ticket, to: server.localAddress, saying: text)
            try await scene.until("echo") { recorder.text(0) == text && recorder.confirmedCount == 1 }
            let peer = try #require(scene.accepted.last)
            #expect(server.counters.retriesSent > retries)
            #expect(scene.accepted.count == 2, "the ticket's connection and this one")
            #expect(peer.recorder.wasEarly)
            #expect(peer.recorder.text(0) == text)
            #expect(peer.recorder.opened.count == 1)
            #expect(connection.earlyData == .accepted)
            #expect(server.counters.earlyDataAccepted == 1)
            #expect(server.counters.earlyDataReplayed == 0)
        }
    }

    /// Neither half of what somebody on the way could keep is good for a second execution: without the token it gets a
    /// Retry, with the token from elsewhere it is refused, and with the token from the client's own address the early data
    /// is.
    @Test func neitherFlightCanBeReplayed() async throws {
        try await Scene.run { scene in
            let server = try await scene.listen(configure: Self.configure)
            let ticket = try await scene.ticket(from: server)
            let (front, back) = (try await PlainSocket.bind(on: scene.loop), try await PlainSocket.bind(on: scene.loop))
            var client: SocketAddress?
            var before: [ByteBuffer] = []
            var after: [ByteBuffer] = []
            front.onReceived = { envelope in
                client = envelope.remoteAddress
                if server.counters.retriesSent == 1 {
                    before.append(envelope.data)
                } else {
                    after.append(envelope.data)
                }
                back.send(envelope.data, to: server.localAddress)
            }
            back.onReceived = { envelope in if let client { front.send(envelope.data, to: client) } }
            let (connection, recorder) = try await scene.resume(ticket, to: front.address, saying: "once")
            try await scene.until("echo") { recorder.text(0) == "once" && recorder.confirmedCount == 1 }
            connection.close(applicationError: 0, reason: "")
            try await scene.until("forgotten") { server.connectionCount == 0 && server.closedConnections.count == 0 }
            back.onReceived = { _ in }
            let plain = try await PlainSocket.bind(on: scene.loop)

            for datagram in before { plain.send(datagram, to: server.localAddress) }
            try await scene.until("Retry") { server.counters.retriesSent == 2 + before.count }
            for datagram in after { plain.send(datagram, to: server.localAddress) }
            try await scene.until("refusal") { server.counters.tokensInvalid > 0 }
            #expect(server.handshakeCount == 0)
            for datagram in after { back.send(datagram, to: server.localAddress) }
            try await scene.until("handshake") { server.counters.earlyDataReplayed == 1 }
            try await scene.pause(.milliseconds(50))
            #expect(server.counters.earlyDataAccepted == 1)
            #expect(scene.accepted.filter { $0.recorder.text(0) == "once" }.count == 1)
            for socket in [front, back, plain] { try await socket.close() }
        }
    }
}
