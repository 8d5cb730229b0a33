import NIOCore

extension PacketReader {
    /// Reads properties (MQTT 5.0 §2.2.2): gives each identifier to `take`, which reads the value and returns true if the
    /// packet may have that property.
    mutating func readProperties(
        _ take: (PropertyIdentifier, inout PacketReader) throws(CodecError) -> Bool
    ) throws(CodecError) {
        let length = try readVariableByteInteger()
        guard length > 0 else { return }
        var section = try readSection(length)
        var seen: UInt64 = 0
        while !section.isEmpty {
            // A property identifier is a Variable Byte Integer; all that are defined take one octet.
            guard let identifier = PropertyIdentifier(rawValue: try section.readByte()) else {
                throw .malformed("unknown property")
            }
            let bit: UInt64 = 1 << UInt64(identifier.rawValue)
            guard seen & bit == 0 || identifier.isRepeatable else { throw .repeatedProperty }
            seen |= bit
            guard try take(identifier, &section) else { throw .malformed("property that this packet cannot have") }
        }
    }

    mutating func readUserProperty() throws(CodecError) -> UserProperty {
        UserProperty(name: try readText(), value: try readText())
    }

    /// A byte that is 0 or 1.
    mutating func readBoolean() throws(CodecError) -> Bool {
        switch try readByte() {
        case 0: false
        case 1: true
        default: throw .protocolError("property other than 0 and 1")
        }
    }

    /// A Receive Maximum, 1 to 65,535 (MQTT 5.0 §3.1.2.11.3).
    mutating func readReceiveMaximum() throws(CodecError) -> UInt16 {
        let value = try readUInt16()
        guard value > 0 else { throw .protocolError("receive maximum 0") }
        return value
    }

    /// A Maximum Packet Size, 1 and up (MQTT 5.0 §3.1.2.11.4).
    mutating func readMaximumPacketSize() throws(CodecError) -> UInt32 {
        let value = try readUInt32()
        guard value > 0 else { throw .protocolError("maximum packet size 0") }
        return value
    }

    /// A Subscription Identifier, 1 to 268,435,455 (MQTT 5.0 §3.8.2.1.2).
    mutating func readSubscriptionIdentifier() throws(CodecError) -> UInt32 {
        let value = try readVariableByteInteger()
        guard value > 0 else { throw .protocolError("subscription identifier 0") }
        return UInt32(value)
    }
}

extension CodecError {
    static var repeatedProperty: Self { .protocolError("property given twice") }
}
