/// What two appends with one expected sequence, in flight at the same time, came to.
package enum ProbeResult: Equatable, Sendable {
    /// Exactly one was stored, and the other was refused for its sequence.
    case fenced
    /// Both were stored: the servers lose messages, or store them twice, when two brokers write to one lane.
    case notFenced
    /// No answer, or a refusal for another reason: it can be tried again, on another subject.
    case undecided([AppendAnswer])

    package init(_ answers: [AppendAnswer]) {
        let stored = answers.count { if case .stored = $0 { true } else { false } }
        let refused = answers.count { $0 == .sequenceIsAnother }
        self = stored > 1 ? .notFenced : stored == 1 && refused == answers.count - 1 ? .fenced : .undecided(answers)
    }
}
