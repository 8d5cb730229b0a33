import NIOCore
import Testing

@testable import QUICTransport

/// The turns in which an endpoint lets connections send that have something to send.
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
            // A connection that gets something to send during a round has its turn after those that had none in it.
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
            // Their endpoint, which this `Egress` is not part of, may put them in its own line again.
            for connection in connections { connection.isDirty = false }
            try await silent.close()
        }
    }
}
