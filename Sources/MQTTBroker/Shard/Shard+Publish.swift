import DequeModule
import MQTTCodec
import NIOCore

// The way of a PUBLISH.
extension Shard {
    mutating func receive(_ publish: consuming Publish, on connection: Connection, now: NIODeadline) {
        guard let session = connection.session else { return }
        counters.messagesReceived += 1
        if connection.isEarly { counters.earlyMessages += 1 }
        if !publish.properties.isEmpty, let alias = publish.properties.values.topicAlias {
            if let reason = connection.topicAliases.resolve(alias, of: &publish, limits: limits) {
                fail(connection, reason, now: now)
                return
            }
        }
        if publish.qos > limits.maximumQoS {
            fail(connection, .qosNotSupported, now: now)
            return
        }
        if publish.retain, !limits.retainAvailable {
            fail(connection, .retainNotSupported, now: now)
            return
        }
        guard let route = route(publish.topic) else {
            fail(connection, .topicNameInvalid, now: now)
            return
        }

        switch publish.qos {
        case .atMostOnce:
            distribute(publish, along: route, from: session, now: now)
        case .atLeastOnce:
            distribute(publish, along: route, from: session, now: now)
            acknowledge(.received, publish.packetIdentifier, answer(route), on: connection, now: now)
        case .exactlyOnce:
            if session.awaitingRelease.contains(publish.packetIdentifier)
                || isOrphan(publish.packetIdentifier, isDuplicate: publish.isDuplicate, in: session)
            {
                // Handed on already: only the answer is repeated [MQTT-4.3.3-10].
                counters.duplicatesSuppressed += 1
                acknowledge(.recorded, publish.packetIdentifier, .success, on: connection, now: now)
                return
            }
            // MQTT 3 clients know no Receive Maximum; their packet identifiers bound them.
            guard
                connection.version != .v5 || connection.unreleased < Int(limits.maximumAwaitingRelease)
            else {
                fail(connection, .receiveMaximumExceeded, now: now)
                return
            }
            connection.unreleased += 1
            session.awaitingRelease.insert(publish.packetIdentifier)
            distribute(publish, along: route, from: session, now: now)
            acknowledge(.recorded, publish.packetIdentifier, answer(route), on: connection, now: now)
        }
    }

    /// Whether a message was handed on when it came on a data stream that has ended since: then the exchange goes on here.
    ///
    /// One without DUP on the control stream is a new message: its client has given the earlier exchange up. On a data
    /// stream, which numbers its messages apart, it says nothing of the earlier one.
    private func isOrphan(_ identifier: UInt16, isDuplicate: Bool, in session: Session) -> Bool {
        let root = session.root
        if root.orphans.isEmpty { return false }
        if !isDuplicate {
            if session === root { _ = root.orphans.take(identifier) }
            return false
        }
        guard root.orphans.take(identifier) else { return false }
        session.awaitingRelease.insert(identifier)
        return true
    }

    private func answer(_ route: Route) -> ReasonCode { route.isEmpty ? .noMatchingSubscribers : .success }

    private mutating func acknowledge(
        _ kind: PublishAcknowledgement.Kind,
        _ identifier: UInt16,
        _ reason: ReasonCode,
        on connection: Connection,
        now: NIODeadline
    ) {
        let version = connection.version
        let isWritten = append(to: connection) {
            $0.writePublishAcknowledgement(kind, packetIdentifier: identifier, reasonCode: reason, version: version)
        }
        if isWritten { return }
        // The packet is an octet shorter without its reason code, which then is Success (MQTT 5.0 §3.4.2.1).
        let isShortened =
            !reason.isError
            && append(to: connection) {
                $0.writePublishAcknowledgement(kind, packetIdentifier: identifier, version: version)
            }
        if !isShortened { fail(connection, .packetTooLarge, now: now) }
    }

    // MARK: - Routing

    /// Where the topic's messages go; `nil` where it has too many levels.
    private mutating func route(_ topic: ByteBuffer) -> Route? {
        let generation = tree.generation &+ interestGeneration
        if let route = routes.route(topic, generation: generation) { return route }
        guard let levels = TopicLevels.split(topic, limit: limits.maximumTopicLevels) else { return nil }
        let route = Route(
            generation: generation,
            deliveries: Route.deliveries(of: levels, in: tree),
            shards: othersInterest?.shards(interestedIn: levels) ?? 0
        )
        routes.remember(route, for: topic)
        return route
    }

    private mutating func distribute(_ publish: Publish, along route: Route, from publisher: Session?, now: NIODeadline)
    {
        if route.isEmpty { counters.messagesWithoutSubscribers += 1 }
        deliver(publish, along: route, from: publisher, source: index, now: now)
        if route.shards != 0 {
            for shard in 0..<count where route.shards & (1 << UInt32(shard)) != 0 {
                counters.messagesHandedOver += 1
                send(.publish(publish), to: shard)
            }
        }
        if publish.retain {
            let shard = count == 1 ? 0 : Int(FNV1a.hash(publish.topic.readableBytesView) % UInt64(count))
            if shard == index { retain(publish, now: now) } else { send(.retain(publish), to: shard) }
        }
    }

