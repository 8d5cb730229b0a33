import Testing

/// Several brokers as one, of which any may be killed at any moment, be believed dead, or lose its lanes to another: whatever the seed, nothing
/// that was acknowledged is lost, nothing comes twice at QoS 2, the order holds, each client has one session, and nothing waits in the end.
@Suite struct RandomClustersTests {
    @Test("Nothing acknowledged is lost whatever node dies", arguments: SimulatedSeeds.seeds(50))
    func survives(seed: UInt64) throws { try ClusterRun(seed: seed).perform() }
}
