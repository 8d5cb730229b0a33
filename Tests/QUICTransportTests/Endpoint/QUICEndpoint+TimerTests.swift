import NIOCore
import Testing

@testable import QUICTransport

@Suite struct EndpointTimerTests {
    /// The loop has its turn, and so the socket is read, between timers, however many are due.
    @Test func timersOfManyConnectionsAreHandledInTurns() async throws {
        try await Scene.run { scene in
            var recorders: [Recorder] = []
            let null = try NullProtectedEndpoint(loop: scene.loop) { _ in
                recorders.append(Recorder())
                return recorders.last
            }
            let count = 2 * QUICEndpoint.maximumTimers + 1
            for number in 0..<count { try #require(null.connect(fromPort: UInt16(4_000 + number)) != nil) }
            null.endpoint.skew += 40_000_000_000
            var ended = 0
            for turn in 1...3 {
                let (before, begun) = (ended, null.endpoint.now)
                null.endpoint.timerFired()
                ended = recorders.count { $0.reason == .idleTimeout }
                #expect((1...QUICEndpoint.maximumTimers).contains(ended - before))
                #expect(null.endpoint.hasTimersLeft == (turn < 3))
                if turn < 3 {
                    #expect(try #require(null.endpoint.scheduled).at >= begun + QUICEndpoint.timerPause)
                }
            }
            #expect(ended == count)
            #expect(null.endAll() == nil)
        }
    }
}
