import DequeModule
import MQTTCodec
package import NIOCore

/// Octets that a session has written and not given to its transport.
package struct ClientOutput {
    /// Large payloads by reference, each behind a buffer with the octets written before it.
    private var parts = Deque<ByteBuffer>()
    private var partBytes = 0
    /// The octets written behind the last part.
    var buffer = ByteBuffer()

    /// Size in octets from which a payload is kept by reference instead of copied.
    static let referenceThreshold = 131_072

    package var readableBytes: Int { partBytes + buffer.readableBytes }

    /// True while a large payload is not completely given to the transport.
    var hasParts: Bool { !parts.isEmpty }

    mutating func write(_ packet: Packet, version: ProtocolVersion) {
        buffer.write(packet, version: version)
    }

    /// Writes PUBLISH. A large payload is not copied.
    mutating func write(_ message: Publish, version: ProtocolVersion) {
        guard message.payload.readableBytes >= Self.referenceThreshold else {
            buffer.write(.publish(message), version: version)
            return
        }
        guard buffer.writeHead(of: message, version: version) > 0 else { return }
        partBytes += buffer.readableBytes + message.payload.readableBytes
        parts.append(buffer)
        parts.append(message.payload)
        buffer = ByteBuffer()
    }

    /// Takes the first octets, at most `limit`, without copying them.
    mutating func takePiece(_ limit: Int) -> ByteBuffer {
        guard !parts.isEmpty else {
            let piece = buffer.readSlice(length: min(limit, buffer.readableBytes)) ?? ByteBuffer()
            if buffer.readableBytes == 0 { buffer = ByteBuffer() }
            return piece
        }
        guard parts[0].readableBytes > limit, let piece = parts[0].readSlice(length: limit) else {
            partBytes -= parts[0].readableBytes
            return parts.removeFirst()
        }
        partBytes -= limit
        return piece
    }

    /// Takes all octets, copied into one buffer.
    package mutating func takeAll() -> ByteBuffer {
        var all = ByteBuffer()
        for part in parts { all.writeImmutableBuffer(part) }
        all.writeBuffer(&buffer)
        clear()
        return all
    }

    package mutating func clear() {
        parts.removeAll()
        partBytes = 0
        buffer.clear()
    }
}
