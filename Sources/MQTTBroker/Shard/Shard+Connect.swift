import MQTTCodec
import NIOCore

// CONNECT, DISCONNECT and the ends of connections and sessions.
extension Shard {
    mutating func receive(_ connect: Connect, on connection: Connection, now: NIODeadline) {
        connection.version = connect.version
        connection.isBridge = connect.isBridge
        connection.receiveMaximum = Int(connect.properties.receiveMaximum ?? .max)
        connection.maximumPacketSize = connect.properties.maximumPacketSize.map { Int($0) } ?? .max
        var connect = connect
        // The buffers outlive the read burst while the claim is carried out.
        connect.password = connect.password.map { ByteBuffer(bytes: $0.readableBytesView) }
        connect.will = connect.will.map { Connect.Will(copying: $0) }
        if connection.isEarly { counters.earlyConnects += 1 }
        adoptCertificate(of: connection, in: &connect)
        connection.state = .connecting
        connection.connect = PendingConnect(connect)

        if let refusal = refusal(of: connect) {
            fail(connection, refusal, now: now)
            return
        }
        let verdict = authenticator.verdict(connect, ticket(connection))
        admit(connect, on: connection, verdict: verdict, now: now)
    }

    /// A verified certificate stands for what the client says of itself, where the limits say so.
    private func adoptCertificate(of connection: Connection, in connect: inout Connect) {
        guard let certificate = connection.peer.certificate else { return }
        if let name = limits.certificateAsUserName.flatMap({ certificate.value(of: $0) }) { connect.userName = name }
        if let name = limits.certificateAsClientIdentifier.flatMap({ certificate.value(of: $0) }) {
            connect.clientIdentifier = name
        }
    }

    /// What the server cannot give, before it asks who the client is.
    private func refusal(of connect: Connect) -> ReasonCode? {
        if connect.properties.authenticationMethod != nil { return .badAuthenticationMethod }
        if connect.clientIdentifier.isEmpty, !connect.cleanStart, connect.version != .v5 {
            return .clientIdentifierNotValid  // [MQTT-3.1.3-8] of MQTT 3.1.1
        }
        if connect.clientIdentifier.utf8.count > limits.maximumClientIdentifierLength {
            return .clientIdentifierNotValid
        }
        if let will = connect.will {
            if will.qos > limits.maximumQoS { return .qosNotSupported }  // [MQTT-3.2.2-12]
            if will.retain, !limits.retainAvailable { return .retainNotSupported }  // [MQTT-3.2.2-13]
            if TopicLevels.split(will.topic, limit: limits.maximumTopicLevels) == nil { return .topicNameInvalid }
        }
        return nil
    }

    mutating func admit(
        _ connect: Connect,
        on connection: Connection,
        verdict: Authenticator.Verdict,
        now: NIODeadline
    ) {
        switch verdict {
        case .pending:
            return
        case .refused(let reason):
            tell(.authenticationFailed, connection, reason)
            fail(connection, reason, now: now)
        case .allowed:
            var connect = connect
            if connect.clientIdentifier.isEmpty {
                // [MQTT-3.1.3-6]: one that nobody else uses. MQTT 3.1 has no empty one, but its clients send it.
                connect.clientIdentifier =
                    "auto-" + String(random.next() as UInt64, radix: 36)
                    + String(random.next() as UInt64, radix: 36)
                connection.connect = PendingConnect(connect, hasAssignedIdentifier: true)
            }
            guard let pending = connection.connect, takesAcceptance(pending) else {
                fail(connection, .packetTooLarge, now: now)
                return
            }
            let client = UTF8Key(connect.clientIdentifier)
            let claim = Claim(client: client, connection: ticket(connection), cleanStart: connect.cleanStart)
            send(.claim(claim), to: home(of: client))
        }
    }

