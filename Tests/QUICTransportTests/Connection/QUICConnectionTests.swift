import NIOCore
import Testing

@testable import QUICTransport

@Suite struct QUICConnectionTests {
    @Test func smallMessageComesBack() async throws {
        try await Scene.run { scene in
            let pair = try await scene.pair()
            let stream = try pair.connection.openBidirectionalStream()
            #expect(stream.id == 0)
            stream.write(ByteBuffer(string: "hello"))
            try await scene.until("echo") { pair.recorder.text(0) == "hello" }
            stream.finish()
            try await scene.until("close") {
                pair.recorder.closedStreams == [0] && pair.peerRecorder.closedStreams == [0]
            }
            #expect(pair.recorder.finished == [0])
            #expect(stream.isClosed)
            #expect(stream.pendingBytes == 0)
        }
    }

    @Test func tenMegabytesEachWayAtOnce() async throws {
        try await Scene.run { scene in
            let pair = try await scene.pair()
            let stream = try pair.connection.openBidirectionalStream()
            let payload = ByteBuffer.pattern(10 * 1024 * 1024)
            stream.write(payload)
            stream.finish()
            try await scene.until("echo", seconds: 60) { pair.recorder.finished == [0] }
            #expect(pair.recorder.received[0] == payload)
            #expect(pair.peerRecorder.received[0] == payload)
            #expect(pair.client.counters.sendFailures == 0)
        }
    }

    /// Writes of all sizes around the bounds of blocks and of what is kept by reference.
    @Test func mixedWritesKeepTheirOrder() async throws {
        try await Scene.run { scene in
            let pair = try await scene.pair()
            let stream = try pair.connection.openBidirectionalStream()
            var expected = ByteBuffer()
            for round in 0..<6 {
                for size in [1, 100, 511, 513, 4_095, 16_383, 16_384, 40_000, 2] {
                    var piece = ByteBuffer.pattern(size, seed: size + round)
                    expected.writeImmutableBuffer(piece)
                    stream.write(piece)
                    // What was written must not change with the user's buffer.
                    piece.setInteger(UInt64.max, at: 0)
                }
                try await scene.pause(.milliseconds(Int64(round)))
            }
            stream.finish()
            try await scene.until("echo") { pair.recorder.finished == [0] }
            #expect(pair.recorder.received[0] == expected)
        }
    }

    @Test func manyStreamsAtOnce() async throws {
        try await Scene.run { scene in
            let pair = try await scene.pair(configureServer: { $0.common.bidirectionalStreams = 100 })
            var streams: [QUICStream] = []
            for index in 0..<100 {
                let stream = try pair.connection.openBidirectionalStream()
                stream.write(ByteBuffer.pattern(3_000, seed: index))
                stream.finish()
                streams.append(stream)
            }
            try await scene.until("echo") { pair.recorder.finished.count == 100 }
            for (index, stream) in streams.enumerated() {
                #expect(pair.recorder.received[stream.id] == ByteBuffer.pattern(3_000, seed: index))
            }
        }
    }

    /// The peer's limit is on streams that are open at once, not on all (RFC 9000 §4.6).
    @Test func streamLimitIsRenewed() async throws {
        try await Scene.run { scene in
            let pair = try await scene.pair(configureServer: { $0.common.bidirectionalStreams = 3 })
            for _ in 0..<3 { try pair.connection.openBidirectionalStream().write(ByteBuffer(string: "x")) }
            #expect(throws: QUICError.streamLimitReached) { try pair.connection.openBidirectionalStream() }
            try await scene.until("opened") { pair.peerRecorder.opened.count == 3 }
            for round in 0..<10 {
                for stream in pair.peerRecorder.opened.suffix(3) { stream.reset(code: 1) }
                for stream in pair.peerRecorder.opened.suffix(3) { stream.stopSending(code: 1) }
                try await scene.until("closed \(round)") { pair.recorder.closedStreams.count == 3 * (round + 1) }
                var made = 0
                try await scene.until("limit") {
                    while made < 3, let stream = try? pair.connection.openBidirectionalStream() {
                        stream.write(ByteBuffer(string: "x"))
                        made += 1
                    }
                    return made == 3
                }
                try await scene.until("opened") { pair.peerRecorder.opened.count == 3 * (round + 2) }
            }
        }
    }

