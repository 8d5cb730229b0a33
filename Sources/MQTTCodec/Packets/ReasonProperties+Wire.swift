extension ReasonProperties {
    /// `nil` if there is neither a Reason String nor a User Property.
    var nonEmpty: Self? { reasonString == nil && userProperties.isEmpty ? nil : self }

    /// Reads the value of one property, if it is a Reason String or a User Property.
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
    /// Reads properties, of which only Reason String and User Property are allowed.
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
