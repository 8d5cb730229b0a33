import DequeModule
import MQTTCodec
import NIOCore

// Delivery: from the route of a message to the clients of this shard, with what waits, what is sent again, and
// acknowledgements.
extension Shard {
    /// Delivers a message to the clients of this shard.
    ///
    /// - Parameter publisher: the identity of the session that has published the message, which No Local compares.
    mutating func deliver(
        _ publish: Publish,
        along route: Route,
        from publisher: UInt64,
        _ receipt: Receipt? = nil,
        origin: LoggedMessage.Origin? = nil,
        _ scope: LaneScope = .everybody,
        now: Instant
    ) {
        if route.deliveries.isEmpty { return }
        var outgoing = OutgoingMessage(
            publish,
            receipt,
            origin: origin,
            in: route.hasLoggedDeliveries ? lanes.queueMemory : nil,
            now: now
        )
        // Lanes that the message has come to before, a bit for each.
        var repeated: UInt64 = 0
        let mayMoveToDisk = route.hasLoggedDeliveries && route.deliveries.count <= limits.maximumSegmentCopies
        for delivery in route.deliveries {
            if delivery.noLocal, delivery.session.identity == publisher { continue }  // [MQTT-3.8.3-3]
            if !scope.isEverybody, !scope.includes(delivery.session) { continue }
            if let origin, let lane = delivery.session.lane, lanes[lane].sources[origin.lane] ?? 0 >= origin.number {
                // Kept before the crash after which the outbox hands it over again, or about to be kept.
                repeated |= lane.bit
                continue
            }
            deliver(
                &outgoing,
                to: delivery.session,
                qos: min(publish.qos, delivery.maximumQoS),
                retain: publish.retain && delivery.retainAsPublished,
                identifiers: delivery.identifiers
            )
            if mayMoveToDisk { relieve(delivery.session, now: now) }
        }
        if let origin {
            for (lane, _) in outgoing.logged { lanes[lane].sources[origin.lane] = origin.number }
            if repeated != 0, neighbours != nil, let receipt { wait(receipt, for: repeated, publish, origin) }
        }
    }

    /// A message that lanes have got before waits until they have committed it: they may lose it yet, and would not tell who sends it now.
    private mutating func wait(
        _ receipt: Receipt,
        for repeated: UInt64,
        _ publish: Publish,
        _ origin: LoggedMessage.Origin
    ) {
        for lane in Lane.lanes(of: repeated) where !lanes[lane].isClean {
            receipt.remaining += 1
            lanes[lane].wait(.repeated(receipt, Publish(copying: publish), origin))
            lanes.isUrgent = true
        }
    }

    private mutating func deliver(
        _ outgoing: inout OutgoingMessage,
        to session: Session,
        qos: QualityOfService,
        retain: Bool,
        identifiers: [UInt32]
    ) {
        if let connection = session.connection, canSend(qos, on: connection, session) {
            send(&outgoing, on: connection, session, qos: qos, retain: retain, identifiers: identifiers)
        } else if qos > .atMostOnce || limits.queuesQoS0 || session.isHeldBack {
            let entry = MessageQueue.Entry(message: outgoing.kept(), qos: qos, retain: retain, identifiers: identifiers)
            if enqueue(entry, for: session), entry.isLogged, let lane = session.lane {
                _ = log(entry, of: session, in: lane, packetIdentifier: 0, &outgoing)
            }
        } else {
            counters.messagesDroppedSlowReader += 1
            session.countDrops(1)
            tell(.messageDroppedSlowReader, of: session)
        }
    }

    /// Queues a message for a session. Messages that it displaces are logged; the caller logs the message itself.
    ///
    /// - Returns: false if there was no room.
    @discardableResult
    mutating func enqueue(_ entry: MessageQueue.Entry, for session: Session) -> Bool {
        let siblings = session.siblings
        guard siblings.isEmpty || makeRoom(for: entry, in: session, beside: siblings) else {
            counters.messagesDroppedQueueFull += 1
            session.countDrops(1)
            tell(.messageDroppedQueueFull, of: session)
            return false
        }
        let outcome = session.outgoing.queue.append(
            entry,
            maximumCount: limits.maximumQueueLength,
            maximumBytes: limits.maximumQueueBytes
        )
        if outcome.isQueued { counters.messagesQueued += 1 }
        if outcome.isQueued, outcome.displaced.isEmpty { return true }
        for removed in outcome.displaced { logDropped(removed, of: session) }
        let dropped = outcome.displaced.count + (outcome.isQueued ? 0 : 1)
        counters.messagesDroppedQueueFull += UInt64(dropped)
        session.countDrops(dropped)
        tell(.messageDroppedQueueFull, of: session)
        return outcome.isQueued
    }

