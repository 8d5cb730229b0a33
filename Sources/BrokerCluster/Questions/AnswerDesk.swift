package import NIOCore

/// Which questions of other nodes a node answers, without IO: those that it can read and knows, and a few at a time.
package struct AnswerDesk: Sendable {
    private let limits: QuestionLimits
    private let kinds: Set<String>
    /// Questions that are being answered.
    package private(set) var underWay = 0

    /// - Parameter kinds: the names of the questions that the node knows.
    package init(_ kinds: Set<String>, _ limits: QuestionLimits) {
        self.kinds = kinds
        self.limits = limits
    }

    /// Octets came as a question.
    ///
    /// - Returns: the question, whose answer has to be followed by `end`; otherwise what it is refused with.
    package mutating func begin(_ octets: ByteBuffer) -> Result<QuestionMessage, Refusal> {
        guard let question = QuestionMessage(octets, limits) else { return .failure(Refusal(verdict: .unreadable)) }
        guard kinds.contains(question.kind) else { return .failure(Refusal(verdict: .unknownQuestion)) }
        guard underWay < limits.maximumAnswering else { return .failure(Refusal(verdict: .busy)) }
        underWay += 1
        return .success(question)
    }

    /// A question has its answer.
    package mutating func end() { underWay = max(0, underWay - 1) }

    /// What becomes of an answer's body: one that is too long is not sent.
    package func answer(_ body: ByteBuffer?, from identity: Heartbeat.Identity?) -> AnswerMessage {
        guard let body else { return AnswerMessage(.failed, from: identity) }
        guard body.readableBytes <= limits.maximumAnswer else { return AnswerMessage(.tooLarge, from: identity) }
        return AnswerMessage(.answered, from: identity, body: body)
    }

    /// Why a question is not answered.
    package struct Refusal: Error, Equatable {
        package let verdict: AnswerMessage.Verdict
    }
}
