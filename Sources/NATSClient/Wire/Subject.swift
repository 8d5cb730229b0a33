package import NIOCore

/// A NATS subject: tokens with dots between them; for subscriptions also the wildcards `*` and `>`.
package struct Subject: Hashable, Sendable, CustomStringConvertible {
    package let octets: ByteBuffer

    /// Octets of a subject at most, so that it fits a control line with a reply subject and sizes.
    package static let longest = 1_024

    /// `nil` for a text that is no subject: one that is empty or too long, or has an empty token, a space or a control character.
    package init?(_ text: String) {
        guard (1...Self.longest).contains(text.utf8.count) else { return nil }
        guard text.utf8.allSatisfy({ $0 > Octet.space && $0 != 0x7F }) else { return nil }
        guard text.utf8.split(separator: Octet.dot, omittingEmptySubsequences: false).allSatisfy({ !$0.isEmpty }) else {
            return nil
        }
        octets = ByteBuffer(string: text)
    }

    /// A subject of parts that are known to be well formed.
    package init(trusted text: String) { octets = ByteBuffer(string: text) }

    package var description: String { String(buffer: octets) }
}

extension Publication {
    package init(
        to subject: Subject,
        replyTo: Subject? = nil,
        headers: HeaderBlock? = nil,
        payload: ByteBuffer = ByteBuffer()
    ) {
        self.init(subject: subject.octets, replyTo: replyTo?.octets, headers: headers, payload: payload)
    }
}
