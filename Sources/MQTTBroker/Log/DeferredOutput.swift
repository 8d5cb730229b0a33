import DequeModule
import NIOCore

/// Packets for a client of a durable session that wait for a commit of the session's lane, encoded, in their order.
final class DeferredOutput {
    private var parts: Deque<(position: UInt64, octets: ByteBuffer)> = []

    var isEmpty: Bool { parts.isEmpty }

    /// The position that the last packets wait for.
    var lastPosition: UInt64? { parts.last?.position }

    /// Appends what `write` writes to the packets that wait for `position`. Returns its size in octets.
    func append(at position: UInt64, _ write: (inout ByteBuffer) -> Int) -> Int {
        if parts.last?.position != position { parts.append((position, ByteBuffer())) }
        return write(&parts[parts.count - 1].octets)
    }

    /// Takes the packets that wait for a commit up to `position`.
    func take(upTo position: UInt64) -> ByteBuffer? {
        guard var taken = parts.first, taken.position <= position else { return nil }
        parts.removeFirst()
        while let next = parts.first, next.position <= position {
            taken.octets.writeImmutableBuffer(next.octets)
            parts.removeFirst()
        }
        return taken.octets
    }
}
