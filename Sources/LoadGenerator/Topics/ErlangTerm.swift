import NIOCore

/// Values in Erlang's external term format, as `term_to_binary` writes them and `binary_to_term` reads them: the payloads of a file of
/// topics with `eterm` as their encoding (``TopicSpecification``).
enum ErlangTerm {
    /// The octet that a term as a whole begins with.
    static let version: UInt8 = 131

    /// The first octet of a term, which says its type.
    private enum Tag: UInt8 {
        case newFloat = 70
        case smallInteger = 97
        case integer = 98
        case emptyList = 106
        case list = 108
        case binary = 109
        case smallBig = 110
        case map = 116
        case smallAtom = 119
    }

    /// JSON objects are maps with texts as keys, and texts are binaries.
    static func write(_ value: JSONValue, into buffer: inout ByteBuffer) {
        switch value {
        case .null: writeAtom("null", into: &buffer)
        case .boolean(let value): writeAtom(value ? "true" : "false", into: &buffer)
        case .integer(let value): writeInteger(value, into: &buffer)
        case .double(let value):
            buffer.writeInteger(Tag.newFloat.rawValue)
            buffer.writeInteger(value.bitPattern)
        case .string(let text): writeBinary(ByteBuffer(string: text), into: &buffer)
        case .array(let values):
            if !values.isEmpty {
                buffer.writeInteger(Tag.list.rawValue)
                buffer.writeInteger(UInt32(values.count))
                for value in values { write(value, into: &buffer) }
            }
            buffer.writeInteger(Tag.emptyList.rawValue)
        case .object(let fields):
            writeMapHeader(count: fields.count, into: &buffer)
            for (key, value) in fields.sorted(by: { $0.key < $1.key }) {
                writeBinary(ByteBuffer(string: key), into: &buffer)
                write(value, into: &buffer)
            }
        }
    }

    /// Begins a map, which `count` keys and values follow.
    static func writeMapHeader(count: Int, into buffer: inout ByteBuffer) {
        buffer.writeInteger(Tag.map.rawValue)
        buffer.writeInteger(UInt32(count))
    }

    static func writeBinary(_ bytes: ByteBuffer, into buffer: inout ByteBuffer) {
        writeBinaryHeader(size: bytes.readableBytes, into: &buffer)
        buffer.writeImmutableBuffer(bytes)
    }

    /// Begins a binary, which `size` octets follow.
    static func writeBinaryHeader(size: Int, into buffer: inout ByteBuffer) {
        buffer.writeInteger(Tag.binary.rawValue)
        buffer.writeInteger(UInt32(size))
    }

    static func writeInteger(_ value: Int64, into buffer: inout ByteBuffer) {
        if let small = UInt8(exactly: value) {
            buffer.writeInteger(Tag.smallInteger.rawValue)
            buffer.writeInteger(small)
        } else if let middle = Int32(exactly: value) {
            buffer.writeInteger(Tag.integer.rawValue)
            buffer.writeInteger(middle)
        } else {
            buffer.writeInteger(Tag.smallBig.rawValue)
            let magnitude = value.magnitude
            let size = (UInt64.bitWidth - magnitude.leadingZeroBitCount + 7) / 8
            buffer.writeInteger(UInt8(size))
            buffer.writeInteger(UInt8(value < 0 ? 1 : 0))
            for octet in 0..<size { buffer.writeInteger(UInt8(truncatingIfNeeded: magnitude >> UInt64(8 * octet))) }
        }
    }

    private static func writeAtom(_ name: String, into buffer: inout ByteBuffer) {
        buffer.writeInteger(Tag.smallAtom.rawValue)
        buffer.writeInteger(UInt8(name.utf8.count))
        buffer.writeString(name)
    }
}
