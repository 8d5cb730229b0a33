import NIOCore

/// Octets that were read from a stream and are not decoded yet.
struct PacketInput {
    var bytes = ByteBuffer()

    mutating func append(_ read: inout ByteBuffer) {
        if bytes.readableBytes == 0 { bytes = read } else { bytes.writeBuffer(&read) }
    }

    /// Forgets what was decoded, so that the next octets are appended to the rest alone.
    mutating func trim() {
        if bytes.readableBytes == 0 {
            bytes = ByteBuffer()
        } else if bytes.readerIndex > 0 {
            bytes = bytes.slice()
        }
    }
}
