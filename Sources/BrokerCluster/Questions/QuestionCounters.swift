/// What became of the questions to and from other nodes since the node began.
package struct QuestionCounters: Equatable, Sendable {
    /// Questions to other nodes, once for each node, and the answers to them.
    package var asked = 0
    package var answersReceived = 0
    /// Nodes that did not answer.
    package var silences = 0
    /// Questions of other nodes that were answered, and those that were refused.
    package var answered = 0
    package var refused = 0

    package init() {}

    /// The counters by the names of their metrics, `martlet_questions_NAME_total`.
    package static let names: [(name: String, path: any WritableKeyPath<QuestionCounters, Int> & Sendable)] = [
        ("asked", \.asked),
        ("answers_received", \.answersReceived),
        ("silences", \.silences),
        ("answered", \.answered),
        ("refused", \.refused),
    ]
}
