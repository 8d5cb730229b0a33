import NIOCore

/// Writes fields one after the other into memory of a size computed before. Each write checks that it stays within.
struct OctetCursor {
    private let target: UnsafeMutableRawBufferPointer
    /// Octets written so far.
    private(set) var offset = 0

    @inline(__always)
    init(_ target: UnsafeMutableRawBufferPointer) { self.target = target }

    @inline(__always)
    mutating func write<Value: FixedWidthInteger>(_ value: Value) {
        overwrite(value, at: offset)
        offset += MemoryLayout<Value>.size
    }

    @inline(__always)
    func overwrite<Value: FixedWidthInteger>(_ value: Value, at offset: Int) {
        precondition(offset + MemoryLayout<Value>.size <= target.count)
        target.storeBytes(of: value.bigEndian, toByteOffset: offset, as: Value.self)
    }

    /// `value` is 0 to `VariableByteInteger.maximum`, and is written in its shortest form [MQTT-1.5.5-1].
    @inline(__always)
    mutating func write(variableByteInteger value: Int) {
        var rest = value
        while rest > 0x7F {
            write(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        write(UInt8(truncatingIfNeeded: rest))
    }

    @inline(__always)
    mutating func write(_ octets: ByteBuffer) {
        let count = octets.readableBytes
        octets.withUnsafeReadableBytes { source in
            UnsafeMutableRawBufferPointer(rebasing: target[offset..<(offset + count)]).copyMemory(from: source)
        }
        offset += count
    }
}
