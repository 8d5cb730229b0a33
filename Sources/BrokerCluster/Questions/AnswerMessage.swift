package import NIOCore

/// An answer as nodes send it. The form is that of `QuestionMessage`.
package struct AnswerMessage: Equatable, Sendable {
    package let verdict: Verdict
    /// Who answers: the number and run of a node; `nil` for one that has none.
    package let identity: Heartbeat.Identity?
    /// The answer itself, if there is one.
    package let body: ByteBuffer

    /// What becomes of a question.
    package enum Verdict: UInt8, Sendable {
        case answered = 0
        case unknownQuestion = 1
        case unreadable = 2
        case busy = 3
        case tooLarge = 4
        case failed = 5
    }

    package init(_ verdict: Verdict, from identity: Heartbeat.Identity?, body: ByteBuffer = ByteBuffer()) {
        self.verdict = verdict
        self.identity = identity
        self.body = body
    }

    /// Reads an answer; `nil` for other octets. A verdict of a later version counts as `failed`.
    package init?(_ octets: ByteBuffer, _ limits: QuestionLimits) {
        guard let parts = MessageHead.read(octets), parts.body.readableBytes <= limits.maximumAnswer else { return nil }
        var head = parts.head
        guard
            let verdict = head.readInteger(as: UInt8.self), let node = MessageHead.Node(reading: &head),
            let run = head.readInteger(as: UInt64.self)
        else { return nil }
        self.init(
            Verdict(rawValue: verdict) ?? .failed,
            from: node.number.map { Heartbeat.Identity(node: $0, run: run) },
            body: parts.body
        )
    }

    package var octets: ByteBuffer {
        var head = ByteBuffer()
        head.writeInteger(verdict.rawValue)
        MessageHead.Node(identity?.node).write(to: &head)
        head.writeInteger(identity?.run ?? 0)
        return MessageHead.write(head, body)
    }
}

extension AnswerMessage.Verdict {
    /// Why there is no answer; `nil` if there is one.
    var silence: Silence? {
        switch self {
        case .answered: nil
        case .unknownQuestion: .unknownQuestion
        case .unreadable, .failed: .failed
        case .busy: .busy
        case .tooLarge: .tooLarge
        }
    }
}
