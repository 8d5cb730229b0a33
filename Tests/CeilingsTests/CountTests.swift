import AllocationCounter
import ShardLoads
import Testing

/// What a shard allocates and hands over, for 1,000 of each load, in a debug build.
@Suite struct CountTests {
    @Test("Allocations are counted") func counter() {
        let before = allocation_count()
        let blocks = (0..<100).map { _ in Block() }
        #expect(allocation_count() - before >= 100)
        withExtendedLifetime(blocks) {}
    }

    private final class Block {}

    @Test("Allocations and hand-overs of the shard's loads") func counts() throws {
        var measured: Ceilings.Section = [:]
        for (name, make) in ShardLoad.all {
            // A rehearsal, for what a process sets up once.
            var rehearsal = make()
            _ = rehearsal.costs()
            var load = make()
            load.warmUp()
            let costs = load.costs()
            #expect(costs.isComplete, "\(name)")
            measured["\(name): allocations"] = costs.allocations
            measured["\(name): hand-overs"] = costs.handOvers
        }
        try Ceilings.hold(measured, to: "debug")
    }
}
