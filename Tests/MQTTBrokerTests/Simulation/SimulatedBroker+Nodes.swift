import MQTTCodec
import NIOCore
import Testing

@testable import MQTTBroker

// Several nodes: how they come, go, stand still, and hear of each other.
extension SimulatedBroker {
    /// Nodes that know each other, with all lanes led.
    static func cluster(
        nodes: Int = 3,
        shards: Int = 2,
        limits: Limits = Limits(),
        seed: UInt64 = 1,
        hasLongTicks: Bool = false,
        fault: ClusterFault? = nil
    ) -> SimulatedBroker {
        let broker = SimulatedBroker(shards: 1, limits: limits, seed: seed, hasLongTicks: hasLongTicks)
        broker.clusterFault = fault
        broker.cluster = SimulatedCluster(nodes: nodes, shards: shards)
        broker.shards = (0..<nodes).flatMap { node in broker.seats(of: node, shards) }
        broker.mailboxes = Array(repeating: [], count: nodes * shards)
        for node in 0..<nodes {
            for other in 0..<nodes where other != node { broker.tell(node, .joined(other)) }
        }
        broker.takeLanes()
        broker.settle()
        return broker
    }

    private func seats(of node: Int, _ count: Int) -> [Seat] {
        runs += 1
        return (0..<count).map { index in
            Seat(
                Shard(
                    index: index,
                    count: count,
                    node: node,
                    limits: SharedLimits(limits),
                    random: SeededGenerator(seed: runs &* 1000 &+ UInt64(index))
                )
            )
        }
    }

    /// The place of a shard among those of all nodes.
    func seat(of shard: ShardReference) -> Int { Int(shard.node) * (cluster?.shards ?? 0) + shard.index }

    func node(ofSeat seat: Int) -> Int { seat / (cluster?.shards ?? 1) }

    /// The places of a node's shards.
    func seats(of node: Int) -> Range<Int> {
        let count = cluster?.shards ?? 0
        return node * count..<(node + 1) * count
    }

    /// The nodes that serve clients.
    var livingNodes: [Int] {
        guard let cluster else { return [] }
        return (0..<cluster.nodes).filter { cluster.hasLinks($0) && !cluster.isPaused[$0] }
    }

    /// True if the process of a shard stands still.
    func isAsleep(_ seat: Int) -> Bool { cluster.map { $0.isPaused[node(ofSeat: seat)] } ?? false }

    /// The shards whose processes do not stand still.
    var awake: [Int] { cluster == nil ? Array(shards.indices) : shards.indices.filter { !isAsleep($0) } }

    /// Changes a shard, and carries out what follows.
    func change(_ seat: Int, _ body: (inout Shard) -> Void) {
        body(&shards[seat].shard)
        collect(seat)
    }

    // MARK: - What nodes hear of each other

    /// A node hears of another one, once it does not stand still.
    func tell(_ node: Int, _ event: SimulatedCluster.NodeEvent) {
        guard let cluster, cluster.isAlive[node] else { return }
        if cluster.isPaused[node] {
            self.cluster?.unheard[node].append(event)
            return
        }
        switch event {
        case .joined(let other): self.cluster?.known.insert(.init(from: node, to: other))
        case .died(let other): self.cluster?.known.remove(.init(from: node, to: other))
        case .suspected, .lostLink: break
        }
        change(seats(of: node).lowerBound) { shard in
            switch event {
            case .joined(let other): shard.joined(node: other, shards: cluster.shards, now: now)
            case .died(let other):
                shard.died(node: other, now: now)
                if clusterFault == .interestForgotten { shard.lanes.limbo = Limbo() }
            case .lostLink(let other): shard.relearn(node: other, shards: cluster.shards, now: now)
            case .suspected(let other, let isSuspected):
                shard.suspected(node: other, isSuspected, now: now)
            }
        }
        // Loops of one node hear each other sooner than another node can answer.
        if case .suspected = event { return }
        drainMailboxes(of: node)
    }

    private func drainMailboxes(of node: Int) {
        while let seat = seats(of: node).first(where: { !mailboxes[$0].isEmpty }) { deliverMailbox(seat) }
    }

