import NIOCore
import Testing

@testable import MQTTBroker

@Suite struct LeaseTests {
    private var lease = Lease()

    private static func time(_ milliseconds: Int64) -> NIODeadline {
        .uptimeNanoseconds(1_000_000_000) + .milliseconds(milliseconds)
    }

    /// What mutates is called here, since `#expect` does not call that.
    private mutating func isOver(at milliseconds: Int64) -> Bool { lease.isOver(Self.time(milliseconds)) }

    private mutating func regains(at milliseconds: Int64) -> Bool { lease.regain(Self.time(milliseconds)) }

    private mutating func mustAsk(until end: Int64, at milliseconds: Int64) -> Bool {
        lease.renew(until: Self.time(end), Self.time(milliseconds))
    }

    @Test("Without a cluster nothing ends") mutating func alone() {
        let isOver = isOver(at: 1_000_000_000)
        #expect(!isOver && !lease.isLost)
    }

    @Test("It lasts as long as it is renewed in time") mutating func lasts() {
        let asks = [mustAsk(until: 600, at: 0), mustAsk(until: 900, at: 500)]
        let isOver = [isOver(at: 899), isOver(at: 900)]
        #expect(asks == [false, false] && isOver == [false, true] && lease.isLost)
    }

    @Test("Once it was over, all have to answer, and nobody else") mutating func regained() {
        _ = mustAsk(until: 600, at: 0)
        // Nobody has looked meanwhile.
        let asks = mustAsk(until: 1_300, at: 700)
        #expect(asks && lease.isLost)
        let question = lease.ask([1: 2, 3: 1])
        lease.answered(question, by: 1)
        lease.answered(question, by: 3)
        lease.answered(question, by: 3)
        lease.answered(question - 1, by: 1)
        lease.answered(question, by: 2)
        let early = regains(at: 720)
        #expect(!early, "the other shard of node 1 has not told everything")
        lease.answered(question, by: 1)
        let late = regains(at: 730)
        #expect(late && !lease.isLost)
    }

    @Test("Answers to what was asked before it was over again are worth nothing") mutating func again() {
        _ = mustAsk(until: 600, at: 0)
        _ = mustAsk(until: 1_300, at: 700)
        let first = lease.ask([1: 1])
        let isOver = isOver(at: 1_300)
        lease.answered(first, by: 1)
        var regained = [regains(at: 1_301)]
        let asks = mustAsk(until: 2_000, at: 1_400)
        let second = lease.ask([1: 1])
        lease.answered(first, by: 1)
        regained.append(regains(at: 1_410))
        #expect(isOver && asks && regained == [false, false])
        lease.forget(node: 1)
        let last = regains(at: 1_420)
        #expect(second == first + 1 && last, "nothing is to be expected of a node that is dead")
    }

    @Test("A hand-over that waits for the lease is not made up for after its lane has begun anew")
    func heldOutboxOfLostLane() throws {
        let (lost, kept) = (try #require(Lane(number: 4)), try #require(Lane(number: 5)))
        var lanes = LaneTable(isLogging: true, leaders: nil)
        for lane in [lost, kept] { lanes.holdOutbox(of: lane) }
        _ = lanes.reset(lost)
        let held = lanes.takeHeldOutboxes()
        #expect(held == [kept])
    }
}
