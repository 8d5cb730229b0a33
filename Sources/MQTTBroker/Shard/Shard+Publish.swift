import DequeModule
import MQTTCodec
import NIOCore

// PUBLISH (MQTT 5.0 §3.3): checks, QoS, and the way to the routes of its topic.
extension Shard {
    mutating func handle(_ publish: consuming Publish, on connection: Connection, now: Instant) {
        guard connection.state == .connected else { return }
        if !publish.properties.isEmpty, let alias = publish.properties.values.topicAlias {
            if let reason = connection.inbound.topicAliases.resolve(
                alias,
                of: &publish,
                limits: connection.limits.values
            ) {
                fail(connection, reason, now: now)
                return
            }
        }
        if publish.qos == .exactlyOnce, connection.remoteSession != nil {
            // The packet identifier is kept where the session is.
            if !publish.properties.isEmpty { publish.properties.values.topicAlias = nil }
            passOn(.publish(publish), of: connection)
            return
        }
        counters.messagesReceived += 1
        connection.traffic.messagesReceived &+= 1
        if connection.isEarly { counters.earlyMessages += 1 }
        if publish.qos > connection.limits.values.maximumQoS {
            fail(connection, .qosNotSupported, now: now)
            return
        }
        if publish.retain, !connection.limits.values.retainAvailable {
            fail(connection, .retainNotSupported, now: now)
            return
        }
        guard let route = router.route(publish.topic) else {
            fail(connection, .topicNameInvalid, now: now)
            return
        }

        switch publish.qos {
        case .atMostOnce:
            distribute(publish, along: route, from: connection.identity, now: now)
        case .atLeastOnce:
            if lanes.isUnusual(now.monotonic), refuse(publish, along: route, on: connection, now: now) { return }
            let receipt = distributeForReceipt(publish, along: route, of: connection, now: now)
            acknowledge(
                .received,
                publish.packetIdentifier,
                answer(route),
                on: connection,
                after: receipt,
                octets: publish.octetCount,
                now: now
            )
        case .exactlyOnce:
            guard let session = connection.session else { return }
            if session.awaitingRelease.contains(publish.packetIdentifier)
                || isOrphan(publish.packetIdentifier, isDuplicate: publish.isDuplicate, in: session)
            {
                // Delivered already: only the answer is repeated [MQTT-4.3.3-10].
                counters.duplicatesSuppressed += 1
                let receipt = receiptForCommit(of: session.lane, on: connection)
                acknowledge(.recorded, publish.packetIdentifier, .success, on: connection, after: receipt, now: now)
                return
            }
            // MQTT 3 clients know no Receive Maximum; their packet identifiers bound them.
            guard
                connection.outbound.version != .v5
                    || connection.inbound.unreleased < Int(connection.limits.values.maximumAwaitingRelease)
            else {
                fail(connection, .receiveMaximumExceeded, now: now)
                return
            }
            if lanes.isUnusual(now.monotonic), refuse(publish, along: route, on: connection, now: now) { return }
            connection.inbound.unreleased += 1
            session.awaitingRelease.insert(publish.packetIdentifier)
            var receipt: Receipt?
            if let lane = session.lane {
                let own = Receipt(.connection(connection))
                post(publish, of: session, in: lane, own, now: now)
                receipt = own
            } else {
                receipt = distributeForReceipt(publish, along: route, of: connection, now: now)
            }
            acknowledge(
                .recorded,
                publish.packetIdentifier,
                answer(route),
                on: connection,
                after: receipt,
                octets: publish.octetCount,
                now: now
            )
        }
    }

    /// Logs a message at QoS 2 of a client with a durable session together with its packet identifier. The message is handed over once that is
    /// committed, for which `receipt` waits, too.
    mutating func post(
        _ publish: Publish,
        of session: Session,
        in lane: Lane,
        _ receipt: Receipt,
        now: Instant
    ) {
        let (message, number) = append(publish, toOutboxOf: lane, from: session, now: now)
        lanes.append(
            .received(
                session.number,
                packetIdentifier: publish.packetIdentifier,
                publisher: session.identity,
                message,
                retain: publish.retain,
                number: number
            ),
            to: lane
        )
        whenCommitted(lane, .outbox, now: now)
        wait(receipt, for: lane)
    }

