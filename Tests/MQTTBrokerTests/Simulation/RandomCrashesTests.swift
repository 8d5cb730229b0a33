import Testing

@testable import MQTTBroker

/// A broker with a store that is killed at any moment and started again with another number of shards, while clients with durable
/// sessions publish and receive: whatever the seed, nothing that was acknowledged is lost, nothing comes twice at QoS 2, the order holds,
/// nothing that has expired is delivered, wills come once, and the log says what is alive. With odd seeds the store is full now and then:
/// nothing that was refused is received.
@Suite struct RandomCrashesTests {
    private static var faults: [SimulatedFault] { SimulatedSeeds.faults() }

    @Test("Nothing acknowledged is lost in a crash", arguments: SimulatedSeeds.seeds(2000))
    func crashes(seed: UInt64) throws { try CrashRun(seed: seed).perform() }

    /// What would go unnoticed if the simulation did not look.
    @Test("A fault put in on purpose is found", arguments: faults)
    func findsFault(_ fault: SimulatedFault) throws {
        try SimulatedSeeds.find(fault.rawValue) { try CrashRun(seed: $0, fault: fault).perform() }
    }
}
