import NIOCore
import Testing

@testable import QUICTransport

/// The turns of connections that have something to send.
@Suite struct EgressTests {
    @Test func turnsGoRound() async throws {
        try await Scene.run { scene in
            let client = try await scene.client()
            let silent = try await PlainSocket.bind(on: scene.loop)
            let connections = try (0..<4).map { _ in try scene.start(client, to: try silent.address).0 }
            client.flush()
            var egress = Egress(QUICSocketConfiguration())
            for connection in connections[..<3] { egress.append(connection) }
            egress.beginRound()
            #expect(egress.current === connections[0])
            egress.advance()
            // Whoever has something to say meanwhile has the turn after those that had none.
            egress.append(connections[3])
            #expect(egress.current === connections[1])
            egress.endRound()
            #expect(egress.dirty.map(ObjectIdentifier.init) == connections[1...].map(ObjectIdentifier.init))
            egress.beginRound()
            var turns = 0
            while egress.current != nil {
                egress.advance()
                turns += 1
            }
            egress.endRound()
            #expect(turns == 3)
            #expect(egress.isEmpty)
            // They are their endpoint's again.
            for connection in connections { connection.isDirty = false }
            try await silent.close()
        }
    }
}
