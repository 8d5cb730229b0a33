import Glibc
import NIOCore
import Testing

@testable import QUICTransport

/// The user of a listening endpoint decides about new clients before anything is spent on them.
@Suite struct QUICAdmissionTests {
    @Test func refusedClientsAreTold() async throws {
        try await Scene.run { scene in
            let server = try await scene.listen(admit: { .refuse })
            let client = try await scene.client()
            let (_, recorder) = try scene.start(client, to: server.localAddress)
            try await scene.until("refused") { recorder.reason != nil }
            #expect(recorder.reason == .transport(by: .peer, code: TransportError.connectionRefused, reason: ""))
            #expect(server.counters.dropped.tooManyConnections >= 1)
            #expect(server.counters.handshakesStarted == 0)
        }
    }

    /// A first packet that was not answered is sent again: the client has waited, and knows nothing of it.
    @Test func droppedClientsComeAgain() async throws {
        try await Scene.run { scene in
            var asked = 0
            let server = try await scene.listen(admit: {
                asked += 1
                return asked <= 2 ? .drop : .accept
            })
            let client = try await scene.client()
            _ = try await scene.connect(client, to: server.localAddress) {
                $0.common.initialRoundTripTime = .milliseconds(10)
            }
            #expect(server.counters.dropped.tooManyConnects == 2)
            #expect(server.counters.handshakesStarted == 1)
        }
    }
}
