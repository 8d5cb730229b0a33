import MQTTCodec
import NIOCore

extension Shard {
    /// SUBSCRIBE (MQTT 5.0 §3.8).
    mutating func handle(_ subscribe: Subscribe, on connection: Connection, now: Instant) {
        guard let session = connection.session else {
            passOn(.subscribe(subscribe), of: connection)
            return
        }
        var reasonCodes: [ReasonCode] = []
        var wanted: [PendingSubscribe.Wanted] = []
        for requested in subscribe.subscriptions {
            do throws(TopicFilter.Refusal) {
                let filter = try TopicFilter(requested.topicFilter, limits: connection.limits.values)
                guard
                    session.subscriptions[filter] != nil
                        || subscriptionCount(of: session) < limits.maximumSubscriptions
                            && (session.lane == nil || lanes.suspension == nil)
                else { throw TopicFilter.Refusal(reasonCode: .quotaExceeded) }
                var options = requested.options
                options.maximumQoS = min(options.maximumQoS, limits.maximumQoS)
                if connection.isBridge {
                    // The options that a bridge of MQTT 5.0 asks for.
                    options.retainAsPublished = true
                    options.noLocal = true
                }
                let identifier = subscribe.subscriptionIdentifier ?? 0
                let isNew = add(Session.Subscription(options: options, identifier: identifier), filter, to: session)
                reasonCodes.append(ReasonCode(rawValue: options.maximumQoS.rawValue))
                switch options.retainHandling {
                case .doNotSend: continue  // [MQTT-3.3.1-11]
                case .sendIfNew where !isNew: continue  // [MQTT-3.3.1-10]
                case .send, .sendIfNew:  // [MQTT-3.3.1-9]
                    wanted.append(.init(filter: filter, qos: options.maximumQoS, identifier: identifier))
                }
            } catch {
                counters.subscriptionsRefused += 1
                reasonCodes.append(error.reasonCode)
            }
        }
        let acknowledgement = SubscribeAcknowledgement(
            packetIdentifier: subscribe.packetIdentifier,
            reasonCodes: reasonCodes
        )
        lastSubscribe += 1
        let requester = Requester(connection: connection.reference, number: lastSubscribe)
        let pending = PendingSubscribe(
            requester,
            acknowledgement,
            wanted: wanted,
            room: mostRetained(for: session),
            // One of them is the lane's, which keeps the subscriptions.
            answersDue: count
        )
        connection.waiting = .subscribe(pending)
        pending.answersDueOfNodes = trustedNodes
        tellEverybody(.announce(requester, by: own))
        whenCommitted(session.lane, .subscribed(requester), now: now)
    }

    /// The connection, or its deputy, of a client whose session is in this shard and that waits for answers to a SUBSCRIBE.
    private func connection(of requester: Requester) -> (Connection, PendingSubscribe)? {
        let local = requester.connection.shard == own ? connections[requester.connection] : nil
        guard let connection = deputies[requester.connection] ?? local, let pending = connection.pendingSubscribe,
            pending.requester == requester
        else { return nil }
        return (connection, pending)
    }

    /// Another shard knows the subscriptions of a SUBSCRIBE, or the log keeps them.
    mutating func announced(_ requester: Requester, by shard: ShardReference, now: Instant) {
        guard let (_, pending) = connection(of: requester), !pending.isAcknowledged else { return }
        pending.answered(by: shard, of: own.node)
        acknowledgeIfAnswered(requester, now: now)
    }

    /// Sends SUBACK once all shards know the subscriptions, and this node is sure to be waited for.
    mutating func acknowledgeIfAnswered(_ requester: Requester, now: Instant) {
        guard let (connection, pending) = connection(of: requester), !pending.isAcknowledged, pending.isAnswered
        else { return }
        if neighbours != nil, lanes.lease.isOver(now.monotonic) {
            return lanes.holdAcknowledgement(of: requester)
        }
        acknowledge(pending, of: connection, now: now)
    }

    /// No answer to a SUBSCRIBE is to be expected from a node any more.
    mutating func stopWaiting(for node: UInt8, _ connection: Connection, now: Instant) {
        guard let pending = connection.pendingSubscribe,
            pending.answersDueOfNodes.removeValue(forKey: node) != nil, pending.isAnswered
        else { return }
        if pending.isAcknowledged {
            finishSubscribe(of: connection, now: now)
        } else {
            acknowledgeIfAnswered(pending.requester, now: now)
        }
    }

    /// All shards know the subscriptions: sends SUBACK, then asks for retained messages. One that was published before a shard
    /// knew the subscriptions has reached its home by then.
    private mutating func acknowledge(_ pending: PendingSubscribe, of connection: Connection, now: Instant) {
        if !pending.isSilent {
            write(.subscribeAcknowledgement(pending.acknowledgement), to: connection, now: now)
            if connection.isClosed { return }
        }
        if pending.wanted.isEmpty {
            finishSubscribe(of: connection, now: now)
            return
        }
        pending.isAcknowledged = true
        connection.answer = .acknowledged
        pending.answersDue = count
        let filters = pending.wanted.map(\.filter)
        let requester = pending.requester
        for shard in 0..<count {
            send(.findRetained(filters, atMost: pending.room, for: requester), to: sibling(shard))
        }
        guard neighbours != nil else { return }
        for shard in lanes.leadingShards where shard.node != own.node {
            pending.answersDueOfNodes[shard.node, default: 0] += 1
            send(.findRetained(filters, atMost: pending.room, for: requester), to: shard)
        }
    }

