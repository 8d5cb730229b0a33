package import NIOCore

/// Bounds of questions to nodes.
package struct QuestionLimits: Sendable, Equatable {
    /// Octets of a question's name.
    package var maximumKind = 64
    /// Octets of a question; a longer one is not read.
    package var maximumQuestion = 16_384
    /// Octets of one node's answer, so that it is one message of NATS. A node refuses what would be longer.
    package var maximumAnswer = 512 * 1024
    /// Octets of all answers to one question; those that come beyond are dropped.
    package var maximumAnswers = 4 << 20
    /// Questions that a node answers at a time; others are refused as `busy`.
    package var maximumAnswering = 16
    /// Questions that a node asks at a time.
    package var maximumAsking = 32
    /// The longest time that answers are waited for.
    package var longestPatience: TimeAmount = .seconds(30)

    package init() {}
}
