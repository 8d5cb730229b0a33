import Glibc
import NIOCore
import Testing

@testable import QUICTransport

/// The memory of connections, and what becomes of it while they are idle.
@Suite struct MemoryTests {
    // MARK: FoldedMemory

    /// Whatever the words are and wherever they stand, they come back to their places.
    @Test func foldedMemoryComesBack() {
        var random = SystemRandomNumberGenerator()
        let capacity = 8 * 1024
        let scratch = FoldingScratch(size: capacity)
        for density in [0, 1, 10, 50, 100] {
            for wordCount in [1, 2, 63, 64, 65, 127, 128, 1_000, 1_024] {
                let words = (0..<wordCount).map { _ in
                    Int.random(in: 0..<100, using: &random) < density
                        ? UInt64.random(in: 0 ... .max, using: &random) >> UInt64.random(in: 0..<64, using: &random) : 0
                }
                let folded = unsafe words.withUnsafeBytes { unsafe scratch.fold($0) }
                var back = [UInt64](repeating: 0, count: wordCount)
                unsafe back.withUnsafeMutableBytes { bytes in
                    if let base = bytes.baseAddress { unsafe folded.unfold(into: base) }
                }
                #expect(back == words)
                if density == 0 { #expect(folded.size == 24) }
                folded.free()
            }
        }
    }

    // MARK: EngineMemory

    /// A block that a test holds, and the octet that it is filled with.
    private struct Held {
        let block: UnsafeMutableRawPointer
        let count: Int
        let octet: UInt8

        var isWhole: Bool {
            unsafe UnsafeRawBufferPointer(start: self.block, count: self.count).allSatisfy { $0 == self.octet }
        }
    }

    /// Blocks are aligned, do not overlap, survive folding and leave nothing behind, in whatever order they come and go.
    @Test func blocksKeepWhatIsWritten() throws {
        var random = SystemRandomNumberGenerator()
        let regions = EngineRegions()
        for _ in 0..<30 {
            let memory = try #require(regions.take())
            let emptyExtent = memory.extent
            var held: [Held] = []
            for step in 0..<400 {
                switch Int.random(in: 0..<10, using: &random) {
                case 0..<5:
                    let count =
                        [1, 8, 24, 32, 100, 544, 1_616, 3_344, 9_316, 20_000].randomElement(using: &random) ?? 1
                    let block = try #require(unsafe EngineMemory.allocate(count, in: memory.base))
                    #expect(UInt(bitPattern: block) % 16 == 0)
                    held.append(unsafe fill(block, count, UInt8(truncatingIfNeeded: step | 1)))
                case 5..<8:
                    guard let index = held.indices.randomElement(using: &random) else { continue }
                    let gone = held.remove(at: index)
                    #expect(gone.isWhole)
                    unsafe EngineMemory.free(gone.block, in: memory.base)
                case 8:
                    guard let index = held.indices.randomElement(using: &random) else { continue }
                    let old = held.remove(at: index)
                    let count = Int.random(in: 1...6_000, using: &random)
                    let block = try #require(unsafe EngineMemory.reallocate(old.block, count, in: memory.base))
                    let kept = unsafe UnsafeRawBufferPointer(start: block, count: min(count, old.count))
                    #expect(unsafe kept.allSatisfy { $0 == old.octet })
                    held.append(unsafe fill(block, count, old.octet))
                default:
                    let folded = try #require(memory.fold(with: regions.scratch))
                    #expect(residentPages(of: memory) == 0)
                    memory.unfold(folded)
                }
            }
            #expect(held.allSatisfy { $0.isWhole })
            for block in held.shuffled(using: &random) { unsafe EngineMemory.free(block.block, in: memory.base) }
            #expect(memory.extent == emptyExtent)
            #expect(memory.shortBlocks == 0)
            regions.giveBack(memory)
            #expect(unsafe UnsafeRawBufferPointer(start: memory.base, count: EngineRegions.size).allSatisfy { $0 == 0 })
        }
    }

    private func fill(_ block: UnsafeMutableRawPointer, _ count: Int, _ octet: UInt8) -> Held {
        unsafe memset(block, CInt(octet), count)
        return unsafe Held(block: block, count: count, octet: octet)
    }

    private func residentPages(of memory: EngineMemory) -> Int {
        var pages = [UInt8](repeating: 0, count: EngineRegions.size / Int(getpagesize()))
        guard unsafe mincore(memory.base, EngineRegions.size, &pages) == 0 else { return -1 }
        return pages.count { $0 & 1 != 0 }
    }

    /// What finds no room in the region is the system's, and goes back there.
    @Test func whatHasNoRoomIsTheSystems() throws {
        let regions = EngineRegions()
        let memory = try #require(regions.take())
        let region = unsafe memory.base
        let end = unsafe region.advanced(by: EngineRegions.size)
        var blocks: [UnsafeMutableRawPointer] = []
        var outside = 0
        for count in [EngineMemory.largestBlock + 1] + Array(repeating: EngineMemory.largestBlock, count: 8) {
            let block = try #require(unsafe EngineMemory.allocate(count, in: region))
            unsafe memset(block, 0xaa, count)
            if unsafe block < region || block >= end { outside += 1 }
            unsafe blocks.append(block)
        }
        #expect(outside == 4)
        while let block = unsafe blocks.popLast() { unsafe EngineMemory.free(block, in: region) }
        regions.giveBack(memory)
    }

    // MARK: Short blocks

    /// A vacant block that is a little longer than what is asked for is given whole, and counts by what was asked for.
    @Test func shortBlocksInLongerOnesCount() throws {
        let regions = EngineRegions()
        let memory = try #require(regions.take())
        let region = unsafe memory.base
        let longer = try #require(unsafe EngineMemory.allocate(32, in: region))
        let behind = try #require(unsafe EngineMemory.allocate(100, in: region))
        #expect(memory.shortBlocks == 0)
        unsafe EngineMemory.free(longer, in: region)
        for _ in 0..<5_001 {
            let short = try #require(unsafe EngineMemory.allocate(16, in: region))
            guard unsafe short == longer, memory.shortBlocks == 1 else {
                Issue.record("\(memory.shortBlocks) short blocks")
                break
            }
            unsafe EngineMemory.free(short, in: region)
        }
        #expect(memory.shortBlocks == 0)

        let short = try #require(unsafe EngineMemory.allocate(16, in: region))
        let folded = try #require(memory.fold(with: regions.scratch))
        memory.unfold(folded)
        #expect(memory.shortBlocks == 1)
        unsafe EngineMemory.free(short, in: region)
        unsafe EngineMemory.free(behind, in: region)
        #expect(memory.shortBlocks == 0)
        regions.giveBack(memory)
    }

    /// What a block counts as is what it was asked for last, where it stays and where it moves.
    @Test func reallocationCountsAnew() throws {
        let regions = EngineRegions()
        let memory = try #require(regions.take())
        let region = unsafe memory.base
        let longer = try #require(unsafe EngineMemory.allocate(40, in: region))
        let behind = try #require(unsafe EngineMemory.allocate(100, in: region))
        unsafe EngineMemory.free(longer, in: region)
        var block = try #require(unsafe EngineMemory.allocate(24, in: region))
        #expect(unsafe block == longer)
        for (count, shortBlocks) in [(40, 0), (24, 1), (24, 1), (25, 0), (1, 1), (200, 0), (8, 1), (40, 0)] {
            block = unsafe try #require(unsafe EngineMemory.reallocate(block, count, in: region))
            #expect(memory.shortBlocks == shortBlocks, "\(count)")
        }
        unsafe EngineMemory.free(block, in: region)
        unsafe EngineMemory.free(behind, in: region)
        #expect(memory.shortBlocks == 0)
        regions.giveBack(memory)
    }

    /// Those that find no room in the region count, too.
    @Test func shortBlocksOfTheSystemCount() throws {
        let regions = EngineRegions()
        let memory = try #require(regions.take())
        let region = unsafe memory.base
        var blocks: [UnsafeMutableRawPointer] = []
        for size in [EngineMemory.largestBlock, 1_000, 40, 24, 8] {
            repeat {
                unsafe blocks.append(try #require(unsafe EngineMemory.allocate(size, in: region)))
            } while unsafe blocks.last.map { unsafe EngineMemory.holds($0, in: region) } ?? false
        }
        let before = memory.shortBlocks
        #expect(before >= 2, "the last two at least")
        for round in 1...100 {
            var block = try #require(unsafe EngineMemory.allocate(1 + round % 24, in: region))
            #expect(unsafe !EngineMemory.holds(block, in: region))
            #expect(memory.shortBlocks <= before + round)
            if round % 3 == 0 {
                block = unsafe try #require(unsafe EngineMemory.reallocate(block, 20_000, in: region))
            }
            if round % 6 == 0 { block = unsafe try #require(unsafe EngineMemory.reallocate(block, 16, in: region)) }
            unsafe blocks.append(block)
        }
        #expect(memory.shortBlocks > before)
        for block in unsafe blocks.shuffled() { unsafe EngineMemory.free(block, in: region) }
        #expect(memory.shortBlocks == 0)
        regions.giveBack(memory)
    }

    // MARK: FoldSchedule

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
            let before = server.counters.connectionsFolded
            for accepted in scene.accepted { accepted.connection.markDirty() }
            try await scene.until("unfolded") { engines.allSatisfy { !$0.isFolded } }
            try await scene.until("all folded again") { engines.allSatisfy { $0.isFolded } }
            #expect(server.counters.connectionsFolded == before + count)
        }
    }

    // MARK: Connections

    /// An idle connection is folded once, to a sixth, and goes on as if nothing had been.
    @Test func idleConnectionsAreFolded() async throws {
        try await Scene.run { scene in
            let pair = try await scene.pair(configureServer: { $0.common.foldDelay = .milliseconds(50) })
            let stream = try pair.connection.openBidirectionalStream()
            for round in 1...3 {
                stream.write(ByteBuffer(string: "word \(round) "))
                try await scene.until("echo") { pair.recorder.text(0).hasSuffix("word \(round) ") }
                let engine = try #require(pair.peer.engine)
                #expect(!engine.isFolded)
                try await scene.until("folded") { engine.isFolded }
                #expect(pair.server.counters.connectionsFolded == round)
                #expect(pair.server.counters.connectionsUnfolded == round - 1)
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
            // The first packets that are sent again leave within so long.
            try await scene.pause(.milliseconds(150))
            #expect(peer.connection.engine?.isFolded == false)
            #expect(server.counters.connectionsFolded == folded)
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
                configureServer: { $0.common.idleTimeout = .milliseconds(400) },
                configureClient: { $0.common.keepAliveInterval = nil }
            )
            try await scene.until("folded") { pair.peer.engine?.isFolded == true }
            try await scene.until("timed out") { pair.peerRecorder.reason != nil }
            #expect(pair.peerRecorder.reason == .idleTimeout)
        }
    }

    /// A region goes to the next connection when one ends, folded or not, and all are free at the end.
    @Test func regionsAreUsedAgain() async throws {
        try await Scene.run { scene in
            let server = try await scene.listen()
            let client = try await scene.client()
            for round in 0..<6 {
                let (connection, recorder) = try await scene.connect(client, to: server.localAddress)
                if round % 2 == 0 {
                    try await scene.until("folded") { connection.engine?.isFolded == true }
                }
                connection.close(applicationError: 0, reason: "")
                try await scene.until("closed") { recorder.reason != nil }
                let peer = scene.accepted[round].recorder
                try await scene.until("closed there") { peer.reason != nil }
            }
            #expect(server.context.regions.usedCount == 0)
            #expect(client.context.regions.usedCount == 0)
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