    /// A node does not hear another one for a while, and takes its lanes, or hears it again.
    func suspect(_ other: Int, by node: Int, _ isSuspected: Bool) { tell(node, .suspected(other, isSuspected)) }

    // MARK: - Deaths

    /// The process of a node is killed. Appends that were under way are stored or not, as chance has it.
    func kill(_ node: Int) {
        cluster?.isAlive[node] = false
        cluster?.isPaused[node] = false
        cluster?.isIsolated[node] = false
        cluster?.unheard[node] = []
        let own = seats(of: node)
        leaveLanes(own)
        endLinks(own, mayStillCome: true)
        for seat in own {
            mailboxes[seat] = []
            input[seat] = nil
            for client in clients.values where client.shard == seat {
                client.isClosed = true
                clients[ObjectIdentifier(client.connection)] = nil
                // What the client sends from now on nobody gets.
                client.connection.state = .closed
                release(client.connection)
            }
        }
        let count = cluster?.shards ?? 0
        let fresh = seats(of: node, count)
        for (seat, shard) in zip(own, fresh) { shards[seat] = shard }
    }

    /// The other nodes learn that the run of a node is over. What it has sent before has come, or never will.
    func bury(_ node: Int) {
        cluster?.isMember[node] = false
        endLinks(seats(of: node), mayStillCome: false)
        for other in 0..<(cluster?.nodes ?? 0) where other != node && cluster?.isMember[other] == true {
            tell(other, .died(node))
        }
    }

    /// A node whose run the others count as over has another one.
    func restart(_ node: Int) {
        cluster?.isAlive[node] = true
        cluster?.isMember[node] = true
        cluster?.isIsolated[node] = false
        if let known = cluster?.known { cluster?.known = known.filter { $0.from != node && $0.to != node } }
        for other in 0..<(cluster?.nodes ?? 0) where other != node && cluster?.hasLinks(other) == true {
            tell(other, .joined(node))
            tell(node, .joined(other))
        }
    }

    // MARK: - Nodes that live, and are not heard

    func pause(_ node: Int) { cluster?.isPaused[node] = true }

    /// A node that stood still goes on, and does not know yet what has happened meanwhile.
    func resume(_ node: Int) {
        guard cluster?.isPaused[node] == true else { return }
        cluster?.isPaused[node] = false
        for seat in seats(of: node) {
            for (client, octets) in input.removeValue(forKey: seat) ?? [] {
                receive(octets, from: client, settles: false)
            }
        }
        let events = cluster?.unheard[node] ?? []
        cluster?.unheard[node] = []
        for event in events { tell(node, event) }
    }

    /// A node learns that its run is over, and gives everything up that others may have.
    func isolate(_ node: Int) {
        cluster?.isIsolated[node] = true
        let own = seats(of: node)
        leaveLanes(own)
        endLinks(own, mayStillCome: false)
        for other in 0..<(cluster?.nodes ?? 0) where other != node { tell(node, .died(other)) }
        for seat in own {
            change(seat) { shard in
                for lane in 0..<Lane.count { shard.lose(lane: lane, now: now) }
                shard.isolate(now: now)
            }
        }
    }

    /// True if no node of a cluster ends a client's only connection for this reason: those of a node whose run is over have to connect again.
    func isUnexpected(_ reason: ReasonCode) -> Bool { cluster != nil && reason != .serverShuttingDown }

    // MARK: - What is known of the lanes

    /// The node that leads the lane of a client's session.
    func leader(ofSessionOf client: String) -> Int? {
        let lane = MQTTBroker.Lane(clientHash: Session.identity(of: UTF8Key(client)))
        return shards[0].shard.lead(ofLane: lane.index)?.node
    }

    /// True if every node knows a leader of every lane.
    var isEachLaneLed: Bool { shards.allSatisfy { $0.shard.lanesWithoutLeader == 0 } }

    /// True if messages wait for lanes to be led.
    var isHolding: Bool { shards.contains { !$0.shard.lanes.limbo.messages.isEmpty } }
}
