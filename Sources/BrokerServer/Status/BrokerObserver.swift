package import BrokerCluster
import MQTTBroker
import NIOConcurrencyHelpers
import NIOCore
import QUICTransport

/// Says how a broker is, from its start on, also while it does not serve yet.
package final class BrokerObserver: Sendable {
    let name: String
    private let version: String
    private let start = NIODeadline.now()
    let parts = NIOLockedValueBox(Parts())

    /// What there is of the broker so far.
    struct Parts {
        /// `nil` without a cluster.
        var cluster: NIOLoopBound<NodeCluster>?
        var shards: ShardGroup?
        /// `nil` without a relay.
        var relay: NodeRelay?
        /// True once all listeners are open.
        var isServing = false
    }

    /// How long other nodes and JetStream are waited for.
    private static let patience = TimeAmount.milliseconds(1_500)

    init(name: String, version: String) {
        self.name = name
        self.version = version
    }

    func note(_ change: (inout Parts) -> Void) { parts.withLockedValue(change) }

    // MARK: This node

    /// What this node says of itself.
    package func nodeStatus() async -> NodeStatus {
        let parts = parts.withLockedValue { $0 }
        let view = await Self.view(parts)
        return await nodeStatus(parts, view)
    }

    private func nodeStatus(_ parts: Parts, _ view: NodeCluster.View?) async -> NodeStatus {
        var status = NodeStatus(name: name, version: version, state: .alone)
        status.uptimeSeconds = Int((NIODeadline.now() - start).nanoseconds / 1_000_000_000)
        if let view {
            status.node = view.number
            status.run = view.own?.run
            status.holdsLease = view.holdsLease
            status.nats = view.nats
            status.state = view.isIsolated ? .isolated : view.own == nil || !parts.isServing ? .starting : .member
        } else if !parts.isServing {
            status.state = .starting
        }
        for future in parts.shards?.onEach({ $0.status }) ?? [] {
            if let shard = try? await future.get() { status.add(shard) }
        }
        if let report = try? await parts.relay?.report().get() { status.relay = RelayStatus(report) }
        return status
    }

    static func view(_ parts: Parts) async -> NodeCluster.View? {
        guard let cluster = parts.cluster else { return nil }
        return try? await cluster.eventLoop.submit { cluster.value.view }.get()
    }

    // MARK: The cluster

    /// What this node knows of its cluster. It asks the other nodes and JetStream, and ends within two seconds also if nobody answers.
    package func clusterStatus() async -> ClusterStatus {
        let parts = parts.withLockedValue { $0 }
        let view = await Self.view(parts)
        let own = await nodeStatus(parts, view)
        var status = ClusterStatus()
        guard let view, let cluster = parts.cluster else {
            var node = ClusterStatus.Node(node: nil, run: nil, name: name, state: own.state.asSeen)
            node.status = own
            status.nodes = [node]
            return status
        }
        async let asked = try? cluster.eventLoop.flatSubmit { cluster.value.ask(within: Self.patience) }.get()
        status.cluster = view.name
        status.node = view.number
        status.lanes = await Self.lanes(parts)
        var node = ClusterStatus.Node(node: own.node, run: own.run, name: name, state: own.state.asSeen)
        node.status = own
        node.address = view.own?.relayAddress
        status.nodes = [node] + view.others
        status.add(await asked ?? NodeCluster.Asked(), to: view)
        status.nodes.sort { ($0.node ?? -1) < ($1.node ?? -1) }
        if own.state == .starting {
            status.missing.insert("this node does not serve clients yet, since it waits for its cluster", at: 0)
        }
        if own.state == .isolated {
            status.missing.insert(
                "the others count this node's run as over, and it knows nothing of them until it has a new one",
                at: 0
            )
        }
        return status
    }

    private static func lanes(_ parts: Parts) async -> [ClusterStatus.Lane] {
        guard let first = parts.shards?.onEach({ $0.shard.leads }).first, let leads = try? await first.get() else {
            return []
        }
        return leads.enumerated().map { ClusterStatus.Lane(lane: $0, node: $1.node, term: $1.term) }
    }
}

extension ClusterStatus {
    /// Adds what the others have answered.
    fileprivate mutating func add(_ asked: NodeCluster.Asked, to view: NodeCluster.View) {
        for index in nodes.indices {
            guard let number = nodes[index].node, number != node else { continue }
            nodes[index].silence = asked.nodes.silences[number]?.description
            guard let answer = asked.nodes.answers[number] else { continue }
            if answer.run == nodes[index].run {
                nodes[index].status = answer
            } else {
                nodes[index].silence = "another run of it answers, which this node has not heard of yet"
            }
        }
        streams = asked.streams.streams
        guard view.isConnected else {
            missing.append(
                "this node has no connection to NATS, so that neither the other nodes nor JetStream can be asked"
            )
            return
        }
        missing += asked.streams.complaints
    }
}

extension NodeStatus.State {
    /// The state of a node as it sees itself.
    fileprivate var asSeen: ClusterStatus.Node.State {
        switch self {
        case .alone, .member, .unknown: .alive
        case .starting: .starting
        case .isolated: .isolated
        }
    }
}
