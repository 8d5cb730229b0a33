import NIOCore
import Testing

@testable import QUICTransport

/// Fragments that do not join (RFC 9000 §21.7).
@Suite struct EngineMemoryGapsTests {
    private static let port: UInt16 = 4_000

    /// A STREAM frame with offset and length (RFC 9000 §19.8).
    private static func frame(_ stream: Int, at offset: Int, count: Int) -> [UInt8] {
        let place = [
            0x80 | UInt8(offset >> 24), UInt8(offset >> 16 & 0xff), UInt8(offset >> 8 & 0xff), UInt8(offset & 0xff),
        ]
        let length = [0x40 | UInt8(count >> 8), UInt8(count & 0xff)]
        return [0x0e, UInt8(4 * stream)] + place + length + [UInt8](repeating: 0x78, count: count)
    }

    /// Sends single octets with a gap before each, a hundred in a packet.
    private static func send(
        _ gaps: Range<Int>,
        on stream: Int,
        of connection: QUICConnection,
        to null: NullProtectedEndpoint
    ) {
        for first in stride(from: gaps.lowerBound, to: gaps.upperBound, by: 100) {
            let octets = (first..<min(first + 100, gaps.upperBound)).flatMap { frame(stream, at: 1 + 2 * $0, count: 1) }
            null.receive(null.shortPacket(to: connection, frames: octets), fromPort: port)
        }
    }

    /// The bound is the connection's, however many streams there are and wherever its memory is.
    @Test(arguments: [1, 2, 9], [nil, Duration.milliseconds(1)])
    func tooManyGapsEndTheConnection(streams: Int, foldDelay: Duration?) async throws {
        try await Scene.run { scene in
            let recorder = Recorder()
            let null = try NullProtectedEndpoint(loop: scene.loop, foldDelay: foldDelay) { _ in recorder }
            let connection = try #require(null.connect(fromPort: Self.port))
            let (some, more) = (4_900 / streams, 5_100 / streams)
            for stream in 0..<streams { Self.send(0..<some, on: stream, of: connection, to: null) }
            #expect(connection.isOpen)
            for stream in 0..<streams { Self.send(some..<more, on: stream, of: connection, to: null) }
            // One stream alone reaches its own bound, which is ngtcp2's, and is as long.
            #expect(null.endpoint.counters.connectionsFragmented == (streams > 1 ? 1 : 0))
            guard case .transport(by: .local, 0x1, _)? = recorder.reason else {
                Issue.record("\(String(describing: recorder.reason))")
                return
            }
            #expect(null.endAll() == nil)
        }
    }

    /// What was missing arrives: the gaps are gone, and as many may follow. In memory that can be folded they lie in blocks
    /// of other lengths.
    @Test(arguments: [nil, Duration.milliseconds(1)]) func gapsThatAreClosedCountNoMore(foldDelay: Duration?)
        async throws
    {
        try await Scene.run { scene in
            let recorder = Recorder()
            recorder.discards = true
            let null = try NullProtectedEndpoint(loop: scene.loop, foldDelay: foldDelay) { _ in recorder }
            let connection = try #require(null.connect(fromPort: Self.port))
            for round in 0..<5 {
                for stream in 0..<2 {
                    Self.send(2_000 * round..<2_000 * (round + 1), on: stream, of: connection, to: null)
                }
                for stream in 0..<2 {
                    for part in 0..<4 {
                        let frame = Self.frame(stream, at: 4_000 * round + 1_000 * part, count: 1_000)
                        null.receive(null.shortPacket(to: connection, frames: frame), fromPort: Self.port)
                    }
                }
            }
            #expect(connection.isOpen)
            #expect(connection.engine?.memory.shortBlocks ?? .max < 100)
            #expect(null.endpoint.context.regions.usedCount == (foldDelay == nil ? 0 : 1))
            #expect(recorder.receivedCount == 2 * 5 * 4_000)
            #expect(null.endpoint.counters.connectionsFragmented == 0)
        }
    }

    /// Every second of 2,000 packets in flight is lost, each with data of four streams, and what is left comes in reverse: an
    /// honest client does not reach the bound.
    @Test func lossOfALargeWindowIsNoOffence() async throws {
        try await Scene.run { scene in
            let recorder = Recorder()
            recorder.discards = true
            let null = try NullProtectedEndpoint(loop: scene.loop) { _ in recorder }
            let connection = try #require(null.connect(fromPort: Self.port))
            func send(_ numbers: some Sequence<Int>) {
                for number in numbers {
                    let frames = (0..<4).flatMap { Self.frame($0, at: 25 * number, count: 25) }
                    null.receive(null.shortPacket(to: connection, frames: frames), fromPort: Self.port)
                }
            }
            send(stride(from: 1, to: 2_000, by: 2).reversed())
            #expect(connection.isOpen)
            send(stride(from: 0, to: 2_000, by: 2))
            #expect(connection.isOpen)
            #expect(recorder.receivedCount == 4 * 50_000)
        }
    }
}
