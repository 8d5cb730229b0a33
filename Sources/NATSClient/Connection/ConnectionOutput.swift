import NIOCore

/// What a connection has to write: small parts together, large payloads as they are, without a copy.
struct ConnectionOutput {
    private var pieces: [ByteBuffer] = []
    private var last = ByteBuffer()

    /// Octets from which on a payload is not copied. A copy of fewer costs less than the records of TLS, and the reads of the server, that
    /// the parts before and behind it would have for themselves.
    static let large = 65_536

    var isEmpty: Bool { pieces.isEmpty && last.readableBytes == 0 }

    mutating func write(_ verb: Verb) { last.write(verb) }

    mutating func write(_ publication: Publication) {
        guard publication.payload.readableBytes >= Self.large else { return last.write(.publish(publication)) }
        last.writePublishLine(publication)
        if let headers = publication.headers { last.writeImmutableBuffer(headers.octets) }
        pieces.append(last)
        pieces.append(publication.payload)
        last = ByteBuffer()
        last.writeStaticString("\r\n")
    }

    mutating func take() -> [ByteBuffer] {
        defer { self = ConnectionOutput() }
        return last.readableBytes > 0 ? pieces + [last] : pieces
    }
}
