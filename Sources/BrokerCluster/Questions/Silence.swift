/// Why there is no answer of a node.
package enum Silence: String, Sendable, Equatable {
    /// This node has no connection to NATS.
    case noConnection
    /// Nobody listens on the node's subject.
    case nobodyListens
    /// No answer came in time.
    case timedOut
    /// The node does not know the question: its version is older.
    case unknownQuestion
    /// The node answers as many questions as it may.
    case busy
    /// The answer is longer than it may be.
    case tooLarge
    /// The node could not answer.
    case failed
    /// What came is no answer of that node.
    case unreadable
    /// This node asks as many questions as it may.
    case tooManyQuestions
}

extension Silence: CustomStringConvertible {
    /// The reason in words, as part of a sentence.
    package var description: String {
        switch self {
        case .noConnection: "this node has no connection to NATS"
        case .nobodyListens: "nobody listens on its subject"
        case .timedOut: "no answer came in time"
        case .unknownQuestion: "its version does not know the question"
        case .busy: "it answers as many questions as it may"
        case .tooLarge: "its answer is too long"
        case .failed: "it could not answer"
        case .unreadable: "its answer cannot be read"
        case .tooManyQuestions: "this node asks as many questions as it may"
        }
    }
}