    /// The receipt of all that the lane of a session has logged; `nil` if that is committed, or there is no lane.
    private mutating func receiptForCommit(of lane: Lane?, on connection: Connection) -> Receipt? {
        guard let lane, !lanes[lane].isClean else { return nil }
        let receipt = Receipt(.connection(connection))
        wait(receipt, for: lane)
        return receipt
    }

    /// `receipt` waits for the commit of all that a lane has logged.
    private mutating func wait(_ receipt: Receipt, for lane: Lane) {
        receipt.remaining += 1
        lanes[lane].wait(.receipt(receipt))
        lanes.isUrgent = true
    }

    /// Whether a message was delivered when it came on a data stream that has ended since. Then the exchange goes on here.
    ///
    /// A PUBLISH without DUP on the control stream is a new message: its client has given the earlier exchange up. On a data
    /// stream, which has packet identifiers of its own, it does not concern the earlier exchange.
    private mutating func isOrphan(_ identifier: UInt16, isDuplicate: Bool, in session: Session) -> Bool {
        let root = session.root
        if root.orphans.isEmpty { return false }
        if !isDuplicate {
            if session === root, root.orphans.take(identifier) {
                log(.forgotten(root.number, packetIdentifier: identifier), of: root)
            }
            return false
        }
        guard root.orphans.take(identifier) else { return false }
        session.awaitingRelease.insert(identifier)
        log(.adopted(session.number, packetIdentifier: identifier), of: session)
        return true
    }

    func answer(_ route: Route) -> ReasonCode { route.isEmpty ? .noMatchingSubscribers : .success }

    // MARK: - Routing

    /// Distributes a message of a client. Returns what its acknowledgement has to wait for; `nil` if it need not wait.
    private mutating func distributeForReceipt(
        _ publish: Publish,
        along route: Route,
        of connection: Connection,
        now: Instant
    ) -> Receipt? {
        guard lanes.isLogging, route.isDurable || publish.retain || !lanes.limbo.isEmpty else {
            distribute(publish, along: route, from: connection.identity, now: now)
            return nil
        }
        let receipt = Receipt(.connection(connection))
        distribute(publish, along: route, from: connection.identity, receipt, now: now)
        return receipt
    }

    /// Gives a message to the sessions of this shard, to the other shards that may have subscribers, and to the home of its topic
    /// if it is to be retained.
    ///
    /// - Parameters:
    ///   - receipt: counts those that have to keep the message; `nil` if nothing waits for that.
    ///   - origin: the outbox that the message comes from, if any.
    mutating func distribute(
        _ publish: Publish,
        along route: Route,
        from publisher: UInt64,
        _ receipt: Receipt? = nil,
        origin: LoggedMessage.Origin? = nil,
        now: Instant
    ) {
        if route.isEmpty { counters.messagesWithoutSubscribers += 1 }
        deliver(publish, along: route, from: publisher, receipt, origin: origin, now: now)
        if neighbours != nil {
            distributeInCluster(publish, along: route, from: publisher, receipt, origin: origin)
        } else if route.shards != 0 {
            for shard in 0..<count where route.shards & (1 << UInt32(shard)) != 0 {
                counters.messagesHandedOver += 1
                let isDurable = route.durableShards & (1 << UInt32(shard)) != 0
                let shard = sibling(shard)
                let number = isDurable ? receipt.map { lanes.awaitStored($0, by: shard) } ?? 0 : 0
                send(.publish(publish, from: publisher, origin: origin, .everybody, receipt: number), to: shard)
            }
        }
        if publish.retain { sendToRetain(publish, from: publisher, receipt, origin: origin, now: now) }
    }

