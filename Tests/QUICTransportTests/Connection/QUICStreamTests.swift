import NIOCore
import Testing

@testable import QUICTransport

/// Flow control, resets and stops of single streams (RFC 9000 §2 … §4).
@Suite struct QUICStreamTests {
    @Test func pausedReaderHoldsTheSender() async throws {
        try await Scene.run { scene in
            scene.echoes = false
            scene.prepare = { recorder in recorder.onOpened = { $0.isReadingPaused = true } }
            let pair = try await scene.pair(configureServer: {
                $0.common.streamReceiveWindow = 32 * 1024
                $0.common.maximumStreamReceiveWindow = 32 * 1024
            })
            let stream = try pair.connection.openBidirectionalStream()
            let payload = ByteBuffer.pattern(1024 * 1024)
            stream.write(payload)
            stream.finish()
            try await scene.until("window") { pair.peerRecorder.receivedCount == 32 * 1024 }
            try await scene.pause(.milliseconds(100))
            #expect(pair.peerRecorder.receivedCount == 32 * 1024)
            #expect(stream.pendingBytes == 1024 * 1024 - 32 * 1024)
            // Other streams are not held.
            let other = try pair.connection.openBidirectionalStream()
            other.write(ByteBuffer(string: "x"))
            try await scene.until("other") { pair.peerRecorder.text(other.id) == "x" }
            pair.peerRecorder.opened.first?.isReadingPaused = false
            try await scene.until("rest") { pair.peerRecorder.finished.contains(stream.id) }
            #expect(pair.peerRecorder.received[stream.id] == payload)
        }
    }

    @Test func windowMayBeginAboveWhereItWouldGrowTo() async throws {
        try await Scene.run { scene in
            scene.echoes = false
            scene.prepare = { recorder in recorder.onOpened = { $0.isReadingPaused = true } }
            let pair = try await scene.pair(configureServer: {
                $0.common.streamReceiveWindow = 96 * 1024
                $0.common.maximumStreamReceiveWindow = 32 * 1024
            })
            let stream = try pair.connection.openBidirectionalStream()
            stream.write(ByteBuffer.pattern(128 * 1024))
            try await scene.until("window") { pair.peerRecorder.receivedCount == 96 * 1024 }
            pair.peerRecorder.opened.first?.isReadingPaused = false
            try await scene.until("rest") { pair.peerRecorder.receivedCount == 128 * 1024 }
        }
    }

    /// Bytes that were held back when a stream ended are given back to the connection, or it would run dry.
    @Test func connectionWindowSurvivesStreamsThatEndPaused() async throws {
        try await Scene.run { scene in
            scene.echoes = false
            scene.prepare = { recorder in recorder.onOpened = { $0.isReadingPaused = true } }
            let pair = try await scene.pair(configureServer: {
                $0.common.streamReceiveWindow = 16 * 1024
                $0.common.maximumStreamReceiveWindow = 16 * 1024
                $0.common.connectionReceiveWindow = 32 * 1024
            })
            for round in 0..<8 {
                let stream = try pair.connection.openBidirectionalStream()
                stream.write(ByteBuffer(repeating: 1, count: 16 * 1024))
                stream.finish()
                try await scene.until("window \(round)") { pair.peerRecorder.finished.contains(stream.id) }
                pair.peerRecorder.opened.last?.finish()
                try await scene.until("closed \(round)") { pair.recorder.closedStreams.contains(stream.id) }
            }
            #expect(pair.peerRecorder.receivedCount == 8 * 16 * 1024)
        }
    }

    @Test func connectionWindowHoldsAllStreams() async throws {
        try await Scene.run { scene in
            scene.echoes = false
            let pair = try await scene.pair(configureServer: { $0.common.connectionReceiveWindow = 20_000 })
            let streams = try (0..<4).map { _ in try pair.connection.openBidirectionalStream() }
            for stream in streams {
                stream.write(ByteBuffer.pattern(100_000, seed: Int(stream.id)))
                stream.finish()
            }
            try await scene.until("all") { pair.peerRecorder.finished.count == 4 }
            for stream in streams {
                #expect(pair.peerRecorder.received[stream.id] == ByteBuffer.pattern(100_000, seed: Int(stream.id)))
            }
        }
    }