    /// The client has its session: CONNACK, then what waited for it [MQTT-3.2.0-1], [MQTT-4.4.0-1].
    mutating func attach(
        _ session: Session,
        to connection: Connection,
        _ connect: Connect,
        isPresent: Bool,
        now: NIODeadline
    ) {
        tell(.connected, connection)
        let hasAssignedIdentifier = connection.connect?.hasAssignedIdentifier ?? false
        session.connection = connection
        session.absence &+= 1
        session.delayedWill = nil
        session.window.beginResending()
        connection.state = .connected
        connection.session = session
        connection.connect = nil
        connection.will = connect.will
        session.expiryInterval = expiryInterval(of: connect)
        var acknowledgement = acceptance(of: connect, hasAssignedIdentifier: hasAssignedIdentifier)
        acknowledgement.sessionPresent = isPresent
        // The client takes its size: `admit` has seen to it.
        write(.connectAcknowledgement(acknowledgement), to: connection, now: now)
        if isPresent { counters.sessionsResumed += 1 } else { counters.sessionsCreated += 1 }

        let keepAlive = connect.version == .v5 ? limits.serverKeepAlive ?? connect.keepAlive : connect.keepAlive
        connection.keepAlive =
            keepAlive == 0 ? nil : .milliseconds(Int64(Double(keepAlive) * 1000 * limits.keepAliveMultiplier))
        connection.lastPacket = now
        watchKeepAlive(of: connection, now: now)

        activateStreams(of: connection, for: session)
        pump(connection, now: now)
        resume(connection, now: now)
        // What follows CONNECT on the control stream may have ended the connection.
        for stream in connection.streams where !stream.isClosed { resume(stream, now: now) }
    }

    /// The CONNACK of a client that is let in, but for Session Present.
    private func acceptance(of connect: Connect, hasAssignedIdentifier: Bool) -> ConnectAcknowledgement {
        var properties = ConnectAcknowledgement.Properties()
        if connect.version == .v5 {
            let expiryInterval = expiryInterval(of: connect)
            if expiryInterval != connect.properties.sessionExpiryInterval ?? 0 {
                properties.sessionExpiryInterval = expiryInterval
            }
            properties.receiveMaximum = limits.maximumAwaitingRelease
            properties.maximumQoS = limits.maximumQoS < .exactlyOnce ? limits.maximumQoS : nil
            properties.retainAvailable = limits.retainAvailable ? nil : false
            properties.maximumPacketSize = UInt32(clamping: limits.maximumPacketSize)
            properties.topicAliasMaximum = limits.maximumTopicAlias
            properties.wildcardSubscriptionAvailable = limits.wildcardSubscriptionAvailable ? nil : false
            properties.sharedSubscriptionAvailable = false
            properties.serverKeepAlive = limits.serverKeepAlive
            properties.assignedClientIdentifier = hasAssignedIdentifier ? connect.clientIdentifier : nil
        }
        return ConnectAcknowledgement(sessionPresent: false, reasonCode: .success, properties: properties)
    }

    /// Whether the client takes a CONNACK of the size that it would get [MQTT-3.1.2-24]. Asked before its session is
    /// claimed, so that a client that cannot be answered takes over nothing.
    private func takesAcceptance(_ pending: PendingConnect) -> Bool {
        guard let maximum = pending.packet.properties.maximumPacketSize else { return true }
        let acknowledgement = acceptance(of: pending.packet, hasAssignedIdentifier: pending.hasAssignedIdentifier)
        var octets = ByteBuffer()
        return octets.write(.connectAcknowledgement(acknowledgement), version: .v5) <= maximum
    }

    private func expiryInterval(of connect: Connect) -> UInt32 {
        if connect.version == .v5 {
            return min(connect.properties.sessionExpiryInterval ?? 0, limits.maximumSessionExpiryInterval)
        }
        return connect.cleanStart ? 0 : limits.sessionExpiryInterval
    }

    mutating func receive(_ disconnect: Disconnect, on connection: Connection, now: NIODeadline) {
        guard let session = connection.session else { return }
        // On a data stream it ends that, and says nothing of the session.
        if !connection.isDataStream, let interval = disconnect.sessionExpiryInterval {
            // One that ends with its connection cannot be prolonged at its end [MQTT-3.14.2-2].
            if session.expiryInterval == 0, interval != 0 {
                fail(connection, .protocolError, now: now)
                return
            }
            session.expiryInterval = min(interval, limits.maximumSessionExpiryInterval)
        }
        connection.endReason = .normalDisconnection
        // Only 0x00 lets go of the will [MQTT-3.14.4-3].
        leave(connection, publishesWill: disconnect.reasonCode != .normalDisconnection, now: now)
        markDirty(connection)
    }