    /// Many small writes of one tick become few datagrams.
    @Test func smallWritesAreGathered() async throws {
        try await Scene.run { scene in
            let pair = try await scene.pair()
            let stream = try pair.connection.openBidirectionalStream()
            stream.write(ByteBuffer(string: "warm"))
            try await scene.until("warm") { pair.recorder.text(0) == "warm" }
            try await scene.pause(.milliseconds(50))
            let before = pair.client.counters.datagramsOut
            for _ in 0..<100 { stream.write(ByteBuffer(repeating: 1, count: 20)) }
            try await scene.until("echo") { pair.recorder.receivedCount == 2_004 }
            #expect(pair.client.counters.datagramsOut - before < 20)
        }
    }

    /// Acknowledgements of datagrams that come one by one, with nothing else to send, are not one for each two.
    @Test func acknowledgementsWaitForCompany() async throws {
        try await Scene.run { scene in
            scene.echoes = false
            let pair = try await scene.pair()
            let stream = try pair.connection.openBidirectionalStream()
            stream.write(ByteBuffer(string: "warm"))
            try await scene.until("warm") { stream.pendingBytes == 0 }
            try await scene.pause(.milliseconds(50))
            let (received, sent) = (pair.server.counters.datagramsIn, pair.server.counters.datagramsOut)
            let begun = NIODeadline.now()
            for _ in 0..<200 {
                stream.write(ByteBuffer(repeating: 1, count: 20))
                pair.client.flush()
                await Task.yield()
            }
            try await scene.until("acknowledged") { stream.pendingBytes == 0 }
            #expect(pair.server.counters.datagramsIn - received >= 200)
            // One for eight, and one for each millisecond.
            let milliseconds = Int((NIODeadline.now() - begun).nanoseconds / 1_000_000)
            #expect(pair.server.counters.datagramsOut - sent <= 200 / 8 + milliseconds + 10)
        }
    }

    @Test func serverOpensStreamsToo() async throws {
        try await Scene.run { scene in
            let pair = try await scene.pair(configureClient: { $0.common.bidirectionalStreams = 1 })
            let stream = try pair.peer.openBidirectionalStream()
            stream.write(ByteBuffer(string: "from the server"))
            try await scene.until("message") { pair.recorder.text(stream.id) == "from the server" }
            #expect(stream.id == 1)
        }
    }

    /// 64 clients on one socket, each with its own messages.
    @Test func manyConnectionsShareASocket() async throws {
        try await Scene.run { scene in
            let server = try await scene.listen()
            let client = try await scene.client()
            var made: [(QUICConnection, Recorder)] = []
            for _ in 0..<64 { made.append(try scene.start(client, to: server.localAddress)) }
            try await scene.until("established") { made.allSatisfy { $0.1.isEstablished } }
            for (index, entry) in made.enumerated() {
                try entry.0.openBidirectionalStream().write(ByteBuffer(string: "client \(index)"))
            }
            try await scene.until("echoes") {
                made.enumerated().allSatisfy { $1.1.text(0) == "client \($0)" }
            }
            #expect(server.connectionCount == 64)
            #expect(server.handshakeCount == 0)
        }
    }
}

extension ByteBuffer {
    /// Bytes that differ from place to place.
    static func pattern(_ count: Int, seed: Int = 0) -> ByteBuffer {
        var state = UInt64(truncatingIfNeeded: seed) &* 0x9e37_79b9_7f4a_7c15 | 1
        var buffer = ByteBuffer()
        buffer.reserveCapacity(count + 8)
        while buffer.readableBytes < count {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            buffer.writeInteger(state)
        }
        buffer.moveWriterIndex(to: count)
        return buffer
    }
}
