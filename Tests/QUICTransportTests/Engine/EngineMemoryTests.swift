import Glibc
import NIOCore
import Testing

@testable import QUICTransport

/// The memory of connections, and what becomes of it while they are idle.
@Suite struct EngineMemoryTests {
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

    // MARK: Connections

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
}
