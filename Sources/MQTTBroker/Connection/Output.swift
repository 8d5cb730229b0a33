package import NIOCore

/// The octets that a connection has to write at the end of a read burst.
package struct Output {
    /// Large payloads, which are not copied, each after the octets that go before it.
    package private(set) var parts: [ByteBuffer] = []
    /// The octets after `parts`.
    package var buffer: ByteBuffer
    private var partBytes = 0

    init(buffer: ByteBuffer = ByteBuffer()) { self.buffer = buffer }

    package var count: Int { partBytes + buffer.readableBytes }

    /// Appends another output. Small octets are copied, since one buffer is written faster than two.
    mutating func append(_ other: Output, next: @autoclosure () -> ByteBuffer) {
        for part in other.parts + [other.buffer] where part.readableBytes > 0 {
            if part.readableBytes < Self.copiedOctets {
                buffer.writeImmutableBuffer(part)
            } else {
                append(part, next: next())
            }
        }
    }

    /// Octets below which another output is copied.
    private static let copiedOctets = 4096

    /// Appends a payload without copying it. What follows goes into `next`.
    mutating func append(_ slice: ByteBuffer, next: ByteBuffer) {
        partBytes += buffer.readableBytes + slice.readableBytes
        parts.append(buffer)
        parts.append(slice)
        buffer = next
    }
}
