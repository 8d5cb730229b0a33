extension Disconnect: PacketBody {
    init(from reader: inout PacketReader) throws(CodecError) {
        self.init()
        // Reason code and properties may be left out (MQTT 5.0 §3.14.2.1, §3.14.2.2.1). MQTT 3 has neither: further octets
        // are an error.
        guard reader.version == .v5, !reader.isEmpty else { return }
        reasonCode = ReasonCode(rawValue: try reader.readByte())
        guard !reader.isEmpty else { return }
        var expiry: UInt32?
        var reference: String?
        var reason = ReasonProperties()
        try reader.readProperties { (identifier, reader) throws(CodecError) in
            switch identifier {
            case .sessionExpiryInterval:
                guard reader.role == .server else {
                    throw .protocolError("session expiry from a server")  // [MQTT-3.14.2-2]
                }
                expiry = try reader.readUInt32()
            case .serverReference: reference = try reader.readText()
            default: return try reason.take(identifier, from: &reader)
            }
            return true
        }
        sessionExpiryInterval = expiry
        serverReference = reference
        properties = reason.nonEmpty
    }

    func write(to writer: inout PacketWriter) {
        guard writer.version == .v5 else {
            // In MQTT 3 only a client sends DISCONNECT, and without content.
            if reasonCode != .normalDisconnection { writer.giveUp() }
            return
        }
        let hasProperties = sessionExpiryInterval != nil || serverReference != nil || properties?.nonEmpty != nil
        guard hasProperties || reasonCode != .normalDisconnection else { return }
        writer.write(byte: reasonCode.rawValue)
        guard hasProperties else { return }
        writer.writeLengthPrefixed { writer in
            writer.write(.sessionExpiryInterval, sessionExpiryInterval)
            writer.write(.serverReference, serverReference)
            writer.write(properties)
        }
    }
}