    /// Another shard's message: its publisher's shard has done the rest.
    mutating func receiveHandOver(_ publish: Publish, from source: Int, now: NIODeadline) {
        guard let route = route(publish.topic) else { return }
        deliver(publish, along: route, from: nil, source: source, now: now)
    }

    mutating func publish(_ will: Connect.Will, of session: Session, now: NIODeadline) {
        counters.willsPublished += 1
        var properties = will.properties
        if !properties.isEmpty { properties.values.willDelayInterval = nil }
        let publish = Publish(
            topic: will.topic,
            payload: will.payload,
            qos: will.qos,
            retain: will.retain,
            properties: properties
        )
        guard let route = route(publish.topic) else { return }
        distribute(publish, along: route, from: session, now: now)
    }

    mutating func retain(_ publish: Publish, now: NIODeadline) {
        guard let levels = TopicLevels.split(publish.topic, limit: limits.maximumTopicLevels) else { return }
        if publish.payload.readableBytes == 0 {
            retained.remove(levels)
            return
        }
        guard publish.payload.readableBytes <= limits.maximumRetainedPayload else {
            counters.retainedMessagesRefused += 1
            return
        }
        let message = Message(copying: EncodedPublish(publish), qos: publish.qos, now: now)
        guard retained.set(message, at: levels, limits: limits) else {
            counters.retainedMessagesRefused += 1
            return
        }
        if let expiry = message.expiry {
            schedule(.retained(topic: ByteBuffer(bytes: publish.topic.readableBytesView)), at: expiry)
        }
    }

    // MARK: - Delivery

    private mutating func deliver(
        _ publish: Publish,
        along route: Route,
        from publisher: Session?,
        source: Int,
        now: NIODeadline
    ) {
        if route.deliveries.isEmpty { return }
        var outgoing = OutgoingMessage(publish, now: now)
        for delivery in route.deliveries {
            if delivery.noLocal, delivery.session.root === publisher?.root { continue }  // [MQTT-3.8.3-3]
            if delivery.session.ignoredShards & (1 << UInt32(source)) != 0 { continue }
            deliver(
                &outgoing,
                to: delivery.session,
                qos: min(publish.qos, delivery.maximumQoS),
                retain: publish.retain && delivery.retainAsPublished,
                identifiers: delivery.identifiers
            )
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
        } else if qos > .atMostOnce || limits.queuesQoS0 || session.isSubscribing {
            let entry = MessageQueue.Entry(message: outgoing.kept(), qos: qos, retain: retain, identifiers: identifiers)
            enqueue(entry, for: session)
        } else {
            counters.messagesDroppedSlowReader += 1
            tell(.messageDroppedSlowReader, of: session)
        }
    }

    mutating func enqueue(_ entry: MessageQueue.Entry, for session: Session) {
        let siblings = session.siblings
        guard siblings.isEmpty || makeRoom(for: entry, in: session, beside: siblings) else {
            counters.messagesDroppedQueueFull += 1
            tell(.messageDroppedQueueFull, of: session)
            return
        }
        let outcome = session.queue.append(
            entry,
            maximumCount: limits.maximumQueueLength,
            maximumBytes: limits.maximumQueueBytes
        )
        if outcome.isQueued { counters.messagesQueued += 1 }
        counters.messagesDroppedQueueFull += UInt64(outcome.dropped)
        if outcome.dropped > 0 { tell(.messageDroppedQueueFull, of: session) }
    }

    /// Whether a message may go out now without passing one that waits [MQTT-4.6.0-6], nor the retained messages of a
    /// SUBSCRIBE, which are older.
    private func canSend(_ qos: QualityOfService, on connection: Connection, _ session: Session) -> Bool {
        guard canWrite(to: connection), !session.isSubscribing, session.retainedBacklog.isEmpty else { return false }
        if qos == .atMostOnce { return session.queue.countAtMostOnce == 0 }
        return session.queue.isEmpty && session.window.isSentWhole && hasRoom(connection, session)
    }

    private func canWrite(to connection: Connection) -> Bool {
        !connection.isBlocked && connection.output.count < connection.outputHighWaterMark
    }