    /// Logs a message for one more session of a lane.
    ///
    /// - Parameter packetIdentifier: 0 if the message is queued.
    @inline(never) private mutating func log(
        _ entry: MessageQueue.Entry,
        of session: Session,
        in lane: Lane,
        packetIdentifier: UInt16,
        _ outgoing: inout OutgoingMessage
    ) -> LoggedMessage {
        let target = LoggedMessage.Target(entry, of: session.number, packetIdentifier: packetIdentifier)
        // Somebody who is present may acknowledge the message before it has to be committed.
        if packetIdentifier == 0 || entry.qos == .exactlyOnce { lanes.isUrgent = true }
        if let (_, logged) = outgoing.logged.first(where: { $0.lane == lane }) {
            logged.targets.append(target)
            return logged
        }
        let logged = LoggedMessage(entry.message, origin: outgoing.origin, to: target)
        outgoing.logged.append((lane, logged))
        lanes.append(.message(logged), to: lane)
        if let receipt = outgoing.receipt {
            receipt.remaining += 1
            logged.receipt = receipt
        }
        return logged
    }

    /// Whether a message may be sent now without overtaking one that waits [MQTT-4.6.0-6], or the retained messages of a
    /// SUBSCRIBE, which are older.
    private func canSend(_ qos: QualityOfService, on connection: Connection, _ session: Session) -> Bool {
        guard connection.outbound.hasRoom, !session.isHeldBack, session.outgoing.retained.isEmpty else {
            return false
        }
        if qos == .atMostOnce { return session.outgoing.queue.countAtMostOnce == 0 }
        return session.outgoing.queue.isEmpty && session.outgoing.window.isSentWhole && hasRoom(connection, session)
    }

    private func hasRoom(_ connection: Connection, _ session: Session) -> Bool {
        let sent = session.outgoing.window.sentCount
        // [MQTT-3.3.4-9]
        guard sent < min(connection.outbound.receiveMaximum, limits.maximumInflight) else { return false }
        return sent == 0 || sharesWindow(sent, connection.control ?? connection)
    }

    private mutating func send(
        _ outgoing: inout OutgoingMessage,
        on connection: Connection,
        _ session: Session,
        qos: QualityOfService,
        retain: Bool,
        identifiers: [UInt32]
    ) {
        let encoded = outgoing.encoded
        guard fits(encoded, qos, identifiers, connection) else { return }
        var identifier: UInt16 = 0
        if qos > .atMostOnce {
            identifier = session.outgoing.window.takeIdentifier()
            let entry = MessageQueue.Entry(message: outgoing.kept(), qos: qos, retain: retain, identifiers: identifiers)
            var logged: LoggedMessage?
            if let lane = session.lane {
                logged = log(entry, of: session, in: lane, packetIdentifier: identifier, &outgoing)
            }
            session.outgoing.window.append(entry, identifier, logged: logged)
        }
        write(
            encoded,
            to: connection,
            session,
            qos: qos,
            identifier: identifier,
            retain: retain,
            identifiers: identifiers
        )
        counters.messagesDelivered += 1
        connection.traffic.messagesSent &+= 1
    }

    /// Whether the client takes a packet of this size. A message that is too large counts as sent [MQTT-3.1.2-25].
    private mutating func fits(
        _ encoded: EncodedPublish,
        _ qos: QualityOfService,
        _ identifiers: [UInt32],
        _ connection: Connection
    ) -> Bool {
        let size = encoded.size(version: connection.outbound.version, qos: qos, subscriptionIdentifiers: identifiers)
        if size > 0, size <= connection.outbound.maximumPacketSize { return true }
        counters.messagesDroppedTooLarge += 1
        connection.session?.countDrops(1)
        return false
    }

