import DequeModule
import MQTTCodec
import NIOCore

// PUBLISH (MQTT 5.0 §3.3): checks, QoS, and the way to the routes of its topic.
extension Shard {
    mutating func handle(_ publish: consuming Publish, on connection: Connection, now: Instant) {
        guard connection.state == .connected else { return }
        if !publish.properties.isEmpty, let alias = publish.properties.values.topicAlias {
            if let reason = connection.inbound.topicAliases.resolve(alias, of: &publish, limits: limits) {
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
        if connection.isEarly { counters.earlyMessages += 1 }
        if publish.qos > limits.maximumQoS {
            fail(connection, .qosNotSupported, now: now)
            return
        }
        if publish.retain, !limits.retainAvailable {
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
            distribute(publish, along: route, from: connection.identity, now: now)
            acknowledge(.received, publish.packetIdentifier, answer(route), on: connection)
        case .exactlyOnce:
            guard let session = connection.session else { return }
            if session.awaitingRelease.contains(publish.packetIdentifier)
                || isOrphan(publish.packetIdentifier, isDuplicate: publish.isDuplicate, in: session)
            {
                // Delivered already: only the answer is repeated [MQTT-4.3.3-10].
                counters.duplicatesSuppressed += 1
                acknowledge(.recorded, publish.packetIdentifier, .success, on: connection)
                return
            }
            // MQTT 3 clients know no Receive Maximum; their packet identifiers bound them.
            guard
                connection.outbound.version != .v5 || connection.inbound.unreleased < Int(limits.maximumAwaitingRelease)
            else {
                fail(connection, .receiveMaximumExceeded, now: now)
                return
            }
            connection.inbound.unreleased += 1
            session.awaitingRelease.insert(publish.packetIdentifier)
            distribute(publish, along: route, from: session.identity, now: now)
            acknowledge(.recorded, publish.packetIdentifier, answer(route), on: connection)
        }
    }

    /// Whether a message was delivered when it came on a data stream that has ended since. Then the exchange goes on here.
    ///
    /// A PUBLISH without DUP on the control stream is a new message: its client has given the earlier exchange up. On a data
    /// stream, which has packet identifiers of its own, it does not concern the earlier exchange.
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

    // MARK: - Routing

    private mutating func distribute(_ publish: Publish, along route: Route, from publisher: UInt64, now: Instant) {
        if route.isEmpty { counters.messagesWithoutSubscribers += 1 }
        deliver(publish, along: route, from: publisher, now: now)
        if route.shards != 0 {
            for shard in 0..<count where route.shards & (1 << UInt32(shard)) != 0 {
                counters.messagesHandedOver += 1
                send(.publish(publish, from: publisher), to: shard)
            }
        }
        if publish.retain {
            let shard = home(ofTopic: publish.topic)
            if shard == index { retain(publish, now: now) } else { send(.retain(publish), to: shard) }
        }
    }

    /// A message that another shard has handed over, which its shard has retained and handed to the other shards.
    ///
    /// - Parameter publisher: `Session.identity` of the client that has published the message.
    mutating func receiveHandOver(_ publish: Publish, from publisher: UInt64, now: Instant) {
        guard let route = router.route(publish.topic) else { return }
        deliver(publish, along: route, from: publisher, now: now)
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
        guard let route = router.route(publish.topic) else { return }
        distribute(publish, along: route, from: session.identity, now: now)
    }
}
