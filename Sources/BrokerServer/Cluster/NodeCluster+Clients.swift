import BrokerCluster
import Logging
import MQTTBroker
import NIOCore

// How many clients this node has, and which it lets go.
extension NodeCluster {
    /// Tells the other nodes how many clients this one has, and lets some go if these are far more than the others have.
    func countClients() {
        guard let shards else { return }
        let counts = EventLoopFuture.whenAllSucceed(shards.onEach { $0.shard.connectionCount }, on: eventLoop)
        counts.assumeIsolated().whenSuccess { self.balance($0) }
    }

    /// - Parameter counts: the connections of each shard.
    private func balance(_ counts: [Int]) {
        guard let shards, let membership, own != nil, !isRetiring else { return }
        let clients = counts.reduce(0, +)
        membership.tell(clients: clients)
        var left = 0
        if suspected.isEmpty, .now() >= changed + Self.calm {
            left = configuration.balance.clientsToLetGo(
                own: clients,
                others: membership.clientsOfOthers,
                isUnderWay: isBalancing
            )
        }
        if left > 0, !isBalancing {
            logger.notice("lets clients go, which other nodes have fewer of", metadata: ["clients": "\(clients)"])
        }
        isBalancing = left > 0
        // Of each shard its share.
        for (shard, count) in counts.enumerated() where left > 0 {
            let share = (left * count + clients - 1) / max(1, clients)
            if share > 0 { shards.with(shard) { $0.change { $0.letGo(clients: share, now: .now()) } } }
        }
    }
}
