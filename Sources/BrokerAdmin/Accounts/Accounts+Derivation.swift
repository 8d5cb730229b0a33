extension Accounts {
    /// Waits for the turn of a derivation. Whoever gets it calls `leave` afterwards.
    func enter(_ urgency: DerivationQueue.Urgency) async throws(AccountRefusal) {
        if queue.begin() { return }
        if queue.isFull(urgency) { throw .tooMany(limits.queueRetry) }
        await withCheckedContinuation { queue.append($0, urgency) }
    }

    func leave() { queue.end() }

    /// Compares a password in its turn, and counts the failure.
    func compare(
        _ password: String,
        with hash: PasswordHash,
        _ subject: GuessThrottle.Subject,
        _ urgency: DerivationQueue.Urgency
    ) async throws(AccountRefusal) -> Bool {
        // Those who would be refused in their turn take no place.
        if let seconds = throttle.wait(subject, now: now()) { throw .tooMany(seconds) }
        try await enter(urgency)
        defer { leave() }
        if let seconds = throttle.take(subject, now: now()) { throw .tooMany(seconds) }
        let isRight = try await matches(password, hash)
        if isRight { throttle.succeeded(subject) } else { throttle.failed(subject, now: now()) }
        return isRight
    }

    /// Makes what is kept of a password, in its turn.
    func hash(_ password: String) async throws(AccountRefusal) -> PasswordHash {
        try await enter(.account)
        defer { leave() }
        do {
            return try await PasswordHash.of(password, iterations: limits.passwordIterations, derive)
        } catch {
            throw AccountRefusal(.unavailable)
        }
    }

    func matches(_ password: String, _ hash: PasswordHash) async throws(AccountRefusal) -> Bool {
        do {
            return try await hash.matches(password, derive)
        } catch {
            throw AccountRefusal(.unavailable)
        }
    }
}
