import BrokerCluster
import Testing

/// Random operations of several writers of a lane, and random faults, each replayed by its seed.
@Suite struct RandomLanesTests {
    @Test(
        "What is acknowledged is in the lane once and in order, and a fenced writer stores nothing",
        arguments: 0..<10
    )
    func holds(_ decade: UInt64) {
        var batches = 0
        var fenced = 0
        for seed in (decade * 30)..<(decade * 30 + 30) {
            var simulation = LaneSimulation(seed: seed)
            simulation.run()
            let findings = simulation.findings()
            #expect(findings.isEmpty, "seed \(seed)")
            batches += simulation.writers.reduce(0) { $0 + $1.acknowledged.count }
            fenced += simulation.writers.reduce(0) {
                $0 + $1.failures.count { if case .fenced = $0 { true } else { false } }
            }
        }
        #expect(batches > 500 && fenced > 20, "the simulation does something")
    }

    @Test("What JetStream does wrong on purpose is found", arguments: SimulatedLane.Fault.allCases)
    func finds(_ fault: SimulatedLane.Fault) {
        let found = (0..<30).contains { seed in
            var simulation = LaneSimulation(seed: UInt64(seed), fault: fault)
            simulation.run()
            return !simulation.findings().isEmpty
        }
        #expect(found)
    }
}