    @Test func writableIsToldWhenAQuarterIsAcknowledged() async throws {
        try await Scene.run { scene in
            scene.echoes = false
            let pair = try await scene.pair(configureClient: {
                $0.common.sendHighWaterMark = 64 * 1024
                $0.common.maximumSendHighWaterMark = 64 * 1024
            })
            let stream = try pair.connection.openBidirectionalStream()
            var pendingWhenTold: [Int] = []
            pair.recorder.onWritable = { pendingWhenTold.append($0.pendingBytes) }
            stream.write(ByteBuffer(repeating: 1, count: 1_000))
            try await scene.until("acknowledged") { stream.pendingBytes == 0 }
            #expect(pendingWhenTold == [] && !stream.isCongested)
            for _ in 0..<100 { stream.write(ByteBuffer(repeating: 1, count: 1_000)) }
            #expect(stream.pendingBytes == 100_000 && stream.isCongested)
            try await scene.until("acknowledged") { stream.pendingBytes == 0 }
            #expect(pendingWhenTold.count == 1 && !stream.isCongested)
            #expect(pendingWhenTold.allSatisfy { $0 <= 48 * 1024 })
        }
    }

    /// A path that takes much is given much, or it would wait for the user; how much is bounded.
    @Test func markFollowsTheCongestionWindow() async throws {
        try await Scene.run { scene in
            scene.echoes = false
            let pair = try await scene.pair(configureClient: {
                $0.common.sendHighWaterMark = 32 * 1024
                $0.common.maximumSendHighWaterMark = 128 * 1024
            })
            #expect(pair.connection.sendHighWaterMark == 32 * 1024)
            let stream = try pair.connection.openBidirectionalStream()
            for _ in 0..<20 {
                stream.write(ByteBuffer(repeating: 1, count: 200_000))
                try await scene.until("acknowledged") { stream.pendingBytes == 0 }
            }
            #expect(pair.connection.sendHighWaterMark == 128 * 1024)
        }
    }

    /// However many streams there are, all together hold no more than four full ones.
    @Test func streamsShareTheMark() async throws {
        try await Scene.run { scene in
            scene.echoes = false
            scene.prepare = { recorder in recorder.onOpened = { $0.isReadingPaused = true } }
            let pair = try await scene.pair(
                configureServer: {
                    $0.common.streamReceiveWindow = 1_024
                    $0.common.maximumStreamReceiveWindow = 1_024
                },
                configureClient: {
                    $0.common.sendHighWaterMark = 64 * 1024
                    $0.common.maximumSendHighWaterMark = 64 * 1024
                }
            )
            let streams = try (0..<8).map { _ in try pair.connection.openBidirectionalStream() }
            for stream in streams {
                while !stream.isCongested { stream.write(ByteBuffer(repeating: 1, count: 1_024)) }
                #expect(stream.pendingBytes == 32 * 1024)
            }
        }
    }

