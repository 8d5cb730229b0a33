import NIOCore

/// The protocol name and protocol level of a CONNECT (MQTT 5.0 §3.1.2.1, §3.1.2.2).
struct ProtocolLevel {
    let version: ProtocolVersion
    /// True if the level has the high bit, which mosquitto's bridges set in MQTT 3.
    let isBridge: Bool

    fileprivate static let bridgeBit: UInt8 = 0x80

    init(from reader: inout PacketReader) throws(CodecError) {
        let name = String(buffer: try reader.readBinary())
        let level = try reader.readByte()
        isBridge = level & Self.bridgeBit != 0
        switch (name, level) {
        case ("MQIsdp", 0x03), ("MQIsdp", 0x83): version = .v3_1
        case ("MQTT", 0x04), ("MQTT", 0x84): version = .v3_1_1
        case ("MQTT", 0x05): version = .v5
        default: throw CodecError(.unsupportedProtocolVersion, "unknown protocol name or level")
        }
    }
}

extension ProtocolVersion {
    var protocolName: String { self == .v3_1 ? "MQIsdp" : "MQTT" }
}

/// The Connect Flags (MQTT 5.0 §3.1.2.3).
private struct ConnectFlags {
    var cleanStart = false
    var hasWill = false
    var willQoS = QualityOfService.atMostOnce
    var willRetain = false
    var hasPassword = false
    var hasUserName = false
}

extension ConnectFlags {
    init(octet: UInt8, version: ProtocolVersion) throws(CodecError) {
        // MQTT 3.1 does not reserve the lowest bit, and ignores the will bits without a will.
        guard octet & 0x01 == 0 || version == .v3_1 else {
            throw .malformed("reserved connect flag")  // [MQTT-3.1.2-3]
        }
        cleanStart = octet & 0x02 != 0
        hasWill = octet & 0x04 != 0
        hasPassword = octet & 0x40 != 0
        hasUserName = octet & 0x80 != 0
        if hasWill {
            guard let qos = QualityOfService(rawValue: octet >> 3 & 3) else {
                throw .malformed("will QoS 3")  // [MQTT-3.1.2-12]
            }
            willQoS = qos
            willRetain = octet & 0x20 != 0
        } else if octet & 0x38 != 0, version != .v3_1 {
            throw .malformed("will QoS or will retain without a will")  // [MQTT-3.1.2-11], [MQTT-3.1.2-13]
        }
        guard hasUserName || !hasPassword || version == .v5 else {
            throw .malformed("password without user name")  // MQTT 3.1.1 [MQTT-3.1.2-22]
        }
    }

    var octet: UInt8 {
        (cleanStart ? 0x02 : 0) | (hasWill ? 0x04 : 0) | willQoS.rawValue << 3 | (willRetain ? 0x20 : 0)
            | (hasPassword ? 0x40 : 0) | (hasUserName ? 0x80 : 0)
    }
}

extension Connect: PacketBody {
    /// Reads the packet from the Connect Flags on.
    init(from reader: inout PacketReader) throws(CodecError) {
        let flags = try ConnectFlags(octet: try reader.readByte(), version: reader.version)
        let keepAlive = try reader.readUInt16()
        let properties = reader.version == .v5 ? try Properties(from: &reader) : Properties()
        let clientIdentifier = try reader.readText()
        let will = flags.hasWill ? try Will(from: &reader, flags: flags) : nil
        // In MQTT 3.1 a packet may end before the user name and the password that its flags announce (MQTT 3.1 §3.1).
        let mayBeMissing = reader.version == .v3_1
        let userName = flags.hasUserName && !(mayBeMissing && reader.isEmpty) ? try reader.readText() : nil
        let password = flags.hasPassword && !(mayBeMissing && reader.isEmpty) ? try reader.readBinary() : nil
        self.init(
            version: reader.version,
            clientIdentifier: clientIdentifier,
            cleanStart: flags.cleanStart,
            keepAlive: keepAlive,
            userName: userName,
            password: password,
            will: will,
            properties: properties
        )
    }

