extension PublishAcknowledgement {
    init(_ kind: Kind, from reader: inout PacketReader) throws(CodecError) {
        self.init(kind, try reader.readPacketIdentifier())
        guard reader.version == .v5, !reader.isEmpty else { return }
        reasonCode = ReasonCode(rawValue: try reader.readByte())
        // A Remaining Length below 4 means that there are no properties (MQTT 5.0 §3.4.2.2.1).
        guard !reader.isEmpty else { return }
        properties = try reader.readReasonProperties()
    }

    /// Writes the packet with reason code and properties.
    func write(to writer: inout PacketWriter) {
        writer.write(packetIdentifier)
        writer.write(byte: reasonCode.rawValue)
        writer.writeLengthPrefixed { $0.write(properties) }
    }
}

extension PublishAcknowledgement.Kind {
    var type: PacketType {
        switch self {
        case .received: .publishReceived
        case .recorded: .publishRecorded
        case .release: .publishRelease
        case .complete: .publishComplete
        }
    }

    /// The first octet of the packet.
    @inline(__always)
    var firstOctet: UInt8 { rawValue << 4 | (self == .release ? 0b0010 : 0) }
}
