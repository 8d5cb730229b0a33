import Glibc
import NIOCore
import Testing

@testable import QUICTransport

/// The user of a listening endpoint decides about new clients before anything is spent on them.
@Suite struct AdmissionTests {
    @Test func refusedClientsAreTold() async throws {
        try await Scene.run { scene in
            let server = try await scene.listen(admit: { .refuse })
            let client = try await scene.client()
            let (_, recorder) = try scene.start(client, to: server.localAddress)
            try await scene.until("refused") { recorder.reason != nil }
            #expect(recorder.reason == .transport(by: .peer, code: TransportError.connectionRefused, reason: ""))
            #expect(server.counters.dropped.tooManyConnections == 1)
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

    @Test func bucketThatMustBeOverdrawnIsPaidFor() {
        var bucket = TokenBucket(burst: 2, interval: 100, now: 1_000)
        func wait(_ now: UInt64) -> UInt64 { bucket.wait(now: now) }
        func take(_ now: UInt64) -> Bool { bucket.take(now: now) }
        #expect(wait(1_000) == 0)
        for _ in 0..<4 { bucket.spend(now: 1_000) }
        #expect(wait(1_000) == 300)
        #expect(wait(1_250) == 50)
        #expect(!take(1_299))
        #expect(take(1_300))
        #expect(wait(1_300) == 100)
        #expect(wait(9_000) == 0)
    }
}
