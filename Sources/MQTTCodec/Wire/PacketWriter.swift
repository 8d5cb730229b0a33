import NIOCore

/// Appends the fields of one packet to a buffer.
///
/// A value that is too long for its field (such as text of more than 65,535 octets) makes the whole packet inexpressible:
/// nothing of it stays in the buffer, since half a packet would break the connection.
struct PacketWriter {
    let version: ProtocolVersion
    private var bytes = ByteBuffer()
    private(set) var isExpressible = true

    /// Appends one packet to `buffer` and returns its size in octets, 0 if it is inexpressible.
    static func append(
        _ type: PacketType,
        to buffer: inout ByteBuffer,
        version: ProtocolVersion,
        _ body: (inout PacketWriter) -> Void
    ) -> Int {
        // The buffer moves into the writer and back: a second reference would copy it at the first write.
        var writer = PacketWriter(version: version)
        swap(&writer.bytes, &buffer)
        defer { swap(&writer.bytes, &buffer) }
        let start = writer.bytes.writerIndex
        writer.write(byte: type.rawValue << 4 | type.fixedFlags)
        writer.writeLengthPrefixed(body)
        guard writer.isExpressible else {
            writer.bytes.moveWriterIndex(to: start)
            return 0
        }
        return writer.bytes.writerIndex - start
    }

    /// The octets that `body` writes, in a buffer of their own; `nil` if they are inexpressible.
    static func fragment(_ body: (inout PacketWriter) -> Void) -> ByteBuffer? {
        var writer = PacketWriter(version: .v5)
        body(&writer)
        return writer.isExpressible ? writer.bytes : nil
    }

    private init(version: ProtocolVersion) { self.version = version }

    /// Makes the packet inexpressible: this version has no form for a value.
    mutating func giveUp() { isExpressible = false }

    mutating func write(byte: UInt8) { bytes.writeInteger(byte) }
    mutating func write(_ value: UInt16) { bytes.writeInteger(value) }
    mutating func write(_ value: UInt32) { bytes.writeInteger(value) }

    /// A UTF-8 Encoded String (MQTT 5.0 §1.5.4).
    mutating func write(_ text: String) {
        guard let length = UInt16(exactly: text.utf8.count) else { return giveUp() }
        bytes.writeInteger(length)
        bytes.writeString(text)
    }

    /// Binary Data (MQTT 5.0 §1.5.6).
    mutating func write(_ data: ByteBuffer) {
        guard let length = UInt16(exactly: data.readableBytes) else { return giveUp() }
        bytes.writeInteger(length)
        bytes.writeImmutableBuffer(data)
    }

    /// Writes the octets that `body` writes, behind their length as a Variable Byte Integer.
    mutating func writeLengthPrefixed(_ body: (inout PacketWriter) -> Void) {
        let start = bytes.writerIndex
        bytes.writeInteger(0 as UInt8)
        body(&self)
        let length = bytes.writerIndex - start - 1
        guard isExpressible, length <= VariableByteInteger.maximum else { return giveUp() }
        // One octet was left for the length, which is nearly always enough; else the content moves.
        let shift = VariableByteInteger.size(of: length) - 1
        bytes.writeRepeatingByte(0, count: shift)
        let offset = start - bytes.readerIndex
        bytes.withUnsafeMutableReadableBytes { all in
            if shift > 0 {
                let content = UnsafeRawBufferPointer(rebasing: all[(offset + 1)..<(offset + 1 + length)])
                UnsafeMutableRawBufferPointer(rebasing: all[(offset + 1 + shift)...]).copyMemory(from: content)
            }
            var cursor = OctetCursor(UnsafeMutableRawBufferPointer(rebasing: all[offset...]))
            cursor.write(variableByteInteger: length)
        }
    }

    private mutating func write(variableByteInteger value: Int) {
        bytes.writeWithUnsafeMutableBytes(minimumWritableBytes: VariableByteInteger.size(of: value)) { target in
            var cursor = OctetCursor(target)
            cursor.write(variableByteInteger: value)
            return cursor.offset
        }
    }
}

/// Properties: each is written if it has a value.
extension PacketWriter {
    mutating func write(_ identifier: PropertyIdentifier, _ value: Bool?) {
        guard let value else { return }
        write(byte: identifier.rawValue)
        write(byte: value ? 1 : 0)
    }

    mutating func write(_ identifier: PropertyIdentifier, _ value: UInt16?) {
        guard let value else { return }
        write(byte: identifier.rawValue)
        write(value)
    }

    mutating func write(_ identifier: PropertyIdentifier, _ value: UInt32?) {
        guard let value else { return }
        write(byte: identifier.rawValue)
        write(value)
    }

    mutating func write(_ identifier: PropertyIdentifier, _ value: String?) {
        guard let value else { return }
        write(byte: identifier.rawValue)
        write(value)
    }

    mutating func write(_ identifier: PropertyIdentifier, _ value: ByteBuffer?) {
        guard let value else { return }
        write(byte: identifier.rawValue)
        write(value)
    }

    /// A Subscription Identifier, 1 to 268,435,455.
    mutating func write(subscriptionIdentifier: UInt32) {
        guard (1...UInt32(VariableByteInteger.maximum)).contains(subscriptionIdentifier) else { return giveUp() }
        write(byte: PropertyIdentifier.subscriptionIdentifier.rawValue)
        write(variableByteInteger: Int(subscriptionIdentifier))
    }

    mutating func write(_ properties: [UserProperty]) {
        for property in properties {
            write(byte: PropertyIdentifier.userProperty.rawValue)
            write(property.name)
            write(property.value)
        }
    }
}
