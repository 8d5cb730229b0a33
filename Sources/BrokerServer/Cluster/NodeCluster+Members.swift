import BrokerCluster
import Glibc
import Logging
import MQTTBroker
import NIOCore
import QUICTransport

// Which other nodes there are, and what shards, links and relay are told of them.
extension NodeCluster {
    /// How long a node is remembered that is no member any more.
    static let memory = TimeAmount.hours(1)

    /// The membership tells something.
    func heard(_ event: MembershipEvent) {
        guard shards != nil else {
            early.append(event)
            return
        }
        defer { updateRelay() }
        changed = .now()
        switch event {
        case .admitted(let member): beAdmitted(member)
        case .isolated: beIsolated()
        case .joined(let member): joined(member)
        case .died(let member):
            dead = dead.suffix(ClusterRelay.maximumDead - 1) + [ClusterRelay.node(member)]
            departed = departed.filter { .now() < $0.value.since + Self.memory }
            departed[member.node] = (member, .now())
            died(member.node)
        case .suspected(let node):
            suspected.insert(node)
            tellShard { $0.suspected(node: node, true, now: .now()) }
            takeLanes()
        case .trusted(let node):
            suspected.remove(node)
            tellShard { $0.suspected(node: node, false, now: .now()) }
        case .retiring(let node):
            retiring.insert(node)
            takeLanes()
        }
    }

    private func beAdmitted(_ member: Member) {
        if let number, number != member.node {
            logger.critical("another node has taken this one's number, and the process ends to take another")
            raise(SIGTERM)
        }
        number = member.node
        own = member
        admitted = .now()
        questions?.begin(as: member)
        onEachPart {
            $0.links.begin(as: member)
            $0.lanes.begin(as: member)
        }
    }

    /// The others count this node's run as over: nothing is done in their name, and nothing of theirs is kept.
    private func beIsolated() {
        own = nil
        questions?.end()
        onEachPart {
            $0.links.end()
            $0.lanes.end()
        }
        for node in members.keys.sorted() { forget(node) }
        for shard in 0..<(shards?.count ?? 0) { shards?.with(shard) { $0.loseAllLanes() } }
        members = [:]
        suspected = []
        retiring = []
        taking = []
    }

    private func joined(_ member: Member) {
        members[member.node] = member
        departed[member.node] = nil
        suspected.remove(member.node)
        retiring.remove(member.node)
        // The shards know the node before anything comes from it.
        tellShard { $0.joined(node: member.node, shards: member.shards, now: .now()) }
        onEachPart { $0.links.open(to: member) }
        admitted = max(admitted, .now() - Self.settling + Self.interval * 3)
    }

    private func died(_ node: Int) {
        members[node] = nil
        suspected.remove(node)
        retiring.remove(node)
        forget(node)
        takeLanes()
    }

    private func forget(_ node: Int) {
        onEachPart { $0.links.close(to: node) }
        tellShard { $0.died(node: node, now: .now()) }
    }

    /// A link to a node has lost messages: what this node knows of that one is told anew.
    func linkReset(_ node: Int) {
        guard let member = members[node] else { return }
        logger.error("a link to a node of the cluster has lost messages", metadata: ["number": "\(node)"])
        tellShard { $0.relearn(node: node, shards: member.shards, now: .now()) }
    }

    /// The relay is told the members from here on.
    func use(_ relay: NodeRelay) { self.relay = relay }

    private func updateRelay() {
        relay?.update(ClusterRelay.membership(own: own, members.values, suspected: suspected, dead: dead))
    }
}
