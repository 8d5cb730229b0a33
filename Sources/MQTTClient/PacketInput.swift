import NIOCore

/// What has been read and not been made packets of.
struct PacketInput {
    var bytes = ByteBuffer()

    mutating func append(_ read: inout ByteBuffer) {
        if bytes.readableBytes == 0 { bytes = read } else { bytes.writeBuffer(&read) }
    }

    /// Lets go of what has been taken: the part of a packet must not pin the whole read buffer, nor make it grow.
    mutating func trim() {
        if bytes.readableBytes == 0 {
            bytes = ByteBuffer()
        } else if bytes.readerIndex > 0 {
            bytes = ByteBuffer(ByteBufferView(bytes))
        }
    }
}