    private func hasRoom(_ connection: Connection, _ session: Session) -> Bool {
        let sent = session.window.sentCount
        guard sent < min(connection.receiveMaximum, limits.maximumInflight) else { return false }  // [MQTT-3.3.4-9]
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
            identifier = session.window.append(outgoing.kept(), qos: qos, retain: retain, identifiers: identifiers)
        }
        write(encoded, to: connection, qos: qos, identifier: identifier, retain: retain, identifiers: identifiers)
        counters.messagesDelivered += 1
    }

    /// Whether the client takes a packet of this size; one that it does not take counts as sent [MQTT-3.1.2-25].
    private mutating func fits(
        _ encoded: EncodedPublish,
        _ qos: QualityOfService,
        _ identifiers: [UInt32],
        _ connection: Connection
    ) -> Bool {
        let size = encoded.size(version: connection.version, qos: qos, subscriptionIdentifiers: identifiers)
        if size > 0, size <= connection.maximumPacketSize { return true }
        counters.messagesDroppedTooLarge += 1
        return false
    }

    private mutating func write(
        _ encoded: EncodedPublish,
        to connection: Connection,
        qos: QualityOfService,
        identifier: UInt16,
        retain: Bool,
        isDuplicate: Bool = false,
        identifiers: [UInt32],
        remainingExpiry: UInt32? = nil
    ) {
        markDirty(connection)
        let isSmall = encoded.payload.readableBytes < EncodedPublish.separatePayloadThreshold
        encoded.write(
            into: &connection.output.buffer,
            version: connection.version,
            qos: qos,
            packetIdentifier: identifier,
            retain: retain,
            isDuplicate: isDuplicate,
            subscriptionIdentifiers: identifiers,
            messageExpiryInterval: remainingExpiry,
            withPayload: isSmall
        )
        if !isSmall { connection.output.append(encoded.payload, next: takeBuffer()) }
    }

    // MARK: - What waits

    /// Sends what waits for a client for as long as it can take it.
    mutating func pump(_ connection: Connection, now: NIODeadline) {
        guard connection.state == .connected, let session = connection.session else { return }
        resend(on: connection, session, now: now)
        while let entry = session.retainedBacklog.first, canPump(entry, on: connection, session) {
            _ = session.retainedBacklog.popFirst()
            send(entry, on: connection, session, now: now)
        }
        guard session.retainedBacklog.isEmpty else { return }
        while let entry = session.queue.first, canPump(entry, on: connection, session) {
            _ = session.queue.popFirst()
            send(entry, on: connection, session, now: now)
        }
    }

    private func canPump(_ entry: MessageQueue.Entry, on connection: Connection, _ session: Session) -> Bool {
        canWrite(to: connection)
            && (entry.qos == .atMostOnce || session.window.isSentWhole && hasRoom(connection, session))
    }

    private mutating func send(
        _ entry: MessageQueue.Entry,
        on connection: Connection,
        _ session: Session,
        now: NIODeadline
    ) {
        if entry.message.isExpired(now: now) {  // [MQTT-3.3.2-5]
            counters.messagesExpired += 1
            return
        }
        let encoded = entry.message.encoded
        guard fits(encoded, entry.qos, entry.identifiers, connection) else { return }
        var identifier: UInt16 = 0
        if entry.qos > .atMostOnce {
            identifier = session.window.append(
                entry.message,
                qos: entry.qos,
                retain: entry.retain,
                identifiers: entry.identifiers
            )
        }
        write(
            encoded,
            to: connection,
            qos: entry.qos,
            identifier: identifier,
            retain: entry.retain,
            identifiers: entry.identifiers,
            remainingExpiry: entry.message.remainingExpiry(now: now)  // [MQTT-3.3.2-6]
        )
        counters.messagesDelivered += 1
    }

    /// A client that came back gets what it has not acknowledged, in order and with its identifiers [MQTT-4.4.0-1], as
    /// fast as its new connection takes it.
    private mutating func resend(on connection: Connection, _ session: Session, now: NIODeadline) {
        while let entry = session.window.firstUnsent, canWrite(to: connection) {
            guard let message = entry.message else {
                session.window.markFirstUnsentAsSent()
                acknowledge(.release, entry.identifier, .success, on: connection, now: now)
                continue
            }
            guard hasRoom(connection, session) else { return }
            let qos = entry.state == .awaitingAcknowledgement ? QualityOfService.atLeastOnce : .exactlyOnce
            guard fits(message.encoded, qos, entry.identifiers, connection) else {
                session.window.discardFirstUnsent()
                continue
            }
            session.window.markFirstUnsentAsSent()
            write(
                message.encoded,
                to: connection,
                qos: qos,
                identifier: entry.identifier,
                retain: entry.retain,
                isDuplicate: true,  // [MQTT-3.3.1-1]
                identifiers: entry.identifiers,
                remainingExpiry: message.remainingExpiry(now: now)
            )
        }
    }

    // MARK: - Acknowledgements

    mutating func receive(_ acknowledgement: PublishAcknowledgement, on connection: Connection, now: NIODeadline) {
        guard let session = connection.session else { return }
        let identifier = acknowledgement.packetIdentifier
        switch acknowledgement.kind {
        case .received:
            if session.window.acknowledge(identifier) == .done { pump(connection, now: now) }
        case .recorded:
            switch session.window.record(identifier, isError: acknowledgement.reasonCode.isError) {
            case .release:
                acknowledge(.release, identifier, .success, on: connection, now: now)
            case .done:
                pump(connection, now: now)
            case .unknown:
                acknowledge(.release, identifier, .packetIdentifierNotFound, on: connection, now: now)
            }
        case .release:
            let isKnown =
                session.awaitingRelease.remove(identifier) != nil
                || !session.root.orphans.isEmpty && session.root.orphans.take(identifier)
            connection.unreleased = max(0, connection.unreleased - 1)
            acknowledge(.complete, identifier, isKnown ? .success : .packetIdentifierNotFound, on: connection, now: now)
        case .complete:
            if session.window.complete(identifier) == .done { pump(connection, now: now) }
        }
    }
}
