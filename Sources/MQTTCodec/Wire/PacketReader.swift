import NIOCore

/// Reads the body of a packet field by field. Each read checks that the field lies within the body.
struct PacketReader {
    /// The version of the connection; reading CONNECT sets it.
    var version: ProtocolVersion
    let role: PacketDecoder.Role
    private var bytes: ByteBuffer

    /// Reads the octets of `range` within the readable bytes of `buffer`.
    init(
        _ range: Range<Int>,
        of buffer: ByteBuffer,
        version: ProtocolVersion,
        role: PacketDecoder.Role
    ) throws(CodecError) {
        guard let bytes = buffer.getSlice(at: buffer.readerIndex + range.lowerBound, length: range.count) else {
            throw .truncated
        }
        self.bytes = bytes
        self.version = version
        self.role = role
    }

    /// A reader of the next `length` octets.
    mutating func readSection(_ length: Int) throws(CodecError) -> PacketReader {
        var section = self
        section.bytes = try readSlice(length)
        return section
    }

    /// Octets that are not read yet.
    var count: Int { bytes.readableBytes }
    var isEmpty: Bool { bytes.readableBytes == 0 }

    /// Reads all remaining octets.
    mutating func readRest() -> ByteBuffer {
        let rest = bytes.slice()
        bytes.moveReaderIndex(forwardBy: bytes.readableBytes)
        return rest
    }

    mutating func readByte() throws(CodecError) -> UInt8 { try readInteger() }
    mutating func readUInt16() throws(CodecError) -> UInt16 { try readInteger() }
    mutating func readUInt32() throws(CodecError) -> UInt32 { try readInteger() }

    private mutating func readInteger<Value: FixedWidthInteger>() throws(CodecError) -> Value {
        guard let value = bytes.readInteger(as: Value.self) else { throw .truncated }
        return value
    }

    /// A Variable Byte Integer, 0 to 268,435,455, in its shortest form [MQTT-1.5.5-1].
    mutating func readVariableByteInteger() throws(CodecError) -> Int {
        guard let (value, size) = try VariableByteInteger.read(from: bytes.readableBytesSpan, at: 0) else {
            throw .truncated
        }
        guard size == VariableByteInteger.size(of: value) else { throw .overlongInteger }
        bytes.moveReaderIndex(forwardBy: size)
        return value
    }

    /// A packet identifier, 1 to 65,535 [MQTT-2.2.1-3].
    mutating func readPacketIdentifier() throws(CodecError) -> UInt16 {
        let identifier = try readUInt16()
        guard identifier != 0 else { throw .packetIdentifierZero }
        return identifier
    }

    /// Binary Data (MQTT 5.0 §1.5.6), a slice.
    mutating func readBinary() throws(CodecError) -> ByteBuffer {
        let length = try readUInt16()
        return try readSlice(Int(length))
    }

    private mutating func readSlice(_ length: Int) throws(CodecError) -> ByteBuffer {
        guard let slice = bytes.readSlice(length: length) else { throw .truncated }
        return slice
    }

    /// A UTF-8 Encoded String (MQTT 5.0 §1.5.4).
    mutating func readText() throws(CodecError) -> String {
        let field = try readBinary()
        guard UTF8Text(field) != .invalid else { throw .notUTF8 }
        return String(buffer: field)
    }

    /// A topic name, a slice: UTF-8, not empty [MQTT-4.7.3-1], without wildcards [MQTT-4.7.1-1].
    mutating func readTopic() throws(CodecError) -> ByteBuffer {
        let field = try readBinary()
        guard field.readableBytes > 0 else { throw .malformed("empty topic name") }
        switch UTF8Text(field) {
        case .plain: return field
        case .wildcards: throw .wildcardInTopic
        case .invalid: throw .notUTF8
        }
    }

    /// A topic filter: UTF-8, not empty [MQTT-4.7.3-1].
    mutating func readTopicFilter() throws(CodecError) -> String {
        let filter = try readText()
        guard !filter.isEmpty else { throw .malformed("empty topic filter") }
        return filter
    }
}

extension UTF8Text {
    init(_ field: ByteBuffer) { self.init(field.readableBytesSpan, 0..<field.readableBytes) }
}

extension CodecError {
    static var truncated: Self { .malformed("the packet ends within a field") }
    static var surplus: Self { .malformed("octets after the end of the packet's content") }
    static var overlongInteger: Self { .malformed("variable byte integer longer than need be") }
    static var notUTF8: Self { .malformed("text that is not UTF-8, or has U+0000") }
    static var packetIdentifierZero: Self { .protocolError("packet identifier 0") }
    static var wildcardInTopic: Self { Self(.topicNameInvalid, "wildcard in a topic name") }
}
