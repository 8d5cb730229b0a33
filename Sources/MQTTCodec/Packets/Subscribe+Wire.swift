import NIOCore

extension Subscribe: PacketBody {
    init(from reader: inout PacketReader) throws(CodecError) {
        self.init(packetIdentifier: try reader.readPacketIdentifier(), subscriptions: [])
        if reader.version == .v5 { try readProperties(from: &reader) }
        while !reader.isEmpty {
            let topicFilter = try reader.readTopicFilter()
            let options = try SubscriptionOptions(octet: try reader.readByte(), version: reader.version)
            guard !options.noLocal || !topicFilter.utf8.starts(with: "$share/".utf8) else {
                throw .protocolError("no local on a shared subscription")  // [MQTT-3.8.3-4]
            }
            subscriptions.append(Subscription(topicFilter: topicFilter, options: options))
        }
        guard !subscriptions.isEmpty else {
            throw .protocolError("SUBSCRIBE without a topic filter")  // [MQTT-3.8.3-2]
        }
    }

    /// MQTT 5.0 §3.8.2.1.
    private mutating func readProperties(from reader: inout PacketReader) throws(CodecError) {
        var identifierOfSubscription: UInt32?
        var userProperties: [UserProperty] = []
        try reader.readProperties { (identifier, reader) throws(CodecError) in
            switch identifier {
            case .subscriptionIdentifier:
                guard identifierOfSubscription == nil else { throw .repeatedProperty }
                identifierOfSubscription = try reader.readSubscriptionIdentifier()
            case .userProperty: userProperties.append(try reader.readUserProperty())
            default: return false
            }
            return true
        }
        subscriptionIdentifier = identifierOfSubscription
        self.userProperties = userProperties
    }

    func write(to writer: inout PacketWriter) {
        guard !subscriptions.isEmpty else { return writer.giveUp() }
        writer.write(packetIdentifier)
        if writer.version == .v5 {
            writer.writeLengthPrefixed { writer in
                if let subscriptionIdentifier { writer.write(subscriptionIdentifier: subscriptionIdentifier) }
                writer.write(userProperties)
            }
        }
        for subscription in subscriptions {
            writer.write(subscription.topicFilter)
            writer.write(byte: subscription.options.octet(version: writer.version))
        }
    }
}

extension SubscriptionOptions {
    init(octet: UInt8, version: ProtocolVersion) throws(CodecError) {
        // Reserved bits: none in MQTT 3.1, six in MQTT 3.1.1, two in MQTT 5.0.
        switch version {
        case .v3_1: break
        case .v3_1_1:
            guard octet & 0xFC == 0 else { throw .malformed("reserved subscription options") }  // [MQTT-3.8.3-4]
        case .v5:
            guard octet & 0xC0 == 0 else { throw .malformed("reserved subscription options") }  // [MQTT-3.8.3-5]
        }
        guard let maximumQoS = QualityOfService(rawValue: octet & 3) else { throw .protocolError("maximum QoS 3") }
        self.init(maximumQoS: maximumQoS)
        guard version == .v5 else { return }
        guard let retainHandling = RetainHandling(rawValue: octet >> 4 & 3) else {
            throw .protocolError("retain handling 3")
        }
        noLocal = octet & 0x04 != 0
        retainAsPublished = octet & 0x08 != 0
        self.retainHandling = retainHandling
    }

    func octet(version: ProtocolVersion) -> UInt8 {
        guard version == .v5 else { return maximumQoS.rawValue }
        return maximumQoS.rawValue | (noLocal ? 0x04 : 0) | (retainAsPublished ? 0x08 : 0)
            | retainHandling.rawValue << 4
    }
}

extension SubscribeAcknowledgement: PacketBody {
    init(from reader: inout PacketReader) throws(CodecError) {
        let packetIdentifier = try reader.readPacketIdentifier()
        let properties = reader.version == .v5 ? try reader.readReasonProperties() : nil
        let reasonCodes = try reader.readReasonCodes()
        // Return codes of MQTT 3 [MQTT-3.9.3-2].
        guard reader.version == .v5 || reasonCodes.allSatisfy({ $0.rawValue <= 2 || $0 == .unspecifiedError }) else {
            throw .malformed("reserved return code")
        }
        self.init(packetIdentifier: packetIdentifier, reasonCodes: reasonCodes, properties: properties)
    }

    func write(to writer: inout PacketWriter) {
        guard !reasonCodes.isEmpty else { return writer.giveUp() }
        writer.write(packetIdentifier)
        if writer.version == .v5 { writer.writeLengthPrefixed { $0.write(properties) } }
        for code in reasonCodes {
            // MQTT 3 has one code of failure.
            writer.write(
                byte: code.isError && writer.version != .v5 ? ReasonCode.unspecifiedError.rawValue : code.rawValue
            )
        }
    }
}

extension PacketReader {
    /// Reads the rest of the packet as reason codes, at least one.
    mutating func readReasonCodes() throws(CodecError) -> [ReasonCode] {
        let codes = readRest().readableBytesView.map { ReasonCode(rawValue: $0) }
        guard !codes.isEmpty else { throw .protocolError("acknowledgement without a reason code") }
        return codes
    }
}