    /// Appends a PUBLISH to a connection's output; at QoS 2 of a durable session once it is committed, since the client would take it
    /// for another message if it came again after a crash.
    private mutating func write(
        _ encoded: EncodedPublish,
        to connection: Connection,
        _ session: Session,
        qos: QualityOfService,
        identifier: UInt16,
        retain: Bool,
        isDuplicate: Bool = false,
        identifiers: [UInt32],
        remainingExpiry: UInt32? = nil
    ) {
        if qos == .exactlyOnce, session.lane != nil {
            let version = connection.outbound.version
            let isDeferred = deferOutput(of: connection, session) { buffer in
                encoded.write(
                    into: &buffer,
                    version: version,
                    qos: qos,
                    packetIdentifier: identifier,
                    retain: retain,
                    isDuplicate: isDuplicate,
                    subscriptionIdentifiers: identifiers,
                    messageExpiryInterval: remainingExpiry
                )
            }
            if isDeferred {
                if connection.settlement != nil { connection.deferred?.note(identifier) }
                return
            }
        }
        markDirty(connection)
        if identifier != 0, let settlement = connection.settlement { settlement.sent.append(identifier) }
        let isSmall = encoded.payload.readableBytes < EncodedPublish.separatePayloadThreshold
        encoded.write(
            into: &connection.outbound.output.buffer,
            version: connection.outbound.version,
            qos: qos,
            packetIdentifier: identifier,
            retain: retain,
            isDuplicate: isDuplicate,
            subscriptionIdentifiers: identifiers,
            messageExpiryInterval: remainingExpiry,
            withPayload: isSmall
        )
        if !isSmall { connection.outbound.output.append(encoded.payload, next: effects.takeBuffer()) }
    }

    // MARK: - What waits

    /// Sends the messages that wait for a client, as many as its connection and its window take.
    mutating func pump(_ connection: Connection, now: Instant) {
        guard connection.state == .connected, let session = connection.session else { return }
        let subscribe = connection.pendingSubscribe
        // SUBACK goes first.
        if let subscribe, !subscribe.isAcknowledged { return }
        resend(on: connection, session, now: now)
        while let entry = session.outgoing.retained.first, canPump(entry, on: connection, session) {
            _ = session.outgoing.retained.popFirst()
            send(entry, isQueued: false, on: connection, session, now: now)
        }
        guard session.outgoing.retained.isEmpty, subscribe == nil else { return }
        sendQueued(on: connection, session, now: now)
        guard session.outgoing.queue.hasSegments else { return }
        while dropLostSegment(of: session) { sendQueued(on: connection, session, now: now) }
        fetchSegment(of: session, now: now)
    }

    private mutating func sendQueued(on connection: Connection, _ session: Session, now: Instant) {
        while let entry = session.outgoing.queue.first, canPump(entry, on: connection, session),
            let removed = session.outgoing.queue.removeFirst()
        {
            if removed.isOfSegment { logDropped(removed, of: session) }
            send(entry, isQueued: !removed.isOfSegment, on: connection, session, now: now)
        }
    }

    private func canPump(_ entry: MessageQueue.Entry, on connection: Connection, _ session: Session) -> Bool {
        connection.outbound.hasRoom
            && (entry.qos == .atMostOnce || session.outgoing.window.isSentWhole && hasRoom(connection, session))
    }

    /// - Parameter isQueued: true if the log says that the message is in the queue.
    private mutating func send(
        _ entry: MessageQueue.Entry,
        isQueued: Bool,
        on connection: Connection,
        _ session: Session,
        now: Instant
    ) {
        if entry.message.isExpired(now: now) {  // [MQTT-3.3.2-5]
            counters.messagesExpired += 1
            session.countDrops(1)
            if isQueued, entry.isLogged { log(.dropped(session.number, count: 1), of: session) }
            return
        }
        let encoded = entry.message.encoded
        guard fits(encoded, entry.qos, entry.identifiers, connection) else {
            if isQueued, entry.isLogged { log(.dropped(session.number, count: 1), of: session) }
            return
        }
        var identifier: UInt16 = 0
        if entry.qos > .atMostOnce {
            identifier = session.outgoing.window.takeIdentifier()
            var logged: LoggedMessage?
            if let lane = session.lane {
                if isQueued {
                    lanes.append(.sent(session.number, packetIdentifier: identifier), to: lane)
                } else {
                    var outgoing = OutgoingMessage(entry.message, now: now)
                    logged = log(entry, of: session, in: lane, packetIdentifier: identifier, &outgoing)
                }
            }
            session.outgoing.window.append(entry, identifier, logged: logged)
        }
        write(
            encoded,
            to: connection,
            session,
            qos: entry.qos,
            identifier: identifier,
            retain: entry.retain,
            identifiers: entry.identifiers,
            remainingExpiry: entry.message.remainingExpiry(now: now)  // [MQTT-3.3.2-6]
        )
        counters.messagesDelivered += 1
        connection.traffic.messagesSent &+= 1
    }

