import MQTTCodec
import NIOCore

// CONNECT (MQTT 5.0 §3.1).
extension Shard {
    mutating func handle(_ connect: Connect, on connection: Connection, now: Instant) {
        connection.outbound.version = connect.version
        connection.outbound.receiveMaximum = Int(connect.properties.receiveMaximum ?? .max)
        connection.outbound.maximumPacketSize = connect.properties.maximumPacketSize.map { Int($0) } ?? .max
        connection.isBridge = connect.isBridge
        var connect = connect
        // Copied, since these octets outlive the read burst while the claim is carried out.
        connect.password = connect.password.map { ByteBuffer(bytes: $0.readableBytesView) }
        connect.will = connect.will.map { Connect.Will(copying: $0) }
        if connection.isEarly { counters.earlyConnects += 1 }
        let isIdentified = adoptCertificate(of: connection, in: &connect)
        connection.waiting = .connect(PendingConnect(connect))

        guard isIdentified else {
            tell(.authenticationFailed, connection, .notAuthorized)
            fail(connection, .notAuthorized, now: now)
            return
        }
        if let refusal = refusal(of: connect) {
            fail(connection, refusal, now: now)
            return
        }
        let verdict = authenticator.verdict(connect, connection.reference)
        admit(connect, on: connection, verdict: verdict, now: now)
    }

    /// Takes user name and client identifier from the client's verified certificate, if the limits say so.
    ///
    /// - Returns: false if the certificate lacks one of them, and is required to have it.
    private func adoptCertificate(of connection: Connection, in connect: inout Connect) -> Bool {
        guard let certificate = connection.peer.certificate else { return true }
        var isComplete = true
        if let field = limits.certificateAsUserName {
            if let name = certificate.value(of: field) { connect.userName = name } else { isComplete = false }
        }
        if let field = limits.certificateAsClientIdentifier {
            if let name = certificate.value(of: field) { connect.clientIdentifier = name } else { isComplete = false }
        }
        return isComplete || !limits.requiresCertificateField
    }

    /// Why a CONNECT is refused before its client is authenticated; `nil` if it is not.
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
        now: Instant
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
                // A unique identifier [MQTT-3.1.3-6]. MQTT 3.1 forbids an empty one, but its clients send it.
                connect.clientIdentifier =
                    "auto-" + String(random.next() as UInt64, radix: 36)
                    + String(random.next() as UInt64, radix: 36)
                connection.waiting = .connect(PendingConnect(connect, hasAssignedIdentifier: true))
            }
            guard let pending = connection.pendingConnect, takesAcceptance(pending, connection.limits.values) else {
                fail(connection, .packetTooLarge, now: now)
                return
            }
            let claim = Claim(of: connection, connect, expiryInterval: expiryInterval(of: connect))
            pending.claim = claim
            if let leader = lanes.leader(of: claim.lane) { send(claim, to: leader) }
            if neighbours != nil, claim.isTransient {
                pending.letInDue = now.monotonic + Self.claimPatience
                check(connection, noLaterThan: now.monotonic + Self.claimPatience)
            }
        }
    }

    /// The client has its session: sends CONNACK, then what waited for the client [MQTT-3.2.0-1], [MQTT-4.4.0-1].
    mutating func accept(_ connection: Connection, isPresent: Bool, now: Instant) {
        guard let pending = connection.pendingConnect else { return }
        let connect = pending.packet
        tell(.connected, connection)
        connection.waiting = connection.peer.earlyData == .connectOnly ? .handshake : nil

        var acknowledgement = acceptance(
            of: connect,
            hasAssignedIdentifier: pending.hasAssignedIdentifier,
            connection.limits.values
        )
        acknowledgement.sessionPresent = isPresent
        // The client takes a CONNACK of this size: `admit` has checked it.
        write(.connectAcknowledgement(acknowledgement), to: connection, now: now)

        let limits = connection.limits.values
        let keepAlive = connect.version == .v5 ? limits.serverKeepAlive ?? connect.keepAlive : connect.keepAlive
        connection.keepAlive =
            keepAlive == 0 ? nil : .milliseconds(Int64(Double(keepAlive) * 1000 * limits.keepAliveMultiplier))
        connection.profile = ClientProfile(connect, keepAlive: keepAlive, now: now)
        connection.inbound.lastPacket = now.monotonic
        watchKeepAlive(of: connection, now: now)

        activateStreams(of: connection)
        pump(connection, now: now)
        handlePending(connection, now: now)
        // What follows CONNECT on the control stream may have ended the connection.
        for stream in connection.streams where !stream.isClosed { handlePending(stream, now: now) }
    }

    /// The CONNACK of a client that is accepted, without Session Present.
    ///
    /// - Parameter limits: those of the connection.
    private func acceptance(
        of connect: Connect,
        hasAssignedIdentifier: Bool,
        _ limits: Limits
    ) -> ConnectAcknowledgement {
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

    /// Whether the client takes a CONNACK of the size that it would get [MQTT-3.1.2-24]. Checked before the session is claimed, so
    /// that a client that cannot be answered takes over nothing.
    private func takesAcceptance(_ pending: PendingConnect, _ limits: Limits) -> Bool {
        guard let maximum = pending.packet.properties.maximumPacketSize else { return true }
        let acknowledgement = acceptance(
            of: pending.packet,
            hasAssignedIdentifier: pending.hasAssignedIdentifier,
            limits
        )
        var octets = ByteBuffer()
        return octets.write(.connectAcknowledgement(acknowledgement), version: .v5) <= maximum
    }

    private func expiryInterval(of connect: Connect) -> UInt32 {
        if connect.version == .v5 {
            return min(connect.properties.sessionExpiryInterval ?? 0, limits.maximumSessionExpiryInterval)
        }
        return connect.cleanStart ? 0 : limits.sessionExpiryInterval
    }
}

extension Connect.Will {
    /// A will with octets of its own, since it is kept for as long as its connection.
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