    /// What is written on a stream of a higher priority goes first, however much waits on the others.
    @Test func streamsOfAHigherPriorityGoFirst() async throws {
        try await Scene.run { scene in
            scene.echoes = false
            let pair = try await scene.pair()
            var order: [Int64] = []
            let low = try pair.connection.openBidirectionalStream()
            let equal = try pair.connection.openBidirectionalStream()
            let high = try pair.connection.openBidirectionalStream()
            low.priority = 8
            equal.priority = 8
            high.priority = 200
            pair.peerRecorder.onReceived = { _, _ in
                for id in pair.peerRecorder.finished where !order.contains(id) { order.append(id) }
            }
            for stream in [low, equal, high] {
                stream.write(ByteBuffer.pattern(2_000_000, seed: Int(stream.id)))
                stream.finish()
            }
            try await scene.until("all") { pair.peerRecorder.finished.count == 3 }
            #expect(order.first == high.id)
            for stream in [low, equal, high] {
                #expect(
                    pair.peerRecorder.received[stream.id] == ByteBuffer.pattern(2_000_000, seed: Int(stream.id))
                )
            }
        }
    }

    @Test func resetReachesThePeerAndKeepsTheConnection() async throws {
        try await Scene.run { scene in
            scene.echoes = false
            let pair = try await scene.pair()
            let stream = try pair.connection.openBidirectionalStream()
            stream.write(ByteBuffer(string: "first"))
            try await scene.until("opened") { pair.peerRecorder.text(0) == "first" }
            stream.reset(code: 0x8E)
            stream.write(ByteBuffer(string: "ignored"))
            try await scene.until("reset") { pair.peerRecorder.resets == [0: 0x8E] }
            // The other direction lives on.
            pair.peerRecorder.opened[0].write(ByteBuffer(string: "still"))
            pair.peerRecorder.opened[0].finish()
            try await scene.until("answer") { pair.recorder.text(0) == "still" && pair.recorder.closedStreams == [0] }
            #expect(pair.peerRecorder.text(0) == "first")
            #expect(pair.recorder.reason == nil)
        }
    }

    /// Nothing is being written when the peer stops the stream.
    @Test func stopSendingIsToldOnAnIdleStream() async throws {
        try await Scene.run { scene in
            scene.echoes = false
            let pair = try await scene.pair()
            let stream = try pair.connection.openBidirectionalStream()
            stream.write(ByteBuffer(string: "x"))
            try await scene.until("opened") { pair.peerRecorder.text(0) == "x" }
            pair.peerRecorder.opened[0].stopSending(code: 0x98)
            try await scene.until("stopped") { pair.recorder.stops[0] != nil }
            stream.write(ByteBuffer(string: "ignored"))
            #expect(stream.pendingBytes == 0)
            pair.peerRecorder.opened[0].finish()
            try await scene.until("closed") { pair.recorder.closedStreams == [0] }
        }
    }

    /// The end of the stream is still to be sent when the peer stops it.
    @Test func stopSendingBehindFinish() async throws {
        try await Scene.run { scene in
            scene.echoes = false
            let pair = try await scene.pair(configureServer: {
                $0.common.streamReceiveWindow = 16 * 1024
                $0.common.maximumStreamReceiveWindow = 16 * 1024
            })
            scene.accepted[0].recorder.onOpened = { $0.isReadingPaused = true }
            let stream = try pair.connection.openBidirectionalStream()
            stream.write(ByteBuffer(repeating: 1, count: 100_000))
            stream.finish()
            try await scene.until("held") { pair.peerRecorder.receivedCount == 16 * 1024 }
            pair.peerRecorder.opened[0].stopSending(code: 3)
            try await scene.until("stopped") { pair.recorder.stops[0] != nil }
            pair.peerRecorder.opened[0].finish()
            try await scene.until("closed") { pair.recorder.closedStreams == [0] }
        }
    }

    @Test func stopSendingDuringALargeWrite() async throws {
        try await Scene.run { scene in
            scene.echoes = false
            let pair = try await scene.pair()
            let stream = try pair.connection.openBidirectionalStream()
            pair.peerRecorder.onReceived = { _, stream in stream.stopSending(code: 3) }
            stream.write(ByteBuffer(repeating: 1, count: 4 * 1024 * 1024))
            try await scene.until("stopped") { pair.recorder.stops[0] != nil }
            let count = pair.peerRecorder.receivedCount
            try await scene.pause(.milliseconds(50))
            #expect(pair.peerRecorder.receivedCount == count)
            pair.peerRecorder.opened[0].finish()
            try await scene.until("closed") { pair.recorder.closedStreams == [0] }
            #expect(stream.pendingBytes == 0)
        }
    }

    @Test func unidirectionalStreamOfThePeerCannotBeWritten() async throws {
        // Our client opens none, so that the rule is checked alone (RFC 9000 §2.1).
        try await Scene.run { scene in
            let pair = try await scene.pair()
            let stream = QUICStream(id: 2, connection: pair.peer)
            #expect(!stream.isBidirectional)
            #expect(!stream.isWritable)
        }
    }
}
