/// The Variable Byte Integer: seven bits to the octet, the least significant first, four octets at most (MQTT 5.0
/// §1.5.5).
package enum VariableByteInteger {
    /// The largest value that four octets hold.
    package static let maximum = 268_435_455

    /// Octets that `value` takes in its shortest form [MQTT-1.5.5-1]; `value` is 0 to `maximum`.
    @inlinable
    package static func size(of value: Int) -> Int {
        switch value {
        case ..<0x80: 1
        case ..<0x4000: 2
        case ..<0x20_0000: 3
        default: 4
        }
    }

    /// The value at `offset` and its size, or `nil` if the octets end within it. A fifth octet is malformed; the caller
    /// decides about a form that is longer than necessary.
    @inline(__always)
    static func read(
        from bytes: borrowing RawSpan,
        at offset: Int
    ) throws(CodecError) -> (value: Int, size: Int)? {
        var value = 0
        var size = 0
        while offset + size < bytes.byteCount {
            let octet = bytes.unsafeLoad(fromByteOffset: offset + size, as: UInt8.self)
            value |= Int(octet & 0x7F) << (7 * size)
            size += 1
            if octet & 0x80 == 0 { return (value, size) }
            if size == 4 { throw .malformed("variable byte integer over four octets") }
        }
        return nil
    }
}
