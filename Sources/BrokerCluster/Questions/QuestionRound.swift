package import NIOCore

/// One question to several nodes, without IO: whose answers came, and why the others' did not.
package struct QuestionRound: Sendable {
    private let limits: QuestionLimits
    private var waiting: Set<Int>
    private var octets = 0
    /// The answers that came, by the number of the node.
    package private(set) var answers: [Int: AnswerMessage] = [:]
    /// The nodes that did not answer, and why.
    package private(set) var silences: [Int: Silence] = [:]

    /// - Parameter nodes: their numbers.
    package init(_ nodes: some Sequence<Int>, _ limits: QuestionLimits) {
        waiting = Set(nodes)
        self.limits = limits
    }

    /// True once nothing is waited for any more.
    package var isComplete: Bool { waiting.isEmpty }

    /// Octets came as the answer of a node. Those of a node that is not waited for are dropped.
    package mutating func received(_ octets: ByteBuffer, from node: Int) {
        guard waiting.contains(node) else { return }
        guard octets.readableBytes <= limits.maximumAnswers - self.octets else { return silent(node, .tooLarge) }
        guard let answer = AnswerMessage(octets, limits), answer.identity.map({ $0.node == node }) ?? true else {
            return silent(node, .unreadable)
        }
        if let silence = answer.verdict.silence { return silent(node, silence) }
        self.octets += octets.readableBytes
        answers[node] = answer
        waiting.remove(node)
    }

    /// No answer of a node will come.
    package mutating func silent(_ node: Int, _ silence: Silence) {
        if waiting.remove(node) != nil { silences[node] = silence }
    }
}
