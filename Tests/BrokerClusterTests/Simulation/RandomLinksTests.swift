import Testing

/// Random messages both ways over random networks, each replayed by its seed.
@Suite struct RandomLinksTests {
    @Test("Every message comes once and in order, and memory is bounded", arguments: UInt64(0)..<4)
    func holds(_ decade: UInt64) {
        var came = 0
        for seed in (decade * 5)..<(decade * 5 + 5) {
            var simulation = LinkSimulation(seed: seed, mayRestart: false)
            simulation.run()
            let findings = simulation.findings()
            #expect(findings.isEmpty, "seed \(seed)")
            came += simulation.messagesThatCame
        }
        #expect(came > 500)
    }

    @Test("An end that begins anew loses nothing that is sent later, and nothing comes twice", arguments: UInt64(0)..<4)
    func restarts(_ decade: UInt64) {
        var resets = 0
        for seed in (decade * 5)..<(decade * 5 + 5) {
            var simulation = LinkSimulation(seed: seed, mayRestart: true)
            simulation.run()
            let findings = simulation.findings()
            #expect(findings.isEmpty, "seed \(seed)")
            resets += simulation.resets
        }
        #expect(resets > 3)
    }

    @Test("What goes wrong on purpose is found", arguments: LinkSimulation.Fault.allCases)
    func finds(_ fault: LinkSimulation.Fault) {
        let found = (0..<10).contains { seed in
            var simulation = LinkSimulation(seed: UInt64(seed), mayRestart: false, fault: fault)
            simulation.run()
            return !simulation.findings().isEmpty
        }
        #expect(found)
    }
}
