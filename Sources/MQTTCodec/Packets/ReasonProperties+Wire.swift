extension ReasonProperties {
    /// `nil` where there is neither text nor property, as a packet without them has it.
    var nonEmpty: Self? { reasonString == nil && userProperties.isEmpty ? nil : self }

    /// Takes one property, if it is one of these two.
    mutating func take(_ identifier: PropertyIdentifier, from reader: inout PacketReader) throws(CodecError) -> Bool {
        switch identifier {
        case .reasonString: reasonString = try reader.readText()
        case .userProperty: userProperties.append(try reader.readUserProperty())
        default: return false
        }
        return true
    }
}

extension PacketReader {
    /// A section of properties that holds these two alone.
    mutating func readReasonProperties() throws(CodecError) -> ReasonProperties? {
        var properties = ReasonProperties()
        try readProperties { (identifier, reader) throws(CodecError) in try properties.take(identifier, from: &reader) }
        return properties.nonEmpty
    }
}

extension PacketWriter {
    mutating func write(_ properties: ReasonProperties?) {
        guard let properties else { return }
        write(.reasonString, properties.reasonString)
        write(properties.userProperties)
    }
}
