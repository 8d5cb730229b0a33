import DequeModule
import MQTTCodec
import NIOCore

// Retained messages (MQTT 5.0 §3.3.1.3) and the look-ups that SUBSCRIBE asks for.
extension Shard {
    /// The shard that keeps the retained message of a topic; `nil` while none does.
    func home(ofTopic topic: ByteBuffer) -> ShardReference? {
        count == 1 && neighbours == nil ? own : lanes.leader(of: Lane(ofTopic: topic))
    }

    /// Keeps a message in place of its topic's earlier one, or removes that one if the message is empty.
    ///
    /// - Parameters:
    ///   - receipt: waits until that is committed; `nil` if nothing does.
    ///   - origin: the outbox that the message comes from, if any.
    mutating func retain(
        _ publish: Publish,
        _ receipt: Receipt? = nil,
        origin: LoggedMessage.Origin? = nil,
        now: Instant
    ) {
        guard let levels = TopicLevels.split(publish.topic, limit: limits.maximumTopicLevels) else { return }
        if neighbours != nil, let origin, !isNewest(origin, publish, receipt) { return }
        if !lanes.quarantined.isEmpty, lanes.quarantined.contains(Lane(ofTopic: publish.topic)) {
            counters.retainedMessagesRefused += 1
            return
        }
        if publish.payload.readableBytes == 0 {
            removeRetained(levels, publish.topic, receipt, origin: origin, now: now)
            return
        }
        if lanes.suspension != nil, publish.qos == .atMostOnce {
            // A message at QoS 0 may be given up, and then there is none of its topic (MQTT 5.0 §3.3.1.3).
            counters.retainedMessagesRefused += 1
            removeRetained(levels, publish.topic, receipt, origin: origin, now: now)
            return
        }
        guard publish.payload.readableBytes <= limits.maximumRetainedPayload else {
            counters.retainedMessagesRefused += 1
            return
        }
        let message = Message(copying: EncodedPublish(publish), qos: publish.qos, now: now)
        guard let node = retained.set(message, at: levels, limits: limits) else {
            counters.retainedMessagesRefused += 1
            return
        }
        watchExpiry(of: message, at: node)
        log(.retained(message), publish, receipt, origin)
    }

    /// Remembers the newest message of an outbox that a lane retains. An older one that comes later has been retained, or was to be, and waits
    /// until the lane has committed what it has.
    private mutating func isNewest(_ origin: LoggedMessage.Origin, _ publish: Publish, _ receipt: Receipt?) -> Bool {
        let lane = Lane(ofTopic: publish.topic)
        guard lanes[lane].retainedSources[origin.lane] ?? 0 < origin.number else {
            if !lanes[lane].isClean { wait(receipt, for: publish, origin) }
            return false
        }
        lanes[lane].retainedSources[origin.lane] = origin.number
        lanes.append(.retainedSource(origin.lane, number: origin.number), to: lane)
        return true
    }

    /// `receipt` waits until the lane of a topic has committed all that it has logged.
    private mutating func wait(_ receipt: Receipt?, for publish: Publish, _ origin: LoggedMessage.Origin?) {
        guard let receipt else { return }
        receipt.remaining += 1
        lanes[Lane(ofTopic: publish.topic)].wait(
            neighbours == nil ? .receipt(receipt) : .retained(receipt, Publish(copying: publish), origin)
        )
        lanes.isUrgent = true
    }

    /// Removes a retained message when it expires.
    mutating func watchExpiry(of message: Message, at node: RetainedMessages.Node) {
        deadlines.cancel(&node.deadline)
        node.deadline = message.expiry.map {
            deadlines.add(.retained(topic: ByteBuffer(bytes: message.encoded.topic.readableBytesView)), at: $0)
        }
    }

    mutating func removeRetained(
        _ levels: [UTF8Key],
        _ topic: ByteBuffer,
        _ receipt: Receipt? = nil,
        origin: LoggedMessage.Origin? = nil,
        now: Instant
    ) {
        guard let node = retained.remove(levels) else { return }
        deadlines.cancel(&node.deadline)
        let publish = Publish(topic: topic, payload: ByteBuffer(), qos: .atLeastOnce, retain: true)
        log(.removed(topic: UTF8Key(String(buffer: topic))), publish, receipt, origin)
    }

    private mutating func log(
        _ record: LaneRecord,
        _ publish: Publish,
        _ receipt: Receipt?,
        _ origin: LoggedMessage.Origin?
    ) {
        // The log of a lane that is being replayed is not this shard's yet.
        guard lanes.isLogging, home(ofTopic: publish.topic) == own else { return }
        lanes.append(record, to: Lane(ofTopic: publish.topic))
        wait(receipt, for: publish, origin)
    }

    // MARK: - Look-ups

    /// Begins to look for the retained messages that filters match, for a SUBSCRIBE at this or another shard.
    ///
    /// - Parameters:
    ///   - limit: the most messages to find.
    ///   - asker: the shard of the session.
    mutating func findRetained(
        _ filters: [TopicFilter],
        atMost limit: Int,
        for requester: Requester,
        at asker: ShardReference,
        now: Instant
    ) {
        lookUps.append(RetainedLookUp(filters, requester: requester, asker: asker, room: limit, in: retained))
        advancePace(to: now)
        continueLookUps(now: now)
    }

    /// Goes on with look-ups, each in its turn, as far as the steps of this tick reach.
    mutating func continueLookUps(now: Instant) {
        while pace.stepsLeft > 0, var lookUp = lookUps.popFirst() {
            var found = lookUp.advance(by: &pace.stepsLeft, in: retained, now: now)
            if neighbours != nil { found.removeAll { !isServed($0.message) } }
            let isDone = lookUp.isDone
            if isDone || !found.isEmpty {
                send(.foundRetained(found, isLast: isDone, for: lookUp.requester), to: lookUp.asker)
            }
            if !isDone { lookUps.append(lookUp) }
        }
    }

    /// False for a retained message of a lane that is being replayed, and that another shard may lead.
    func isServed(_ message: Message) -> Bool { home(ofTopic: message.encoded.topic) == own }

    /// Ends the look-ups of a connection that ends.
    mutating func cancelLookUps(of connection: Connection) {
        guard let pending = connection.pendingSubscribe, pending.isAcknowledged else { return }
        let requester = pending.requester
        for shard in 0..<count { send(.cancelLookUp(of: requester), to: sibling(shard)) }
        for node in pending.answersDueOfNodes.keys {
            for shard in lanes.leadingShards where shard.node == node { send(.cancelLookUp(of: requester), to: shard) }
        }
    }
}
