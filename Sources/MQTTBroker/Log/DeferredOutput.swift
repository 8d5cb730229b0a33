import DequeModule
import NIOCore

/// Packets for a client of a durable session that wait for a commit of the session's lane, encoded, in their order.
final class DeferredOutput {
    private var parts: Deque<Part> = []

    /// Packets that wait for one position.
    struct Part {
        let position: UInt64
        var octets = ByteBuffer()
        /// The packet identifiers of the messages among them, as far as anybody wants to know.
        var identifiers: [UInt16] = []
    }

    var isEmpty: Bool { parts.isEmpty }

    /// The position that the last packets wait for.
    var lastPosition: UInt64? { parts.last?.position }

    /// Appends what `write` writes to the packets that wait for `position`. Returns its size in octets.
    func append(at position: UInt64, _ write: (inout ByteBuffer) -> Int) -> Int {
        if parts.last?.position != position { parts.append(Part(position: position)) }
        return write(&parts[parts.count - 1].octets)
    }

    /// The last packet is a message of this identifier.
    func note(_ identifier: UInt16) {
        if !parts.isEmpty { parts[parts.count - 1].identifiers.append(identifier) }
    }

    /// Takes the packets that wait for a commit up to `position`.
    func take(upTo position: UInt64) -> Part? {
        guard var taken = parts.first, taken.position <= position else { return nil }
        parts.removeFirst()
        while let next = parts.first, next.position <= position {
            taken.octets.writeImmutableBuffer(next.octets)
            taken.identifiers += next.identifiers
            parts.removeFirst()
        }
        return taken
    }
}
