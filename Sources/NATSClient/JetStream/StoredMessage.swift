import NIOCore

/// A message of a stream that a consumer delivers.
package struct StoredMessage: Equatable, Sendable {
    /// Its subject, headers and payload.
    package let publication: Publication
    /// Its sequence in the stream.
    package let sequence: UInt64
    /// How many the consumer has delivered, this one included.
    package let delivery: UInt64
    /// How many follow that are stored already.
    package let pending: UInt64

    /// Reads the reply subject of a delivery, `$JS.ACK.` with a domain and an account or without:
    /// `STREAM.CONSUMER.DELIVERIES.SEQUENCE.DELIVERY.TIME.PENDING`. `nil` for what is no delivery.
    init?(_ publication: Publication) {
        guard let reply = publication.replyTo else { return nil }
        let bytes = reply.readableBytesUInt8Span
        var tokens: [Range<Int>] = []
        var start = 0
        for index in 0...bytes.count where index == bytes.count || bytes[index] == Octet.dot {
            tokens.append(start..<index)
            start = index + 1
            guard tokens.count <= 12 else { return nil }
        }
        guard reply.readableBytesView.starts(with: "$JS.ACK.".utf8), tokens.count == 9 || tokens.count >= 11 else {
            return nil
        }
        let first = tokens.count == 9 ? 2 : 4
        guard
            let sequence = bytes.number(in: tokens[first + 3]), let delivery = bytes.number(in: tokens[first + 4]),
            let pending = bytes.number(in: tokens[first + 6])
        else { return nil }
        self.publication = publication
        self.sequence = sequence
        self.delivery = delivery
        self.pending = pending
    }
}
