extension Unsubscribe: PacketBody {
    init(from reader: inout PacketReader) throws(CodecError) {
        let packetIdentifier = try reader.readPacketIdentifier()
        var userProperties: [UserProperty] = []
        if reader.version == .v5 {
            try reader.readProperties { (identifier, reader) throws(CodecError) in
                guard identifier == .userProperty else { return false }
                userProperties.append(try reader.readUserProperty())
                return true
            }
        }
        var topicFilters: [String] = []
        while !reader.isEmpty { topicFilters.append(try reader.readTopicFilter()) }
        guard !topicFilters.isEmpty else {
            throw .protocolError("UNSUBSCRIBE without a topic filter")  // [MQTT-3.10.3-2]
        }
        self.init(packetIdentifier: packetIdentifier, topicFilters: topicFilters, userProperties: userProperties)
    }

    func write(to writer: inout PacketWriter) {
        guard !topicFilters.isEmpty else { return writer.giveUp() }
        writer.write(packetIdentifier)
        if writer.version == .v5 { writer.writeLengthPrefixed { $0.write(userProperties) } }
        for filter in topicFilters { writer.write(filter) }
    }
}

extension UnsubscribeAcknowledgement: PacketBody {
    init(from reader: inout PacketReader) throws(CodecError) {
        self.init(packetIdentifier: try reader.readPacketIdentifier(), reasonCodes: [])
        guard reader.version == .v5 else { return }
        properties = try reader.readReasonProperties()
        reasonCodes = try reader.readReasonCodes()
    }

    func write(to writer: inout PacketWriter) {
        writer.write(packetIdentifier)
        guard writer.version == .v5 else { return }
        guard !reasonCodes.isEmpty else { return writer.giveUp() }
        writer.writeLengthPrefixed { $0.write(properties) }
        for code in reasonCodes { writer.write(byte: code.rawValue) }
    }
}
