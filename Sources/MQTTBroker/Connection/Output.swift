package import NIOCore

/// What a connection has to say, gathered over a read burst.
package struct Output {
    /// Large payloads by reference, with what was written before each of them.
    package private(set) var parts: [ByteBuffer] = []
    /// Everything after them.
    package var buffer: ByteBuffer
    private var partBytes = 0

    init(buffer: ByteBuffer) { self.buffer = buffer }

    package var count: Int { partBytes + buffer.readableBytes }

    /// Appends octets without copying them, and goes on in `next`.
    mutating func append(_ slice: ByteBuffer, next: ByteBuffer) {
        partBytes += buffer.readableBytes + slice.readableBytes
        parts.append(buffer)
        parts.append(slice)
        buffer = next
    }
}
