import BrokerCluster
import MQTTBroker
import NIOCore

/// What an event loop has of the cluster: its links to the loops of other nodes, and the logs of the lanes that it leads.
///
/// Confined to its event loop.
final class ShardCluster {
    let links: ShardLinks
    let lanes: LaneStreams
    let appends: LaneAppends
    /// Lanes whose logs are replayed, to be led from the end of the tick on.
    var replayed: [(lane: Int, term: UInt64)] = []
    /// The lanes that the shard has led at the end of the last tick, a bit for each.
    var led: UInt64 = 0
    /// Told of lanes that could not be taken, or are not led any more; on the loop.
    var onFree: (_ lane: Int, _ failure: LaneFailure) -> Void = { _, _ in }
    /// Told when lanes are led; on the loop.
    var onLead: () -> Void = {}
    /// Told of lanes that JetStream has no space for, and of those that it takes again.
    var onHealth: (_ lane: Int, _ health: LaneHealth) -> Void = { _, _ in }
    /// Told of a link that has lost messages.
    var onReset: (_ node: Int) -> Void = { _ in }

    init(_ configuration: ClusterConfiguration, shard: Int, on loop: any EventLoop) throws {
        var limits = LinkLimits()
        limits.maximumMessage = configuration.maximumMessage
        links = try ShardLinks(
            configuration.name,
            shard: shard,
            limits: limits,
            nats: configuration.nats(for: "links \(shard)"),
            on: loop
        )
        let replicas = configuration.replicas
        lanes = try LaneStreams(
            LaneConfiguration(cluster: configuration.name, replicas: replicas),
            nats: configuration.nats(for: "lanes \(shard)"),
            on: loop
        )
        appends = LaneAppends(lanes)
    }

    func start(as member: Member) {
        lanes.onHealth = { [weak self] in self?.onHealth($0, $1) }
        links.begin(as: member)
        lanes.begin(as: member)
        links.start()
        lanes.start()
    }

    /// Ends the connections to NATS.
    func stop() -> EventLoopFuture<Void> { links.stop().and(lanes.stop()).map { _ in } }
}
