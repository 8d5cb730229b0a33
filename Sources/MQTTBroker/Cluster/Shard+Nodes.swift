import MQTTCodec
import NIOCore

// Messages to other nodes: once to each node that may have subscribers, to the shard there that takes all of what this shard has for that
// node.
extension Shard {
    /// Hands a message over to the shards of this node and to the nodes that may have subscribers, and holds it for lanes that no shard leads.
    mutating func distributeInCluster(
        _ publish: Publish,
        along route: Route,
        from publisher: UInt64,
        _ receipt: Receipt?,
        origin: LoggedMessage.Origin?
    ) {
        var open = UInt64.max
        if let receipt, !lanes.limbo.isEmpty,
            let levels = TopicLevels.split(publish.topic, limit: limits.maximumTopicLevels)
        {
            // Behind those that wait for the same lanes.
            let behind = route.durableShards == 0 && route.durableNodes == 0 ? 0 : lanes.limbo.waiting
            let set = lanes.limbo.lanes(interestedIn: levels) | behind
            open = ~set
            if set != 0 { hold(publish, from: publisher, receipt, origin: origin, lanes: set) }
        }
        if route.shards == 0, route.nodes == 0 { return }
        // One copy, whoever is to keep it.
        var kept: Limbo.Message?
        func message(for lanes: UInt64) -> Limbo.Message {
            var message =
                kept
                ?? Limbo.Message(
                    publish: Publish(copying: publish),
                    publisher: publisher,
                    origin: origin,
                    receipt: receipt,
                    lanes: 0,
                    isRetained: false
                )
            kept = message
            message.lanes = lanes
            return message
        }
        for index in 0..<count where route.shards & 1 << UInt32(index) != 0 {
            let shard = sibling(index)
            let scope = LaneScope(lanes: lanes.led(by: shard) & open, isForTransient: true, source: own)
            let isDurable = route.durableShards & 1 << UInt32(index) != 0 && scope.lanes != 0
            counters.messagesHandedOver += 1
            let number =
                isDurable ? receipt.map { lanes.awaitStored($0, by: shard, message(for: scope.lanes)) } ?? 0 : 0
            send(.publish(publish, from: publisher, origin: origin, scope, receipt: number), to: shard)
        }
        var left = route.nodes
        while left != 0 {
            let node = UInt8(left.trailingZeroBitCount)
            left &= left - 1
            guard let neighbour = neighbours?[node], let shard = neighbours?.entry(of: node, for: own) else { continue }
            if neighbour.isFull, publish.qos == .atMostOnce {
                counters.messagesDroppedSlowNode += 1
                continue
            }
            let scope = LaneScope(lanes: lanes.led(byNode: node) & open, isForTransient: true, source: own)
            // Nothing is kept where no lane is led, whatever is known of the interest there.
            let isDurable = route.durableNodes & 1 << UInt32(node) != 0 && scope.lanes != 0
            counters.messagesHandedOver += 1
            let number =
                isDurable ? receipt.map { lanes.awaitStored($0, by: shard, message(for: scope.lanes)) } ?? 0 : 0
            send(.publish(publish, from: publisher, origin: origin, scope, receipt: number), to: shard)
        }
    }

    /// Gives a message of another node to the other shards of this node that may have subscribers.
    mutating func passOn(
        _ publish: Publish,
        along route: Route,
        from publisher: UInt64,
        _ receipt: Receipt?,
        origin: LoggedMessage.Origin?,
        _ scope: LaneScope
    ) {
        if route.shards == 0 { return }
        for index in 0..<count where route.shards & (1 << UInt32(index)) != 0 {
            let shard = sibling(index)
            let isDurable = route.durableShards & (1 << UInt32(index)) != 0
            let number = isDurable ? receipt.map { lanes.awaitStored($0, by: shard) } ?? 0 : 0
            var share = scope
            share.lanes &= lanes.led(by: shard)
            send(.publish(publish, from: publisher, origin: origin, share, receipt: number), to: shard)
        }
    }

    /// Tells the shard that has handed a message over which lanes do not keep it.
    ///
    /// That is not put off until the other lanes have committed the message: of those behind it, some may be for fewer lanes, and would be handed
    /// over again before it.
    mutating func tellMissing(_ lanes: UInt64, _ receipt: Receipt) {
        guard lanes != 0, case .shard(let shard, let number, _) = receipt.owner else { return }
        send(.missing(number, lanes: lanes), to: shard)
    }

    /// Lanes do not keep a message that was handed over for them, and none of those behind it: these wait for the lanes' leaders; or the shard
    /// that the message came from is told.
    mutating func miss(_ missing: UInt64, of number: UInt64, by shard: ShardReference, now: Instant) {
        guard let awaited = lanes.awaited(number, by: shard) else { return }
        guard let message = awaited.message else {
            tellMissing(missing, awaited.receipt)
            return
        }
        let missed = message.lanes & missing
        if missed == 0 { return }
        counters.messagesHeldForLanes += 1
        holdMoved(missed, from: number, now: now)
        releaseBehind(missed, refusedBy: shard, now: now)
    }

    /// It is known what became of a message for lanes: hands over what waits for them, unless that is not known yet of an earlier one, which may
    /// wait, too.
    ///
    /// - Parameter refuser: a shard that has just said that it does not lead the lanes, and is not asked again at once; `nil` for none.
    mutating func releaseBehind(_ set: UInt64, refusedBy refuser: ShardReference?, now: Instant) {
        for lane in Lane.lanes(of: set) {
            guard let leader = lanes.leader(of: lane) else { continue }
            if leader.node != refuser?.node, !isBlocked(lane) {
                releaseLimbo(lane.bit, to: leader, now: now)
            } else {
                retryLater(now: now)
            }
        }
    }

