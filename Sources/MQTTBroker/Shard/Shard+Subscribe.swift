import MQTTCodec
import NIOCore

/// A SUBSCRIBE whose SUBACK waits until every shard knows of it: from then on no message passes it by, wherever it is
/// published.
struct PendingSubscribe {
    let connection: Connection
    let acknowledgement: SubscribeAcknowledgement
    /// The filters whose retained messages the client wants, with the QoS and identifier of their delivery.
    let wanted: [Wanted]
    var answersDue: Int
    var isAnnounced = false
    /// Those of each filter, of all together no more than `mostFound`.
    var found: [[Message]]
    let mostFound: Int

    struct Wanted {
        let filter: TopicFilter
        let qos: QualityOfService
        let identifier: UInt32
    }
}

extension Shard {
    mutating func receive(_ subscribe: Subscribe, on connection: Connection, now: NIODeadline) {
        guard let session = connection.session else { return }
        var reasonCodes: [ReasonCode] = []
        var wanted: [PendingSubscribe.Wanted] = []
        for requested in subscribe.subscriptions {
            do throws(TopicFilter.Refusal) {
                let filter = try TopicFilter(requested.topicFilter, limits: limits)
                guard
                    session.subscriptions[filter] != nil || subscriptionCount(of: session) < limits.maximumSubscriptions
                else { throw TopicFilter.Refusal(reasonCode: .quotaExceeded) }
                var options = requested.options
                options.maximumQoS = min(options.maximumQoS, limits.maximumQoS)
                if connection.isBridge {
                    // What a bridge of MQTT 5.0 would ask for: RETAIN as it was, and nothing of its own.
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
        lastToken += 1
        let pending = PendingSubscribe(
            connection: connection,
            acknowledgement: SubscribeAcknowledgement(
                packetIdentifier: subscribe.packetIdentifier,
                reasonCodes: reasonCodes
            ),
            wanted: wanted,
            answersDue: count - 1,
            found: Array(repeating: [], count: wanted.count),
            mostFound: mostRetained(for: session)
        )
        if count == 1 {
            var pending = pending
            pending.found = retained.matching(wanted.map(\.filter), atMost: pending.mostFound, now: now)
            finish(pending, session, now: now)
            return
        }
        connection.state = .subscribing
        subscribing[lastToken] = pending
        broadcast(.announce(token: lastToken))
    }

    /// How many retained messages are looked for at a SUBSCRIBE: as many as may wait for its client, and one more, which is
    /// dropped and so counted.
    private func mostRetained(for session: Session) -> Int {
        let waiting = session.siblings.reduce(session.retainedBacklog.count) { $0 + $1.retainedBacklog.count }
        return max(0, limits.maximumRetainedBacklog - waiting) + 1
    }

    /// Another shard knows of the subscription. Once all do, their retained messages are asked for: one that was
    /// published before a shard knew of it has been handed to its keeper by then.
    mutating func announced(_ token: UInt64, now: NIODeadline) {
        guard var pending = subscribing[token] else { return }
        pending.answersDue -= 1
        guard pending.answersDue == 0 else {
            subscribing[token] = pending
            return
        }
        if pending.wanted.isEmpty {
            subscribing[token] = nil
            answer(pending, now: now)
            return
        }
        pending.isAnnounced = true
        pending.answersDue = count
        subscribing[token] = pending
        let filters = pending.wanted.map(\.filter)
        for shard in 0..<count { send(.findRetained(filters, atMost: pending.mostFound, token: token), to: shard) }
    }

    mutating func findRetained(
        _ filters: [TopicFilter],
        atMost limit: Int,
        token: UInt64,
        for shard: Int,
        now: NIODeadline
    ) {
        send(.foundRetained(retained.matching(filters, atMost: limit, now: now), token: token), to: shard)
    }

    mutating func foundRetained(_ found: [[Message]], token: UInt64, now: NIODeadline) {
        guard var pending = subscribing[token], pending.isAnnounced, found.count == pending.found.count else { return }
        var room = pending.mostFound - pending.found.reduce(0) { $0 + $1.count }
        for index in found.indices {
            let taken = found[index].prefix(room)
            pending.found[index] += taken
            room -= taken.count
        }
        pending.answersDue -= 1
        subscribing[token] = pending.answersDue == 0 ? nil : pending
        if pending.answersDue == 0 { answer(pending, now: now) }
    }

    private mutating func answer(_ pending: PendingSubscribe, now: NIODeadline) {
        // The client may be gone, or its session at another shard.
        guard pending.connection.state == .subscribing, let session = pending.connection.session else { return }
        pending.connection.state = .connected
        finish(pending, session, now: now)
        resume(pending.connection, now: now)
    }

    private mutating func finish(_ pending: PendingSubscribe, _ session: Session, now: NIODeadline) {
        write(.subscribeAcknowledgement(pending.acknowledgement), to: pending.connection, now: now)
        for (wanted, messages) in zip(pending.wanted, pending.found) {
            for message in messages {
                let entry = MessageQueue.Entry(
                    message: message,
                    qos: min(message.qos, wanted.qos),
                    retain: true,  // [MQTT-3.3.1-8]
                    identifiers: wanted.identifier == 0 ? [] : [wanted.identifier]
                )
                enqueueRetained(entry, for: session)
            }
        }
        pump(pending.connection, now: now)
    }

    mutating func enqueueRetained(_ entry: MessageQueue.Entry, for session: Session) {
        let others = session.siblings.reduce(0) { $0 + $1.retainedBacklog.count }
        let outcome = session.retainedBacklog.append(
            entry,
            maximumCount: limits.maximumRetainedBacklog - others,
            // The octets are the retained messages' own.
            maximumBytes: .max
        )
        counters.messagesDroppedQueueFull += UInt64(outcome.dropped)
    }

    mutating func receive(_ unsubscribe: Unsubscribe, on connection: Connection, now: NIODeadline) {
        guard let session = connection.session else { return }
        let reasonCodes = unsubscribe.topicFilters.map { string -> ReasonCode in
            guard let filter = try? TopicFilter(string, limits: limits) else { return .topicFilterInvalid }
            guard session.subscriptions.removeValue(forKey: filter) != nil else { return .noSubscriptionExisted }
            removeFromTree(session, filter)
            return .success
        }
        write(
            .unsubscribeAcknowledgement(
                UnsubscribeAcknowledgement(packetIdentifier: unsubscribe.packetIdentifier, reasonCodes: reasonCodes)
            ),
            to: connection,
            now: now
        )
    }

    // MARK: - The tree and the others' knowledge of it

    /// Adds or replaces [MQTT-3.8.4-3] and returns whether the session had no such subscription.
    @discardableResult
    mutating func add(_ subscription: Session.Subscription, _ filter: TopicFilter, to session: Session) -> Bool {
        session.subscriptions[filter] = subscription
        let isNew = tree.insert(
            TopicTree.Subscription(
                session: session,
                options: subscription.options,
                identifier: subscription.identifier
            ),
            at: filter
        )
        if isNew, let change = ownInterest?.add(filter) { broadcast(.interest(change)) }
        return isNew
    }

    mutating func removeFromTree(_ session: Session, _ filter: TopicFilter) {
        if tree.remove(session, at: filter), let change = ownInterest?.remove(filter) { broadcast(.interest(change)) }
    }

    mutating func heed(_ change: Interest.Change, of shard: Int) {
        othersInterest?.apply(change, of: shard)
        interestGeneration &+= 1
    }
}
