import BrokerCluster
import Testing

@testable import BrokerServer

@Suite("One cleaning of the logs of lanes")
struct CleaningRoundTests {
    private func position(_ sequence: UInt64) -> LanePosition { LanePosition(sequence: sequence) }

    @Test("A lane is cut before its first append since the begin, and not without one")
    func cuts() {
        var round = CleaningRound(led: 0b111, underWay: 0)
        round.stored(0, at: position(5))
        round.stored(0, at: position(9))
        round.stored(2, at: position(7))
        #expect(round.needless(led: 0b111) == [0: position(5), 2: position(7)])
        #expect(round.needless(led: 0b011) == [0: position(5)])
    }

    @Test("An append that was under way at the begin is older than the cleaning: a lane is cut before the next one")
    func passesOver() {
        var round = CleaningRound(led: 0b11, underWay: 0b01)
        round.stored(0, at: position(4))
        #expect(round.needless(led: .max).isEmpty)
        round.stored(0, at: position(6))
        #expect(round.needless(led: .max) == [0: position(6)])
    }

    @Test("What a step has written is stored by the next append of each lane, not by the one under way")
    func stores() {
        var round = CleaningRound(led: 0b111, underWay: 0b001)
        #expect(round.isStored)
        round.wrote(to: 0b011, isDone: true)
        #expect(round.isWritten && !round.isStored)
        round.took(0b110, appending: 0b010)
        round.stored(0, at: position(4))
        round.stored(1, at: position(5))
        #expect(!round.isStored)
        round.took(0b001, appending: 0b001)
        #expect(!round.isStored)
        round.stored(0, at: position(6))
        #expect(round.isStored)
    }

    @Test("Records that nobody needs any more when they are taken are not waited for")
    func dropsNeedless() {
        var round = CleaningRound(led: 0b1, underWay: 0)
        round.wrote(to: 0b1, isDone: false)
        round.took(0b1, appending: 0)
        #expect(round.isStored && !round.isWritten)
    }

    @Test("A lane that was taken or lost meanwhile keeps its log: not all that is alive in it was written again")
    func keeps() {
        var round = CleaningRound(led: 0b011, underWay: 0)
        round.stored(1, at: position(3))
        round.wrote(to: 0b010, isDone: true)
        round.left(1)
        #expect(round.isStored)
        round.stored(1, at: position(8))
        round.stored(2, at: position(9))
        #expect(round.needless(led: .max).isEmpty)
    }
}
