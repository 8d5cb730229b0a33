import BrokerCluster
import Logging
import MQTTBroker
import NIOCore

extension ShardGroup {
    /// Makes the shards part of the cluster, and waits until they know all that they have to know before clients are served: the interest of
    /// all nodes, and who leads each lane.
    ///
    /// - Throws: `ClusterFailure`, or for authorities that are no PEM certificates.
    func begin(
        _ cluster: NIOLoopBound<NodeCluster>,
        _ settings: ClusterConfiguration,
        _ member: Member,
        _ loops: [any EventLoop],
        logger: Logger
    ) async throws {
        var parts: [NIOLoopBound<ShardCluster>] = []
        for (shard, loop) in loops.enumerated() {
            let part = try await loop.submit {
                let part = try ShardCluster(settings, shard: shard, on: loop)
                let main = cluster.eventLoop
                part.onFree = { lane, failure in main.execute { cluster.value.freed(lane, failure) } }
                part.onLead = { main.execute { cluster.value.takeLanes() } }
                part.onHealth = { lane, health in main.execute { cluster.value.heard(of: lane, health) } }
                part.onReset = { node in main.execute { cluster.value.linkReset(node) } }
                part.start(as: member)
                return NIOLoopBound(part, eventLoop: loop)
            }.get()
            parts.append(part)
        }
        try await prepareLanes(parts[0], logger)
        for (shard, part) in parts.enumerated() { with(shard) { $0.join(part.value) } }
        let all = parts
        try await cluster.eventLoop.submit { cluster.value.begin(self, all) }.get()
        try await waitUntilIntroduced(logger)
    }

    /// How long one attempt to make the streams may take.
    private static let preparationTimeout = TimeAmount.seconds(5)

    /// Makes the streams of the lanes, or checks those that are there.
    private func prepareLanes(_ part: NIOLoopBound<ShardCluster>, _ logger: Logger) async throws {
        while true {
            try Task.checkCancellation()
            let result = try await part.eventLoop.flatSubmit {
                part.value.lanes.prepare(until: .now() + Self.preparationTimeout)
            }.get()
            switch result {
            case .success: return
            case .failure(.unfit(let detail)): throw ClusterFailure(description: "cluster: \(detail)")
            case .failure(.unavailable(let detail)):
                logger.warning("the streams of the lanes are waited for", metadata: ["reason": "\(detail)"])
            }
        }
    }

    private func waitUntilIntroduced(_ logger: Logger) async throws {
        var rounds = 0
        while true {
            var isIntroduced = true
            for future in onEach({ $0.shard.isIntroduced }) where try await !future.get() { isIntroduced = false }
            if isIntroduced { return }
            rounds += 1
            if rounds % 250 == 0 {
                let open = try await onEach { $0.shard.lanesWithoutLeader }[0].get()
                logger.notice("waits for the cluster", metadata: ["lanes without a leader": "\(open.nonzeroBitCount)"])
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }
}
