extension Authentication: PacketBody {
    init(from reader: inout PacketReader) throws(CodecError) {
        self.init()
        // A packet without content means success (MQTT 5.0 §3.15.2.1).
        guard !reader.isEmpty else { return }
        var values = Self(reasonCode: ReasonCode(rawValue: try reader.readByte()))
        var reason = ReasonProperties()
        try reader.readProperties { (identifier, reader) throws(CodecError) in
            switch identifier {
            case .authenticationMethod: values.method = try reader.readText()
            case .authenticationData: values.data = try reader.readBinary()
            default: return try reason.take(identifier, from: &reader)
            }
            return true
        }
        guard values.method != nil else {
            throw .protocolError("AUTH without an authentication method")  // MQTT 5.0 §3.15.2.2.2
        }
        values.properties = reason.nonEmpty
        self = values
    }

    func write(to writer: inout PacketWriter) {
        guard let method else {
            // Only the packet without content may lack the Authentication Method.
            if reasonCode != .success || data != nil || properties?.nonEmpty != nil { writer.giveUp() }
            return
        }
        writer.write(byte: reasonCode.rawValue)
        writer.writeLengthPrefixed { writer in
            writer.write(.authenticationMethod, method)
            writer.write(.authenticationData, data)
            writer.write(properties)
        }
    }
}