    /// Sends messages again that a client has not acknowledged on its earlier connection, in order and with their packet
    /// identifiers [MQTT-4.4.0-1], as fast as the new connection takes them.
    private mutating func resend(on connection: Connection, _ session: Session, now: Instant) {
        while let entry = session.outgoing.window.firstUnsent, connection.outbound.hasRoom {
            guard let message = entry.message else {
                session.outgoing.window.markFirstUnsentAsSent()
                acknowledgeWhenCommitted(.release, entry.identifier, .success, on: connection, session)
                continue
            }
            guard hasRoom(connection, session) else { return }
            guard fits(message.encoded, entry.qos, entry.identifiers, connection) else {
                session.outgoing.window.discardFirstUnsent()
                log(.acknowledged(session.number, packetIdentifier: entry.identifier), of: session)
                continue
            }
            session.outgoing.window.markFirstUnsentAsSent()
            write(
                message.encoded,
                to: connection,
                session,
                qos: entry.qos,
                identifier: entry.identifier,
                retain: entry.retain,
                isDuplicate: true,  // [MQTT-3.3.1-1]
                identifiers: entry.identifiers,
                remainingExpiry: message.remainingExpiry(now: now)
            )
        }
    }

    // MARK: - Acknowledgements

    mutating func handle(_ acknowledgement: PublishAcknowledgement, on connection: Connection, now: Instant) {
        guard let session = connection.session else {
            passOn(.acknowledgement(acknowledgement), of: connection)
            return
        }
        let identifier = acknowledgement.packetIdentifier
        switch acknowledgement.kind {
        case .received:
            guard let entry = session.outgoing.window.acknowledge(identifier) else { return }
            finish(entry, of: session, now: now)
            pump(connection, now: now)
        case .recorded:
            switch session.outgoing.window.record(identifier, isError: acknowledgement.reasonCode.isError) {
            case .release:
                log(.recorded(session.number, packetIdentifier: identifier), of: session)
                acknowledgeWhenCommitted(.release, identifier, .success, on: connection, session)
            case .done(let entry):
                finish(entry, of: session, now: now)
                pump(connection, now: now)
            case .unknown:
                acknowledge(.release, identifier, .packetIdentifierNotFound, on: connection)
            }
        case .release:
            let isKnown =
                session.awaitingRelease.remove(identifier) != nil
                || !session.root.orphans.isEmpty && session.root.orphans.take(identifier)
            connection.inbound.unreleased = max(0, connection.inbound.unreleased - 1)
            if isKnown { log(.released(session.number, packetIdentifier: identifier), of: session) }
            let reason = isKnown ? ReasonCode.success : .packetIdentifierNotFound
            acknowledgeWhenCommitted(.complete, identifier, reason, on: connection, session)
        case .complete:
            guard let entry = session.outgoing.window.complete(identifier) else { return }
            finish(entry, of: session, now: now)
            pump(connection, now: now)
        }
    }

    /// The exchange of a message is over. If its record has not left for the store, the session is struck out of it, and the message
    /// with the last of its sessions.
    private mutating func finish(_ entry: DeliveryWindow.Entry, of session: Session, now: Instant) {
        guard let lane = session.lane else { return }
        if let logged = entry.logged, !logged.isSealed {
            logged.targets.removeAll { $0.session == session.number && $0.packetIdentifier == entry.identifier }
            if logged.targets.isEmpty, let receipt = logged.receipt {
                logged.receipt = nil
                settle(receipt, now: now)
            }
        } else {
            lanes.append(.acknowledged(session.number, packetIdentifier: entry.identifier), to: lane)
        }
    }
}
