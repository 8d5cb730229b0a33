package import NIOCore

/// A question as nodes send it, on the subject of the node that is asked.
///
/// Octets: version (1), length of the head (2), head, body. A later version appends to the head, and an earlier one passes that over.
package struct QuestionMessage: Equatable, Sendable {
    /// `NodeQuestion.kind`.
    package let kind: String
    /// The number of the node that asks; `nil` for one that has none.
    package let asker: Int?
    /// How long the asker waits, milliseconds.
    package let patience: UInt32
    /// The question itself.
    package let body: ByteBuffer

    package init(kind: String, asker: Int?, patience: UInt32, body: ByteBuffer) {
        self.kind = kind
        self.asker = asker
        self.patience = patience
        self.body = body
    }

    /// Reads a question; `nil` for other octets.
    package init?(_ octets: ByteBuffer, _ limits: QuestionLimits) {
        guard octets.readableBytes <= limits.maximumQuestion, let parts = MessageHead.read(octets) else { return nil }
        var head = parts.head
        guard
            let asker = MessageHead.Node(reading: &head), let patience = head.readInteger(as: UInt32.self),
            let count = head.readInteger(as: UInt8.self), (1...limits.maximumKind).contains(Int(count)),
            let kind = head.readSlice(length: Int(count))
        else { return nil }
        self.init(kind: String(buffer: kind), asker: asker.number, patience: patience, body: parts.body)
    }

    package var octets: ByteBuffer {
        var head = ByteBuffer()
        MessageHead.Node(asker).write(to: &head)
        head.writeInteger(patience)
        head.writeInteger(UInt8(clamping: kind.utf8.count))
        head.writeString(kind)
        return MessageHead.write(head, body)
    }
}