    /// Ends a connection for a reason that the peer is told, as far as its version can say it. The end of a data stream
    /// says it by itself, and concerns nothing else.
    mutating func fail(_ connection: Connection, _ reason: ReasonCode, now: NIODeadline) {
        if connection.isClosed { return }
        connection.endReason = reason
        if connection.isDataStream {
            counters.streamsFailed += 1
            markDirty(connection)
            leave(connection, publishesWill: false, now: now)
            return
        }
        switch connection.state {
        case .closed:
            return
        case .awaitingConnect:
            // What sent this may be no MQTT client at all. MQTT 5.0 lets it be told [MQTT-3.1.4-1], MQTT 3.1.1 wants no
            // CONNACK; one of an unknown version is told that in words that all know [MQTT-3.1.2-2].
            counters.connectionsRefused += 1
            tell(.refused, connection, reason)
            markDirty(connection)
            if reason == .unsupportedProtocolVersion {
                connection.version = .v3_1_1
                refuse(connection, reason)
            } else if connection.decoder.version == .v5 {
                refuse(connection, reason)
            }
        case .connecting:
            counters.connectionsRefused += 1
            tell(.refused, connection, reason)
            refuse(connection, reason)
        case .connected, .subscribing:
            writeIfTaken(.disconnect(Disconnect(reasonCode: reason)), to: connection)
        }
        leave(connection, publishesWill: true, now: now)
    }

    private mutating func refuse(_ connection: Connection, _ reason: ReasonCode) {
        writeIfTaken(.connectAcknowledgement(ConnectAcknowledgement(reasonCode: reason)), to: connection)
    }

    /// Parts a connection from its session. The shell closes the transport once the output is written.
    mutating func leave(_ connection: Connection, publishesWill: Bool, now: NIODeadline) {
        let session = connection.session
        if session != nil, !connection.isDataStream { tell(.disconnected, connection, connection.endReason) }
        let will = connection.will
        connection.state = .closed
        endStreams(of: connection, now: now)
        if let control = connection.control { remove(connection, from: control) }
        connection.session = nil
        connection.connect = nil
        connection.will = nil
        connection.pending = ByteBuffer()
        connection.topicAliases = TopicAliases()
        if connection.isGone { free(connection) }
        guard let session, session.connection === connection else { return }
        session.connection = nil
        if let parent = session.parent {
            fold(session, into: parent, now: now)
            return
        }
        session.absence &+= 1

        if publishesWill, let will {
            let delay = min(
                will.properties.isEmpty ? 0 : will.properties.values.willDelayInterval ?? 0,
                session.expiryInterval
            )
            if delay == 0 {
                publish(will, of: session, now: now)
            } else {
                postpone(Session.DelayedWill(will: will, due: now + .seconds(Int64(delay))), of: session)
            }
        }
        startAbsence(of: session, now: now)
    }

    mutating func postpone(_ will: Session.DelayedWill, of session: Session) {
        session.delayedWill = will
        schedule(.will(session.clientIdentifier, session: session.number, absence: session.absence), at: will.due)
    }

    /// The client is away: its session ends when its time is over [MQTT-3.1.2-23].
    mutating func startAbsence(of session: Session, now: NIODeadline) {
        if session.expiryInterval == 0 {
            end(session, now: now)
        } else if session.expiryInterval != .max {
            schedule(
                .sessionExpiry(session.clientIdentifier, session: session.number, absence: session.absence),
                at: now + .seconds(Int64(session.expiryInterval))
            )
        }
    }

    /// Ends a session whose client is away. Its delayed will goes out now at the latest [MQTT-3.1.3-9].
    mutating func end(_ session: Session, now: NIODeadline) {
        publishDelayedWill(of: session, now: now)
        discard(session)
        send(.ended(session.clientIdentifier), to: home(of: session.clientIdentifier))
    }

    mutating func discard(_ session: Session) {
        for filter in session.subscriptions.keys { removeFromTree(session, filter) }
        session.letGo()
        if sessions[session.clientIdentifier] === session { sessions[session.clientIdentifier] = nil }
    }

    mutating func publishDelayedWill(of session: Session, now: NIODeadline) {
        guard let delayed = session.delayedWill else { return }
        session.delayedWill = nil
        publish(delayed.will, of: session, now: now)
    }
}

extension Connect.Will {
    /// A will is kept for as long as its connection, so it owns its octets.
    init(copying will: Connect.Will) {
        self = will
        topic = ByteBuffer(bytes: will.topic.readableBytesView)
        payload = ByteBuffer(bytes: will.payload.readableBytesView)
        if !properties.isEmpty {
            properties.values.correlationData = properties.values.correlationData.map {
                ByteBuffer(bytes: $0.readableBytesView)
            }
        }
    }
}
