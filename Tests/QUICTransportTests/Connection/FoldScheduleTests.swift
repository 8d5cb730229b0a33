import NIOCore
import Testing

@testable import QUICTransport

/// Connections that are folded while they are idle.
@Suite struct FoldScheduleTests {
    /// However many connections are due at once, each has one turn, and no turn has too many.
    @Test func turnsAreBounded() {
        var schedule = FoldSchedule()
        let interval = FoldSchedule.interval
        let now = 1_000 * interval + 5
        var turns: [UInt64: Int] = [:]
        for _ in 0..<1_000 { turns[schedule.reserve(now: now), default: 0] += 1 }
        #expect(turns.values.reduce(0, +) == 1_000)
        #expect(turns.values.allSatisfy { $0 <= FoldSchedule.maximumCount })
        #expect(turns.keys.sorted() == (0..<8).map { (1_000 + $0) * interval })
        // Those that become due while others wait come behind them.
        #expect(schedule.reserve(now: now + 2 * interval) == 1_007 * interval)
        #expect(schedule.reserve(now: now + 100 * interval) == 1_100 * interval)
        #expect(FoldSchedule.instant(from: 3 * interval) == 3 * interval)
        #expect(FoldSchedule.instant(from: 3 * interval + 1) == 4 * interval)
        #expect(FoldSchedule.instant(from: .max) == .max)
    }

    /// More connections than one turn takes are all folded, and those that speak meanwhile are not.
    @Test func manyAreFoldedInTurn() async throws {
        try await Scene.run { scene in
            let server = try await scene.listen(configure: { $0.common.foldDelay = .milliseconds(300) })
            let client = try await scene.client()
            let count = 2 * FoldSchedule.maximumCount + 10
            for _ in 0..<count { _ = try await scene.connect(client, to: server.localAddress) }
            let engines = scene.accepted.compactMap { $0.connection.engine }
            try await scene.until("all folded") { engines.allSatisfy { $0.isFolded } }
            #expect(server.context.regions.usedCount == count)
            // All are spoken to at once, and so are due at once.
            let before = server.counters
            for accepted in scene.accepted { accepted.connection.markDirty() }
            try await scene.until("all unfolded, and folded again") {
                server.counters.connectionsUnfolded >= before.connectionsUnfolded + count
                    && engines.allSatisfy { $0.isFolded }
            }
            #expect(server.counters.connectionsFolded >= before.connectionsFolded + count)
            #expect(server.counters.connectionsFolded - server.counters.connectionsUnfolded == count)
        }
    }

    /// An idle connection is folded once, to a sixth, and goes on as if nothing had been.
    @Test func idleConnectionsAreFolded() async throws {
        try await Scene.run { scene in
            let pair = try await scene.pair(configureServer: { $0.common.foldDelay = .milliseconds(50) })
            let stream = try pair.connection.openBidirectionalStream()
            for round in 1...3 {
                stream.write(ByteBuffer(string: "word \(round) "))
                try await scene.until("echo") { pair.recorder.text(0).hasSuffix("word \(round) ") }
                let engine = try #require(pair.peer.engine)
                try await scene.until("folded") { engine.isFolded }
                // An acknowledgement that comes late, on a busy machine, unfolds it once more.
                #expect(pair.server.counters.connectionsFolded >= round)
                #expect(pair.server.counters.connectionsUnfolded == pair.server.counters.connectionsFolded - 1)
                // Of some 33 KiB.
                #expect((1_000...6_000).contains(engine.foldedSize))
            }
            #expect(pair.recorder.text(0) == "word 1 word 2 word 3 ")
            pair.peerRecorder.opened[0].write(ByteBuffer(string: "from the server"))
            try await scene.until("its word") { pair.recorder.text(0).hasSuffix("from the server") }
        }
    }

    /// While something is to be sent again, its timer would unfold the connection soon.
    @Test func whatIsUnderWayIsNotFolded() async throws {
        try await Scene.run { scene in
            scene.echoes = false
            let server = try await scene.listen(configure: { $0.common.foldDelay = .milliseconds(100) })
            let relay = try await Relay(to: server.localAddress, on: scene.loop)
            let client = try await scene.client()
            let (connection, recorder) = try await scene.connect(client, to: try relay.inner.address) {
                $0.common.keepAliveInterval = nil
            }
            let stream = try connection.openBidirectionalStream()
            stream.write(ByteBuffer(string: "hello"))
            let peer = scene.accepted[0]
            try await scene.until("folded") { peer.connection.engine?.isFolded == true }
            try await relay.changeAddress(on: scene.loop, forgets: true)
            peer.recorder.opened[0].write(ByteBuffer(string: "lost"))
            let folded = server.counters.connectionsFolded
            // The first packets that are sent again leave within so long. Later ones are so far apart that the connection is
            // folded between them, which a busy machine may come to see.
            let begun = NIODeadline.now()
            try await scene.pause(.milliseconds(150))
            if NIODeadline.now() - begun < .milliseconds(200) {
                #expect(peer.connection.engine?.isFolded == false)
                #expect(server.counters.connectionsFolded == folded)
            }
            stream.write(ByteBuffer(string: "found"))
            try await scene.until("again") { recorder.text(0) == "lost" }
            try await scene.until("folded again") { peer.connection.engine?.isFolded == true }
            try await relay.close()
        }
    }

    /// Timers that are due while a connection is folded are minded: it ends when it has been idle for long enough.
    @Test func foldedConnectionsTimeOut() async throws {
        try await Scene.run { scene in
            let pair = try await scene.pair(
                configureServer: { $0.common.idleTimeout = .seconds(200) },
                configureClient: { $0.common.keepAliveInterval = nil }
            )
            try await scene.until("folded") { pair.peer.engine?.isFolded == true }
            pair.server.skew += 201_000_000_000
            pair.server.timerFired()
            try await scene.until("timed out") { pair.peerRecorder.reason != nil }
            #expect(pair.peerRecorder.reason == .idleTimeout)
        }
    }

    /// Without a delay, memory is the system's, and nothing is folded.
    @Test func foldingIsOptional() async throws {
        try await Scene.run { scene in
            let pair = try await scene.pair(
                configureServer: { $0.common.foldDelay = nil },
                configureClient: { $0.common.foldDelay = nil }
            )
            let stream = try pair.connection.openBidirectionalStream()
            stream.write(ByteBuffer(string: "hello"))
            try await scene.until("echo") { pair.recorder.text(0) == "hello" }
            try await scene.pause(.milliseconds(100))
            #expect(pair.server.counters.connectionsFolded == 0)
            #expect(pair.server.context.regions.usedCount == 0)
        }
    }
}