    /// True if it is not known whether a lane has taken a message that is earlier than those that wait for it.
    private func isBlocked(_ lane: Lane) -> Bool {
        lanes.limbo.first(for: lane).map { lanes.isOwed(lane.bit, before: $0) } ?? false
    }

    private mutating func retryLater(now: Instant) {
        if limboDeadline == nil { limboDeadline = deadlines.add(.limbo, at: now.monotonic + Self.limboPause) }
    }

    /// How long a message waits that a lane's leader did not take, although it says that it leads the lane: a shard of its node did not know
    /// yet. It waits longer while the leader has not said what became of an earlier message, which it may not have taken either.
    private static var limboPause: TimeAmount { .milliseconds(20) }

    /// Hands over what waits for lanes that have a leader.
    mutating func retryLimbo(now: Instant) {
        for lane in Lane.lanes(of: lanes.limbo.waiting) {
            guard let leader = lanes.leader(of: lane) else { continue }
            if isBlocked(lane) {
                retryLater(now: now)
            } else {
                releaseLimbo(lane.bit, to: leader, now: now)
            }
        }
    }

    /// The shard that a retained message is sent to owes an answer under the number that is returned.
    mutating func awaitRetained(
        _ publish: Publish,
        _ receipt: Receipt,
        _ origin: LoggedMessage.Origin?,
        by shard: ShardReference
    ) -> UInt64 {
        if neighbours == nil { return lanes.awaitStored(receipt, by: shard) }
        let message = Limbo.Message(
            publish: Publish(copying: publish),
            publisher: 0,
            origin: origin,
            receipt: receipt,
            lanes: Lane(ofTopic: publish.topic).bit,
            isRetained: true
        )
        return lanes.awaitStored(receipt, by: shard, message)
    }

    /// A message has come that this shard is to retain, unless the topic's lane is not led here.
    mutating func receiveRetained(
        _ publish: Publish,
        origin: LoggedMessage.Origin?,
        isAgain: Bool,
        _ receipt: Receipt?,
        by source: ShardReference,
        now: Instant
    ) {
        defer { if let receipt { settle(receipt, now: now) } }
        guard neighbours != nil, let receipt else {
            if home(ofTopic: publish.topic) == own { retain(publish, receipt, origin: origin, now: now) }
            return
        }
        let lane = Lane(ofTopic: publish.topic)
        let scope = LaneScope(lanes: lane.bit, isForTransient: false, source: source, isAgain: isAgain)
        let refused = lanes.refusals.judge(scope, isRetained: true, led: lanes.led(by: own))
        if refused == 0 {
            retain(publish, receipt, origin: origin, now: now)
        } else {
            tellMissing(refused, receipt)
        }
    }

    // MARK: - Lanes without a leader

    /// Holds a message until lanes have leaders.
    mutating func hold(
        _ publish: Publish,
        from publisher: UInt64,
        _ receipt: Receipt?,
        origin: LoggedMessage.Origin? = nil,
        lanes set: UInt64,
        isRetained: Bool = false
    ) {
        // What nobody waits for is bounded here; acknowledgements that wait are bounded themselves.
        guard receipt != nil || lanes.limbo.octets < limits.maximumWithheldBytesOfAll / count else {
            counters.messagesDroppedSlowNode += 1
            return
        }
        counters.messagesHeldForLanes += 1
        lanes.limbo.hold(
            Limbo.Message(
                number: lanes.nextHandOver(),
                publish: Publish(copying: publish),
                publisher: publisher,
                origin: origin,
                receipt: receipt,
                lanes: set,
                isRetained: isRetained
            )
        )
    }

    /// Lanes have a leader: the messages that waited for them are handed over, by the way that later ones take, so that they keep their
    /// order.
    mutating func releaseLimbo(_ set: UInt64, to leader: ShardReference, now: Instant) {
        if lanes.limbo.isEmpty { return }
        for (message, isLast) in lanes.limbo.release(set) {
            handOver(message, to: leader, now: now)
            if isLast, let receipt = message.receipt { settle(receipt, now: now) }
        }
    }

    private mutating func handOver(_ message: Limbo.Message, to leader: ShardReference, now: Instant) {
        if message.isRetained {
            if leader == own {
                retain(message.publish, message.receipt, origin: message.origin, now: now)
            } else {
                let number =
                    message.receipt.map { awaitRetained(message.publish, $0, message.origin, by: leader) } ?? 0
                send(.retain(message.publish, origin: message.origin, isAgain: true, receipt: number), to: leader)
            }
            return
        }
        let scope = LaneScope(lanes: message.lanes, isForTransient: false, source: own, isAgain: true)
        if leader == own {
            guard let route = router.route(message.publish.topic) else { return }
            deliver(
                message.publish,
                along: route,
                from: message.publisher,
                message.receipt,
                origin: message.origin,
                scope,
                now: now
            )
            return
        }
        let isNeighbour = leader.node != own.node
        guard let shard = isNeighbour ? neighbours?.entry(of: leader.node, for: own) : leader else { return }
        let number = message.receipt.map { lanes.awaitStored($0, by: shard, message) } ?? 0
        send(
            .publish(
                message.publish,
                from: message.publisher,
                origin: message.origin,
                scope,
                receipt: number
            ),
            to: shard
        )
    }
}
