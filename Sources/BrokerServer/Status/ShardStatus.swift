import BrokerCluster
import MQTTBroker
import NIOCore

/// What one event loop adds to the status of its node.
struct ShardStatus: Sendable {
    let connections: Int
    let sessions: Int
    let durableSessions: Int
    let subscriptions: Int
    let retainedMessages: Int
    let withheldOctets: Int
    let held: (count: Int, octets: Int)
    /// `nil` without a cluster.
    let cluster: Cluster?

    struct Cluster: Sendable {
        /// The lanes that the loop leads.
        let lanes: [LaneStatus]
        let recentTimes: RecentTimes
        let octetsSinceCleaning: Int
        let linkOctets: Int
        let nats: [NATSStatus]
    }
}

extension ShardRunner {
    var status: ShardStatus {
        ShardStatus(
            connections: shard.connectionCount,
            sessions: shard.sessionCount,
            durableSessions: shard.durableSessionCount,
            subscriptions: shard.subscriptionCount,
            retainedMessages: shard.retainedCount,
            withheldOctets: shard.withheldOctets,
            held: shard.heldMessages,
            cluster: cluster?.status
        )
    }
}

extension ShardCluster {
    fileprivate var status: ShardStatus.Cluster {
        ShardStatus.Cluster(
            lanes: lanes.statuses,
            recentTimes: lanes.recentTimes,
            octetsSinceCleaning: appends.octets,
            linkOctets: links.octetsWaiting,
            nats: [links.nats, lanes.nats(for: "lanes \(links.shard)")]
        )
    }
}

extension NodeStatus {
    /// Adds what an event loop says.
    mutating func add(_ shard: ShardStatus) {
        eventLoops += 1
        connections += shard.connections
        sessions += shard.sessions
        durableSessions += shard.durableSessions
        subscriptions += shard.subscriptions
        retainedMessages += shard.retainedMessages
        guard let cluster = shard.cluster else { return }
        nats += cluster.nats
        var lag = lag ?? LagStatus()
        lag.add(cluster)
        lag.withheldOctets += shard.withheldOctets
        lag.heldMessages += shard.held.count
        lag.heldOctets += shard.held.octets
        self.lag = lag
    }
}

extension LagStatus {
    fileprivate mutating func add(_ cluster: ShardStatus.Cluster) {
        lanesLed += cluster.lanes.count
        for lane in cluster.lanes {
            if case .suspended(let reason) = lane.health {
                suspended.append(SuspendedLane(lane: lane.term.lane, reason: reason))
            }
            guard let waiting = lane.waiting else { continue }
            appendsInFlight += 1
            longestWaitMilliseconds = max(longestWaitMilliseconds, Int(waiting.nanoseconds / 1_000_000))
        }
        suspended.sort { $0.lane < $1.lane }
        let times = cluster.recentTimes
        let microseconds = recentMeanMicroseconds * recentAppends + Int(times.sum.nanoseconds / 1_000)
        recentAppends += times.count
        recentMeanMicroseconds = recentAppends == 0 ? 0 : microseconds / recentAppends
        recentLongestMicroseconds = max(recentLongestMicroseconds, Int(times.longest.nanoseconds / 1_000))
        octetsSinceCleaning += cluster.octetsSinceCleaning
        linkOctets += cluster.linkOctets
    }
}
