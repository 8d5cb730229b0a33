import NIOCore
import Testing

@testable import BrokerStorage

struct WriterStateTests {
    private var state: WriterState
    private let now = ContinuousClock.now

    init() {
        var limits = StoreLimits()
        limits.maximumOctets = 100_000
        limits.reserve = 40_000
        limits.maximumQueuedOctets = 10_000
        limits.maximumCommitOctets = 5_000
        state = WriterState(limits: limits)
    }

    private func batch(_ octets: Int, _ kind: Batch.Kind = .ordinary) -> Batch {
        Batch(ByteBuffer(repeating: 1, count: octets), kind)
    }

    // MARK: Memory

    @Test mutating func refusesOrdinaryBatchesAtTheBoundOfTheQueue() {
        for _ in 0..<2 { #expect(state.submit(batch(5_000), from: 0).isTaken) }
        let refused = state.submit(batch(1), from: 0)
        #expect(refused == Submission(isTaken: false, admission: .drainingOnly(.memory)))
        #expect(state.waitingOctets == 10_000)
        #expect(state.counters.batchesRefusedForMemory == 1)
    }

    @Test mutating func refusesDrainingBatchesAtTwiceTheBound() {
        for _ in 0..<4 { #expect(state.submit(batch(5_000, .draining), from: 0).isTaken) }
        #expect(!state.submit(batch(1, .draining), from: 0).isTaken)
    }

    @Test mutating func takesOrdinaryBatchesAgainWhenHalfOfTheQueueIsWritten() {
        for _ in 0..<2 { _ = state.submit(batch(5_000), from: 0) }
        _ = state.submit(batch(1), from: 0)
        #expect(state.take().count == 1)
        state.reviewSpace()
        #expect(state.admission == .drainingOnly(.memory))  // what is being written counts
        state.committed(batches: 1, in: .milliseconds(1))
        state.reviewSpace()
        #expect(state.admission == .all)
    }

    // MARK: Space

    @Test mutating func refusesOrdinaryBatchesWhereOnlyTheReserveIsLeft() {
        state.usedOctets = 59_000
        #expect(state.submit(batch(1_000), from: 0).isTaken)
        #expect(state.submit(batch(1), from: 0).admission == .drainingOnly(.space))
        #expect(state.health(at: now).name == "full")
        #expect(state.submit(batch(5_000, .draining), from: 0).isTaken)
    }

    @Test mutating func refusesDrainingBatchesThatDoNotFitTheReserve() {
        state.usedOctets = 98_000
        #expect(state.submit(batch(2_000, .draining), from: 0).isTaken)
        #expect(!state.submit(batch(1, .draining), from: 0).isTaken)
        #expect(state.counters.batchesRefusedForSpace == 1)
    }

    @Test mutating func takesOrdinaryBatchesAgainWhenAQuarterOfTheReserveIsFree() {
        state.usedOctets = 61_000
        state.reviewSpace()
        #expect(state.admission == .drainingOnly(.space))
        state.usedOctets = 51_000
        state.reviewSpace()
        #expect(state.admission == .drainingOnly(.space))
        state.usedOctets = 50_000
        state.reviewSpace()
        #expect(state.admission == .all)
    }

    // MARK: Faults

    @Test mutating func takesNothingAfterTheEnd() {
        state.fault = .ended("")
        #expect(!state.submit(batch(1, .draining), from: 0).isTaken)
        #expect(state.admission == .none)
    }

    @Test(arguments: [StoreHealth.readOnly(""), .failing("")])
    mutating func takesDrainingBatchesWhileWritingFails(fault: StoreHealth) {
        state.fault = fault
        #expect(!state.submit(batch(1), from: 0).isTaken)
        #expect(state.submit(batch(1, .draining), from: 0).isTaken)
        #expect(state.counters.batchesRefusedForDisk == 1)
    }

    // MARK: Time

    @Test mutating func isSlowWhileCommitsAreSlowOnAverage() {
        for _ in 0..<3 { state.committed(batches: 1, in: .milliseconds(200)) }
        #expect(state.health(at: now) == .well)
        for _ in 0..<6 { state.committed(batches: 1, in: .milliseconds(200)) }
        #expect(state.health(at: now).name == "slow")
        #expect(state.admission == .all)
        for _ in 0..<12 { state.committed(batches: 1, in: .milliseconds(1)) }
        #expect(state.health(at: now) == .well)
        #expect(state.counters.slowCommits == 9)
    }

    @Test mutating func isSlowWhileACommitDoesNotComeBack() {
        state.commitBegan = now
        #expect(state.health(at: now + .seconds(1)) == .well)
        #expect(state.health(at: now + .seconds(2)) == .slow(.seconds(2)))
    }
}
