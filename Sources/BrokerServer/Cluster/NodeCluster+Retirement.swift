import BrokerCluster
import Logging
import MQTTBroker
import NIOCore

// The end of this node's run by its own will: the other nodes take its lanes while it serves them yet, so that clients that are told to go find
// their sessions elsewhere at once.
extension NodeCluster {
    /// How often a node that retires looks which lanes it leads yet.
    static let retirementInterval = TimeAmount.milliseconds(10)
    /// How long it waits for the next of them to be taken. Nodes of an earlier version take none before it has left, and without NATS nobody
    /// hears of it.
    static let retirementPatience = TimeAmount.seconds(1)
    /// How long it waits for all of them.
    static let retirementTimeout = TimeAmount.seconds(5)
    /// How long a node that leaves waits until the others have heard what it had to tell them.
    static let farewell = TimeAmount.milliseconds(500)

    /// Tells the other nodes that this one is about to leave, and waits until they have taken its lanes, or do not.
    func retire() -> EventLoopFuture<Void> {
        guard let shards, let membership, !isRetiring else { return eventLoop.makeSucceededVoidFuture() }
        isRetiring = true
        membership.retire()
        let retirement = Retirement(promise: eventLoop.makePromise(), begun: .now())
        wait(retirement, shards)
        return retirement.promise.futureResult
    }

    /// Waits until the other nodes have heard all that this one had to tell them, such as which connections have ended without a will.
    func tellRest() -> EventLoopFuture<Void> {
        let promise = eventLoop.makePromise(of: Void.self)
        tellRest(promise, until: .now() + Self.farewell)
        return promise.futureResult
    }

    private func tellRest(_ promise: EventLoopPromise<Void>, until deadline: NIODeadline) {
        let waiting = parts.map { part in part.eventLoop.submit { part.value.links.octetsWaiting } }
        EventLoopFuture.whenAllSucceed(waiting, on: eventLoop).assumeIsolated().whenComplete { result in
            if case .success(let octets) = result, octets.contains(where: { $0 > 0 }), .now() < deadline {
                self.eventLoop.assumeIsolated().scheduleTask(in: Self.retirementInterval) {
                    self.tellRest(promise, until: deadline)
                }
            } else {
                promise.succeed()
            }
        }
    }

    /// The wait for the other nodes.
    private struct Retirement {
        let promise: EventLoopPromise<Void>
        let begun: NIODeadline
        /// Lanes that were led when it was looked last, and since when.
        var lanes = Lane.count
        var since: NIODeadline

        init(promise: EventLoopPromise<Void>, begun: NIODeadline) {
            (self.promise, self.begun, since) = (promise, begun, begun)
        }
    }

    private func wait(_ retirement: Retirement, _ shards: ShardGroup) {
        let loopBound = NIOLoopBound((cluster: self, retirement: retirement), eventLoop: eventLoop)
        shards.with(0) { runner in
            // The first event loop is that of the first shard.
            var (cluster, retirement) = loopBound.value
            let node = cluster.own?.node
            let lanes = runner.shard.leads.count { $0.node != nil && $0.node == node }
            let now = NIODeadline.now()
            if lanes < retirement.lanes { (retirement.lanes, retirement.since) = (lanes, now) }
            let isInVain =
                now >= retirement.since + Self.retirementPatience || now >= retirement.begun + Self.retirementTimeout
            if lanes == 0 || cluster.successors.isEmpty || isInVain {
                cluster.logger.info(
                    "the other nodes have this one's lanes",
                    metadata: [
                        "milliseconds": "\((now - retirement.begun).nanoseconds / 1_000_000)", "left": "\(lanes)",
                    ]
                )
                retirement.promise.succeed()
                return
            }
            let waiting = retirement
            cluster.eventLoop.assumeIsolated().scheduleTask(in: Self.retirementInterval) {
                cluster.wait(waiting, shards)
            }
        }
    }
}
