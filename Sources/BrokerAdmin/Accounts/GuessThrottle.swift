/// Counts failed guesses of passwords and secrets, and says when the next guess is answered, without IO. Times are in milliseconds.
struct GuessThrottle {
    /// Whose failures are counted. Those of names and keys that do not exist are counted together, so that guessing names does not cost memory.
    enum Subject: Hashable {
        case user(String)
        case unknownUser
        case apiKey(String)
        case unknownKey
        /// Old passwords that somebody guesses who has a token of the user.
        case change(String)
    }

    private struct Entry {
        /// The last ones, in order, as many as the bound.
        var failures: [Int] = []
        var lastAnswer = 0
    }

    private let limits: AccountLimits
    private var entries: [Subject: Entry] = [:]

    init(_ limits: AccountLimits) { self.limits = limits }

    var count: Int { entries.count }

    /// Seconds until a guess is answered; `nil` if one is answered now.
    func wait(_ subject: Subject, now: Int) -> Int? {
        guard let entry = entries[subject], isSlow(entry, now) else { return nil }
        let passed = now - entry.lastAnswer
        // A clock that was set back does not shut anybody out.
        guard passed >= 0, passed < limits.guessInterval else { return nil }
        return (limits.guessInterval - passed + 999) / 1_000
    }

    /// Takes the turn of this interval.
    ///
    /// - Returns: as `wait`; the turn is taken if it is `nil`.
    mutating func take(_ subject: Subject, now: Int) -> Int? {
        if let seconds = wait(subject, now: now) { return seconds }
        entries[subject]?.lastAnswer = now
        return nil
    }

    mutating func failed(_ subject: Subject, now: Int) {
        if entries[subject] == nil { makeRoom(now) }
        var entry = entries[subject, default: Entry()]
        entry.failures = Array((entry.failures + [now]).suffix(limits.maximumFailures))
        entry.lastAnswer = now
        entries[subject] = entry
    }

    mutating func succeeded(_ subject: Subject) { entries[subject] = nil }

    private func isSlow(_ entry: Entry, _ now: Int) -> Bool {
        guard let first = entry.failures.first, entry.failures.count >= limits.maximumFailures else { return false }
        return now - first < limits.failureWindow
    }

    private mutating func makeRoom(_ now: Int) {
        guard entries.count >= limits.maximumGuessSubjects else { return }
        entries = entries.filter { now - $0.value.lastAnswer < limits.failureWindow }
        if entries.count >= limits.maximumGuessSubjects,
            let oldest = entries.min(by: { $0.value.lastAnswer < $1.value.lastAnswer })
        {
            entries[oldest.key] = nil
        }
    }
}
