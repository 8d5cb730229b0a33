import DequeModule

// Questions of people and their tools, which a shard answers beside its messages.
extension Shard {
    /// Inquiries that are under way at a time.
    package static var maximumInquiries: Int { 32 }

    /// An inquiry that is under way.
    enum OpenInquiry {
        case clients(ClientWalk)
        case subscriptions(SubscriptionWalk)
    }

    /// Asks. The answer is among those of `takeAnswers`, at once or after some ticks.
    ///
    /// - Parameter number: by which whoever asks knows the answer.
    /// - Returns: false if too many inquiries are under way.
    package mutating func ask(_ inquiry: Inquiry, number: UInt64, now: Instant) -> Bool {
        switch inquiry {
        case .sessions(let clients):
            let found = clients.prefix(Inquiry.maximumSessions).compactMap { sessions[UTF8Key($0)] }
            answers.append((number, .sessions(found.map { SessionRow($0) })))
            return true
        case .publish(let message):
            publish(message, number: number, now: now)
            return true
        case .clients(let search): return begin(.clients(ClientWalk(search)), number, now: now)
        case .subscriptions(let search): return begin(.subscriptions(SubscriptionWalk(search)), number, now: now)
        }
    }

    private mutating func begin(_ inquiry: OpenInquiry, _ number: UInt64, now: Instant) -> Bool {
        guard inquiries.count < Self.maximumInquiries else { return false }
        inquiries.append((number, inquiry))
        advancePace(to: now)
        continueInquiries()
        return true
    }

    /// Goes on with inquiries, each in its turn, as far as the steps of this tick reach.
    mutating func continueInquiries() {
        var steps = min(pace.stepsLeft, pace.inquiryStepsLeft)
        let before = steps
        while steps > 0, let (number, open) = inquiries.popFirst() {
            switch open {
            case .clients(var walk):
                if let found = walk.advance(by: &steps, in: self) {
                    answers.append((number, .clients(found)))
                } else {
                    inquiries.append((number, .clients(walk)))
                }
            case .subscriptions(var walk):
                if let found = walk.advance(by: &steps, in: self) {
                    answers.append((number, .subscriptions(found)))
                } else {
                    inquiries.append((number, .subscriptions(walk)))
                }
            }
        }
        pace.spendOnInquiries(before - max(0, steps))
    }

    /// True if answers are ready.
    package var hasAnswers: Bool { !answers.isEmpty }

    /// Takes the answers that are ready.
    package mutating func takeAnswers() -> [(number: UInt64, answer: Inquiry.Answer)] {
        if answers.isEmpty { return [] }
        defer { answers = [] }
        return answers
    }
}
