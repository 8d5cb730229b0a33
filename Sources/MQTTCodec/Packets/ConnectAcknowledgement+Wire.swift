import NIOCore

extension ReasonCode {
    /// The Connect Return codes of MQTT 3 by value (MQTT 3.1.1 §3.2.2.3, table 3.1), in the vocabulary of MQTT 5.0.
    private static let connectReturnCodes: [Self] = [
        .success, .unsupportedProtocolVersion, .clientIdentifierNotValid, .serverUnavailable, .badUserNameOrPassword,
        .notAuthorized,
    ]

    init(connectReturnCode code: UInt8) throws(CodecError) {
        guard code < Self.connectReturnCodes.count else { throw .malformed("reserved connect return code") }
        self = Self.connectReturnCodes[Int(code)]
    }

    /// The nearest return code. A refusal that MQTT 3 has no code for becomes "server unavailable" if another attempt may
    /// succeed, and "not authorized" if it cannot.
    var connectReturnCode: UInt8 {
        if let code = Self.connectReturnCodes.firstIndex(of: self) { return UInt8(code) }
        switch self {
        case .banned, .badAuthenticationMethod, .topicNameInvalid, .packetTooLarge, .payloadFormatInvalid,
            .retainNotSupported, .qosNotSupported:
            return 5
        default: return isError ? 3 : 0
        }
    }
}

extension ConnectAcknowledgement: PacketBody {
    init(from reader: inout PacketReader) throws(CodecError) {
        let flags = try reader.readByte()
        let code = try reader.readByte()
        let sessionPresent: Bool
        if reader.version == .v3_1 {
            sessionPresent = false  // the octet is reserved and unused
        } else {
            guard flags & 0xFE == 0 else { throw .malformed("reserved acknowledge flags") }  // [MQTT-3.2.2-1]
            sessionPresent = flags == 1
        }
        let reasonCode = reader.version == .v5 ? ReasonCode(rawValue: code) : try ReasonCode(connectReturnCode: code)
        guard !sessionPresent || reasonCode == .success else {
            throw .protocolError("session present in a refusal")  // [MQTT-3.2.2-6]
        }
        self.init(
            sessionPresent: sessionPresent,
            reasonCode: reasonCode,
            properties: reader.version == .v5 ? try Properties(from: &reader) : Properties()
        )
    }

    func write(to writer: inout PacketWriter) {
        // Session Present is 0 in a refusal [MQTT-3.2.2-6], and MQTT 3.1 has no such flag.
        let flag = sessionPresent && reasonCode == .success && writer.version != .v3_1
        writer.write(byte: flag ? 1 : 0)
        if writer.version == .v5 {
            writer.write(byte: reasonCode.rawValue)
            writer.writeLengthPrefixed { properties.write(to: &$0) }
        } else {
            writer.write(byte: reasonCode.connectReturnCode)
        }
    }
}

extension ConnectAcknowledgement.Properties {
    /// MQTT 5.0 §3.2.2.3.
    init(from reader: inout PacketReader) throws(CodecError) {
        var properties = Self()
        try reader.readProperties { (identifier, reader) throws(CodecError) in
            switch identifier {
            case .sessionExpiryInterval: properties.sessionExpiryInterval = try reader.readUInt32()
            case .receiveMaximum: properties.receiveMaximum = try reader.readReceiveMaximum()
            case .maximumQoS: properties.maximumQoS = try reader.readBoolean() ? .atLeastOnce : .atMostOnce
            case .retainAvailable: properties.retainAvailable = try reader.readBoolean()
            case .maximumPacketSize: properties.maximumPacketSize = try reader.readMaximumPacketSize()
            case .assignedClientIdentifier: properties.assignedClientIdentifier = try reader.readText()
            case .topicAliasMaximum: properties.topicAliasMaximum = try reader.readUInt16()
            case .reasonString: properties.reasonString = try reader.readText()
            case .userProperty: properties.userProperties.append(try reader.readUserProperty())
            case .wildcardSubscriptionAvailable:
                properties.wildcardSubscriptionAvailable = try reader.readBoolean()
            case .subscriptionIdentifiersAvailable:
                properties.subscriptionIdentifiersAvailable = try reader.readBoolean()
            case .sharedSubscriptionAvailable: properties.sharedSubscriptionAvailable = try reader.readBoolean()
            case .serverKeepAlive: properties.serverKeepAlive = try reader.readUInt16()
            case .responseInformation: properties.responseInformation = try reader.readText()
            case .serverReference: properties.serverReference = try reader.readText()
            case .authenticationMethod: properties.authenticationMethod = try reader.readText()
            case .authenticationData: properties.authenticationData = try reader.readBinary()
            default: return false
            }
            return true
        }
        self = properties
    }

    func write(to writer: inout PacketWriter) {
        writer.write(.sessionExpiryInterval, sessionExpiryInterval)
        writer.write(.receiveMaximum, receiveMaximum)
        // A Maximum QoS of 2 is not written (MQTT 5.0 §3.2.2.3.4).
        if let maximumQoS, maximumQoS < .exactlyOnce { writer.write(.maximumQoS, maximumQoS == .atLeastOnce) }
        writer.write(.retainAvailable, retainAvailable)
        writer.write(.maximumPacketSize, maximumPacketSize)
        writer.write(.assignedClientIdentifier, assignedClientIdentifier)
        writer.write(.topicAliasMaximum, topicAliasMaximum)
        writer.write(.reasonString, reasonString)
        writer.write(userProperties)
        writer.write(.wildcardSubscriptionAvailable, wildcardSubscriptionAvailable)
        writer.write(.subscriptionIdentifiersAvailable, subscriptionIdentifiersAvailable)
        writer.write(.sharedSubscriptionAvailable, sharedSubscriptionAvailable)
        writer.write(.serverKeepAlive, serverKeepAlive)
        writer.write(.responseInformation, responseInformation)
        writer.write(.serverReference, serverReference)
        writer.write(.authenticationMethod, authenticationMethod)
        writer.write(.authenticationData, authenticationData)
    }
}