    /// Gives a message to the home of its topic, to be retained.
    private mutating func sendToRetain(
        _ publish: Publish,
        from publisher: UInt64,
        _ receipt: Receipt?,
        origin: LoggedMessage.Origin?,
        now: Instant
    ) {
        let shard = home(ofTopic: publish.topic)
        guard let shard, lanes.limbo.messages.isEmpty || lanes.limbo.waiting & Lane(ofTopic: publish.topic).bit == 0
        else {
            let lane = Lane(ofTopic: publish.topic)
            hold(publish, from: publisher, receipt, origin: origin, lanes: lane.bit, isRetained: true)
            return
        }
        if shard == own {
            retain(publish, receipt, origin: origin, now: now)
        } else {
            let number = lanes.isLogging ? receipt.map { awaitRetained(publish, $0, origin, by: shard) } ?? 0 : 0
            send(.retain(publish, origin: origin, isAgain: false, receipt: number), to: shard)
        }
    }

    /// A message that another shard has handed over, which its shard has retained and handed to the other shards.
    ///
    /// - Parameters:
    ///   - publisher: `Session.identity` of the client that has published the message.
    ///   - scope: the sessions that the message is for.
    ///   - receipt: counts those of this shard that have to keep the message, and the handling of this hand-over.
    ///   - passesOn: true if the message comes from another node, so that it is for the other shards of this node, too.
    mutating func receiveHandOver(
        _ publish: Publish,
        from publisher: UInt64,
        origin: LoggedMessage.Origin?,
        _ scope: LaneScope,
        _ receipt: Receipt?,
        passesOn: Bool,
        now: Instant
    ) {
        var scope = scope
        if neighbours != nil, let receipt {
            let led = passesOn ? lanes.led(byNode: own.node) : lanes.led(by: own)
            let refused = lanes.refusals.judge(scope, led: led)
            tellMissing(refused, receipt)
            scope.lanes &= ~refused
        }
        if let route = router.route(publish.topic) {
            if passesOn { passOn(publish, along: route, from: publisher, receipt, origin: origin, scope) }
            deliver(publish, along: route, from: publisher, receipt, origin: origin, scope, now: now)
        }
        if let receipt { settle(receipt, now: now) }
    }

    mutating func publish(_ will: Connect.Will, of session: Session, now: Instant) {
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
        // Committed together with what says that the will is gone, so that a crash neither loses nor repeats it.
        if let lane = session.lane, publish.qos > .atMostOnce || publish.retain {
            let (message, number) = append(publish, toOutboxOf: lane, from: session, now: now)
            lanes.append(
                .posted(publisher: session.identity, message, retain: publish.retain, number: number),
                to: lane
            )
            whenCommitted(lane, .outbox, now: now)
            return
        }
        guard let route = router.route(publish.topic) else { return }
        distribute(publish, along: route, from: session.identity, now: now)
    }

    private mutating func append(
        _ publish: Publish,
        toOutboxOf lane: Lane,
        from session: Session,
        now: Instant
    ) -> (message: Message, number: UInt64) {
        let message = Message(copying: EncodedPublish(publish), qos: publish.qos, now: now)
        let number = lanes[lane].outbox.append(
            Publish(copying: publish),
            expiry: message.expiry,
            publisher: session.identity
        )
        return (message, number)
    }
}

extension Publish {
    /// Octets of topic and payload.
    var octetCount: Int { topic.readableBytes + payload.readableBytes }

    /// A message with octets of its own, since it outlives the read burst.
    init(copying publish: Publish) {
        self = publish
        topic = ByteBuffer(bytes: publish.topic.readableBytesView)
        payload = ByteBuffer(bytes: publish.payload.readableBytesView)
        if !properties.isEmpty {
            properties.values.correlationData = properties.values.correlationData.map {
                ByteBuffer(bytes: $0.readableBytesView)
            }
        }
    }
}
