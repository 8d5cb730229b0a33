import NIOCore

extension ByteBuffer {
    /// Where the first readable octet lies: two buffers of one address share their storage.
    var storageAddress: UInt {
        withUnsafeReadableBytes { UInt(bitPattern: $0.baseAddress) }
    }
}
