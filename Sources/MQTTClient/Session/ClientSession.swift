import DequeModule
package import MQTTCodec
package import NIOCore

/// The client's side of an MQTT session, without IO: octets and the current instant go in, events and octets come out.
///
/// A session outlives its connections. The ``ClientLink`` tells it when a transport opened and closed, gives it the octets that
/// were read (``next(from:now:)``), sends ``output``, and calls ``advance(to:)`` at ``deadline``.
package struct ClientSession {
    /// How far the session's connection is.
    package enum Phase: Sendable { case disconnected, connecting, connected, disconnecting }

    package let configuration: ClientConfiguration
    package internal(set) var phase = Phase.disconnected
    /// Octets to send. The link empties it.
    package var output = ClientOutput()
    /// The server's answer to the last CONNECT, with its limits.
    package internal(set) var limits = ServerLimits()

    var decoder: PacketDecoder
    var inflight: InflightTable
    /// Messages at QoS 1 and 2 that wait for room in the window.
    var waiting = Deque<(message: Publish, token: UInt64)>()
    /// Packet identifiers of messages to send again on this connection, oldest first.
    var redelivery = Deque<UInt16>()
    /// Tokens of messages that were lost with the server's session and are not reported yet.
    var abandoned = Deque<UInt64>()
    /// Packet identifiers of received messages at QoS 2 without their PUBREL (MQTT 5.0 §4.3.3, method B).
    var unreleased = Set<UInt16>()
    /// The send quota: messages at QoS 1 and 2 that may be sent now (MQTT 5.0 §4.9).
    var quota = 0
    var lastSent = NIODeadline.uptimeNanoseconds(0)
    /// When the CONNECT or PINGREQ was sent that the server has not answered.
    var unanswered: NIODeadline?
    /// When the oldest unacknowledged message is sent again (MQTT 3).
    var retryAt: NIODeadline?
    /// True for the session of a data stream.
    var isDataStream = false
    /// True once this side of a data stream has ended (FIN).
    var isFinished = false

    package init(configuration: ClientConfiguration) {
        self.init(configuration: configuration, identifiers: PacketIdentifiers())
    }

    init(configuration: ClientConfiguration, identifiers: PacketIdentifiers) {
        self.configuration = configuration
        inflight = InflightTable(identifiers: identifiers)
        decoder = Self.decoder(configuration)
    }

    var version: ProtocolVersion { configuration.connect.version }

    private static func decoder(_ configuration: ClientConfiguration) -> PacketDecoder {
        PacketDecoder(
            role: .client,
            maximumPacketSize: configuration.maximumPacketSize,
            version: configuration.connect.version
        )
    }

    /// The server's limits on this connection (MQTT 5.0 §3.2.2.3).
    package struct ServerLimits: Sendable {
        package var receiveMaximum = Int(UInt16.max)
        package var maximumQoS = QualityOfService.exactlyOnce
        package var maximumPacketSize = Int.max
        package var retainAvailable = true
        /// Seconds.
        package var keepAlive: UInt16 = 0
    }

    // MARK: Connections

    /// Writes CONNECT.
    package mutating func transportOpened(now: NIODeadline) {
        decoder = Self.decoder(configuration)
        output.clear()
        phase = .connecting
        limits = ServerLimits(keepAlive: configuration.connect.keepAlive)
        send(.connect(configuration.connect), now: now)
        unanswered = now
    }

    /// The connection has ended. SUBSCRIBE and UNSUBSCRIBE without an answer are forgotten; messages are kept.
    package mutating func transportClosed() {
        phase = .disconnected
        output = ClientOutput()
        unanswered = nil
        retryAt = nil
        quota = 0
        redelivery.removeAll(keepingCapacity: false)
        for identifier in inflight.identifiers(where: { !$0.isMessage }) { inflight.remove(identifier) }
    }

    /// Writes DISCONNECT; the link closes the transport once ``output`` is sent.
    package mutating func disconnect(_ packet: Disconnect = Disconnect(), now: NIODeadline) {
        // A data stream ends without DISCONNECT.
        if phase == .connected, !isDataStream { send(.disconnect(packet), now: now) }
        phase = .disconnecting
    }

    mutating func accepted(_ acknowledgement: ConnectAcknowledgement, now: NIODeadline) {
        let properties = acknowledgement.properties
        phase = .connected
        unanswered = nil
        limits.receiveMaximum = Int(properties.receiveMaximum ?? .max)
        limits.maximumQoS = properties.maximumQoS ?? .exactlyOnce
        limits.maximumPacketSize = properties.maximumPacketSize.map(Int.init) ?? .max
        limits.retainAvailable = properties.retainAvailable ?? true
        limits.keepAlive = properties.serverKeepAlive ?? configuration.connect.keepAlive
        quota = min(limits.receiveMaximum, configuration.maximumInflight)
        if acknowledgement.sessionPresent {
            resendUnacknowledged(now: now)
        } else {
            forgetSession()
        }
        sendWaiting(now: now)
    }

    // MARK: Time

    /// When ``advance(to:)`` is to be called at the latest, or `nil` while nothing is due.
    package var deadline: NIODeadline? {
        if let unanswered { return unanswered + configuration.responseTimeout }
        guard phase == .connected else { return nil }
        if isDataStream { return retryAt }
        let ping = limits.keepAlive > 0 ? lastSent + .seconds(Int64(limits.keepAlive)) : nil
        guard let retryAt else { return ping }
        return ping.map { min($0, retryAt) } ?? retryAt
    }

    /// Sends what is due: PINGREQ, and in MQTT 3 unacknowledged messages again.
    ///
    /// - Throws: ``ClientError/connectTimeout`` or ``ClientError/pingTimeout``; the link closes the transport.
    package mutating func advance(to now: NIODeadline) throws(ClientError) {
        if let unanswered {
            guard now >= unanswered + configuration.responseTimeout else { return }
            throw phase == .connecting ? .connectTimeout : .pingTimeout
        }
        guard phase == .connected else { return }
        if let retryAt, now >= retryAt { repeatUnacknowledged(now: now) }
        if !isDataStream, limits.keepAlive > 0, now >= lastSent + .seconds(Int64(limits.keepAlive)) {
            send(.pingRequest, now: now)
            unanswered = now
        }
    }

    mutating func send(_ packet: Packet, now: NIODeadline) {
        if isFinished { return }
        output.write(packet, version: version)
        lastSent = now
    }

    mutating func send(_ message: Publish, now: NIODeadline) {
        if isFinished { return }
        output.write(message, version: version)
        lastSent = now
    }
}

extension InflightTable.Entry {
    var isMessage: Bool {
        switch stage {
        case .publish, .release: true
        case .subscribe, .unsubscribe: false
        }
    }
}