    /// Some retained messages were found for a SUBSCRIBE.
    ///
    /// - Parameter isLast: true if the shard that has found them finds no more.
    mutating func foundRetained(
        _ found: [RetainedLookUp.Found],
        isLast: Bool,
        by shard: ShardReference,
        for requester: Requester,
        now: Instant
    ) {
        guard let (connection, pending) = connection(of: requester), let session = connection.session,
            pending.isAcknowledged
        else { return }
        for found in found.prefix(pending.room) {
            guard pending.wanted.indices.contains(found.filter) else { continue }
            let wanted = pending.wanted[found.filter]
            let entry = MessageQueue.Entry(
                message: found.message,
                qos: min(found.message.qos, wanted.qos),
                retain: true,  // [MQTT-3.3.1-8]
                identifiers: wanted.identifier == 0 ? [] : [wanted.identifier]
            )
            enqueueRetained(entry, for: session)
        }
        pending.room = max(0, pending.room - found.count)
        if isLast { pending.answered(by: shard, of: own.node) }
        if pending.isAnswered {
            finishSubscribe(of: connection, now: now)
        } else {
            pump(connection, now: now)
        }
    }

    /// A SUBSCRIBE is answered: messages and packets that waited for that go on.
    private mutating func finishSubscribe(of connection: Connection, now: Instant) {
        connection.waiting = nil
        pump(connection, now: now)
        handlePending(connection, now: now)
    }

    /// The most retained messages to find for a SUBSCRIBE: as many as may wait for its client, and one more, which is dropped
    /// and so counted.
    private func mostRetained(for session: Session) -> Int {
        let waiting = session.siblings.reduce(session.outgoing.retained.count) { $0 + $1.outgoing.retained.count }
        return max(0, limits.maximumRetainedBacklog - waiting) + 1
    }

    mutating func enqueueRetained(_ entry: MessageQueue.Entry, for session: Session) {
        let others = session.siblings.reduce(0) { $0 + $1.outgoing.retained.count }
        let outcome = session.outgoing.retained.append(
            entry,
            maximumCount: limits.maximumRetainedBacklog - others,
            // The octets are counted where the messages are retained.
            maximumBytes: .max
        )
        let dropped = outcome.displaced.count + (outcome.isQueued ? 0 : 1)
        counters.messagesDroppedQueueFull += UInt64(dropped)
        session.countDrops(dropped)
    }

    /// UNSUBSCRIBE (MQTT 5.0 §3.10).
    mutating func handle(_ unsubscribe: Unsubscribe, on connection: Connection, now: Instant) {
        guard let session = connection.session else {
            passOn(.unsubscribe(unsubscribe), of: connection)
            return
        }
        let reasonCodes = unsubscribe.topicFilters.map { string -> ReasonCode in
            guard let filter = try? TopicFilter(string, limits: limits) else { return .topicFilterInvalid }
            guard session.subscriptions.removeValue(forKey: filter) != nil else { return .noSubscriptionExisted }
            removeFromRouter(session, filter)
            log(.unsubscribed(session.number, filter), of: session)
            return .success
        }
        let acknowledgement = Packet.unsubscribeAcknowledgement(
            UnsubscribeAcknowledgement(packetIdentifier: unsubscribe.packetIdentifier, reasonCodes: reasonCodes)
        )
        guard let lane = session.lane, deferUntilCommitted(acknowledgement, of: connection, session) else {
            write(acknowledgement, to: connection, now: now)
            return
        }
        if let settlement = connection.settlement {
            // The shard of the connection hears that the packet is answered together with UNSUBACK.
            settlement.isAnswerDeferred = true
            lanes[lane].wait(.answer(connection))
        }
    }

    // MARK: - Routing

    /// Adds a subscription, or replaces the session's earlier one to the same filter [MQTT-3.8.4-3]. Returns whether the
    /// subscription is new.
    @discardableResult
    mutating func add(_ subscription: Session.Subscription, _ filter: TopicFilter, to session: Session) -> Bool {
        log(.subscribed(session.number, filter, subscription), of: session)
        session.subscriptions[filter] = subscription
        return addToRouter(session, filter, subscription)
    }

    @discardableResult
    mutating func addToRouter(_ session: Session, _ filter: TopicFilter, _ subscription: Session.Subscription) -> Bool {
        let entry = TopicTree.Subscription(
            session: session,
            options: subscription.options,
            identifier: subscription.identifier
        )
        let (isNew, changes) = router.add(entry, at: filter)
        tell(changes)
        return isNew
    }

    mutating func removeFromRouter(_ session: Session, _ filter: TopicFilter) {
        tell(router.remove(session, at: filter))
    }

    private mutating func tell(_ changes: Interest.Changes) {
        if let change = changes.all { tell(change) }
        if let change = changes.durable { tell(change) }
    }

    private mutating func tell(_ change: Interest.Change) {
        broadcast(.interest(change))
        tellNodes(change)
    }
}
