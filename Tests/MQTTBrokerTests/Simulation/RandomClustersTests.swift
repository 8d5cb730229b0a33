import NIOConcurrencyHelpers
import Testing

@testable import MQTTBroker

/// Several brokers as one, of which any may be killed at any moment, stand still, be believed dead, or lose its lanes to another and take them
/// back, over links that are slow, cut, or begin anew: whatever the seed, nothing that was acknowledged is lost, nothing comes twice at QoS 2, the
/// order holds, and in the end each client has one session and one connection, each lane one leader, and nothing waits.
@Suite struct RandomClustersTests {
    /// `make faults` plays all. Of two that few seeds find, one takes some hundred of them, the other some hundreds.
    private static var faults: [ClusterFault] {
        let rare: [ClusterFault] = [.subscribedTooEarly, .refusalsForgotten]
        return SimulatedSeeds.faults().filter { SimulatedSeeds.isChosen || !rare.contains($0) }
    }

    @Test("Nothing acknowledged is lost whatever node dies", arguments: SimulatedSeeds.seeds(100))
    func survives(seed: UInt64) throws { try ClusterRun(seed: seed).perform() }

    /// What would go unnoticed if the simulation did not look.
    @Test("A fault of nodes put in on purpose is found", arguments: faults)
    func findsFault(_ fault: ClusterFault) throws {
        try SimulatedSeeds.find(fault.rawValue) { try ClusterRun(seed: $0, fault: fault).perform() }
    }
}
