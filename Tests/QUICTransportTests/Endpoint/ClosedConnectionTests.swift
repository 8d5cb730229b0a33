import Testing

@testable import QUICTransport

/// What is kept of a connection after its end.
@Suite struct ClosedConnectionTests {
    /// Late packets are answered by the same CONNECTION_CLOSE, ever less often, and the memory of it ends (RFC 9000 §10.2.1).
    @Test func closedConnectionsAreRememberedForAWhile() async throws {
        try await Scene.run { scene in
            scene.echoes = false
            let server = try await scene.listen(configure: { $0.maximumClosedConnections = 4 })
            let client = try await scene.client()
            for _ in 0..<6 {
                let (_, recorder) = try await scene.connect(client, to: server.localAddress)
                scene.accepted.last?.connection.close(applicationError: 5, reason: "")
                try await scene.until("closed") { recorder.reason != nil }
            }
            #expect(server.closedConnections.count <= 4)
            try await scene.until("forgotten") {
                server.closedConnections.count == 0 && server.table.identifierCount == 0
            }
        }
    }

    @Test func answersToLatePacketsBecomeRare() {
        let closed = ClosedConnection(
            identifiers: [],
            expiry: 0,
            packet: [1],
            local: nil,
            remote: DatagramAddress()
        )
        let answered = (1...100).filter { _ in closed.answersNext() }
        #expect(answered == [1, 2, 4, 8, 16, 32, 64])
        let draining = ClosedConnection(identifiers: [], expiry: 0, packet: [], local: nil, remote: DatagramAddress())
        #expect(!(1...10).contains { _ in draining.answersNext() })
    }
}