    func write(to writer: inout PacketWriter) {
        // Only MQTT 5.0 has passwords without user names.
        guard userName != nil || password == nil || writer.version == .v5 else { return writer.giveUp() }
        writer.write(writer.version.protocolName)
        // Only MQTT 3 has levels with the bit of a bridge.
        let bridgeBit = isBridge && writer.version != .v5 ? ProtocolLevel.bridgeBit : 0
        writer.write(byte: writer.version.rawValue | bridgeBit)
        var flags = ConnectFlags()
        flags.cleanStart = cleanStart
        if let will {
            flags.hasWill = true
            flags.willQoS = will.qos
            flags.willRetain = will.retain
        }
        flags.hasUserName = userName != nil
        flags.hasPassword = password != nil
        writer.write(byte: flags.octet)
        writer.write(keepAlive)
        if writer.version == .v5 { writer.writeLengthPrefixed { properties.write(to: &$0) } }
        writer.write(clientIdentifier)
        if let will {
            if writer.version == .v5 { writer.writeLengthPrefixed { will.properties.values.write(to: &$0, in: .will) } }
            writer.write(will.topic)
            writer.write(will.payload)
        }
        if let userName { writer.write(userName) }
        if let password { writer.write(password) }
    }
}

extension Connect.Will {
    fileprivate init(from reader: inout PacketReader, flags: ConnectFlags) throws(CodecError) {
        let properties = reader.version == .v5 ? try PublishProperties(from: &reader, in: .will) : PublishProperties()
        let topic = try reader.readTopic()
        self.init(
            topic: topic,
            payload: try reader.readBinary(),
            qos: flags.willQoS,
            retain: flags.willRetain,
            properties: properties
        )
    }
}

extension Connect.Properties {
    /// MQTT 5.0 §3.1.2.11.
    init(from reader: inout PacketReader) throws(CodecError) {
        var properties = Self()
        try reader.readProperties { (identifier, reader) throws(CodecError) in
            switch identifier {
            case .sessionExpiryInterval: properties.sessionExpiryInterval = try reader.readUInt32()
            case .receiveMaximum: properties.receiveMaximum = try reader.readReceiveMaximum()
            case .maximumPacketSize: properties.maximumPacketSize = try reader.readMaximumPacketSize()
            case .topicAliasMaximum: properties.topicAliasMaximum = try reader.readUInt16()
            case .requestResponseInformation: properties.requestResponseInformation = try reader.readBoolean()
            case .requestProblemInformation: properties.requestProblemInformation = try reader.readBoolean()
            case .userProperty: properties.userProperties.append(try reader.readUserProperty())
            case .authenticationMethod: properties.authenticationMethod = try reader.readText()
            case .authenticationData: properties.authenticationData = try reader.readBinary()
            default: return false
            }
            return true
        }
        guard properties.authenticationData == nil || properties.authenticationMethod != nil else {
            throw .authenticationDataWithoutMethod
        }
        self = properties
    }

    func write(to writer: inout PacketWriter) {
        writer.write(.sessionExpiryInterval, sessionExpiryInterval)
        writer.write(.receiveMaximum, receiveMaximum)
        writer.write(.maximumPacketSize, maximumPacketSize)
        writer.write(.topicAliasMaximum, topicAliasMaximum)
        writer.write(.requestResponseInformation, requestResponseInformation)
        writer.write(.requestProblemInformation, requestProblemInformation)
        writer.write(userProperties)
        writer.write(.authenticationMethod, authenticationMethod)
        writer.write(.authenticationData, authenticationData)
    }
}

extension CodecError {
    /// MQTT 5.0 §3.1.2.11.10.
    static var authenticationDataWithoutMethod: Self { .protocolError("authentication data without a method") }
}
