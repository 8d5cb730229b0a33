import BrokerCluster
import Testing

@testable import BrokerServer

@Suite("One cleaning of the logs of lanes")
struct CleaningRoundTests {
    private func position(_ sequence: UInt64) -> LanePosition { LanePosition(sequence: sequence) }

    @Test("A lane is cut before its first append since the begin, and not without one")
    func cuts() {
        var round = CleaningRound(led: 0b111)
        round.appended(0, at: position(5))
        round.appended(0, at: position(9))
        round.appended(2, at: position(7))
        #expect(round.needless(led: 0b111) == [0: position(5), 2: position(7)])
        #expect(round.needless(led: 0b011) == [0: position(5)])
    }

    @Test("A lane that was taken or lost meanwhile keeps its log: not all that is alive in it was written again")
    func keeps() {
        var round = CleaningRound(led: 0b011)
        round.appended(1, at: position(3))
        round.left(1)
        round.appended(1, at: position(8))
        round.appended(2, at: position(9))
        #expect(round.needless(led: .max).isEmpty)
    }
}
