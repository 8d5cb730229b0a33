package import NATSClient
package import NIOCore

/// Appends to a lane that this run leads, without IO: one batch at a time, each on the condition that the one before is the lane's last
/// message.
package struct LaneAppender {
    package let term: LaneTerm
    private let leader: LaneLeader
    private let limits: LaneLimits

    /// Of the newest message that was acknowledged.
    package private(set) var position: LanePosition
    private var attempt: LaneAttempt?
    /// When the batch in flight was handed in.
    package private(set) var since: NIODeadline?

    package typealias Outcome = Result<LanePosition, LaneFailure>

    package init(_ term: LaneTerm, as leader: LaneLeader, limits: LaneLimits) {
        self.term = term
        self.leader = leader
        self.limits = limits
        position = term.position
    }

    /// Why the batch in flight takes long, in words.
    package var trouble: String { attempt?.trouble ?? "" }

    /// True if there is no space for the batch in flight.
    package var isOutOfSpace: Bool { attempt?.isOutOfSpace ?? false }

    /// Begins to append a batch. A batch that cannot be taken is answered at once, and changes nothing.
    package mutating func append(_ batch: ByteBuffer, _ now: NIODeadline) -> LaneStep<Outcome> {
        guard attempt == nil else { return .done(.failure(.underWay)) }
        guard batch.readableBytes <= limits.maximumBatch else {
            return .done(.failure(.tooLarge(maximum: limits.maximumBatch)))
        }
        let message = LaneMessage(
            term: term.number,
            previous: position.sequence,
            leader: leader,
            content: .batch(batch)
        )
        since = now
        attempt = LaneAttempt(expecting: position.sequence, message.octets, doubt: limits.doubt)
        return resume()
    }

    /// The step after a wait.
    package mutating func resume() -> LaneStep<Outcome> {
        guard let attempt else { return .done(.failure(.notLed)) }
        return decide(attempt.resume())
    }

    package mutating func answered(
        _ answer: AppendAnswer,
        _ counters: inout LaneCounters,
        using random: inout some RandomNumberGenerator
    ) -> LaneStep<Outcome> {
        guard let step = attempt?.answered(answer, &counters, using: &random) else {
            return .done(.failure(.notLed))
        }
        return decide(step)
    }

    package mutating func read(
        _ result: Result<LastMessage, JetStreamFailure>,
        _ now: NIODeadline,
        using random: inout some RandomNumberGenerator
    ) -> LaneStep<Outcome> {
        guard let step = attempt?.read(result, now, using: &random) else { return .done(.failure(.notLed)) }
        return decide(step)
    }

    private mutating func decide(_ step: LaneStep<LaneAttempt.Outcome>) -> LaneStep<Outcome> {
        step.then { outcome in
            let result = result(of: outcome)
            if case .success(let stored) = result { position = stored }
            attempt = nil
            since = nil
            return .done(result)
        }
    }

    private func result(of outcome: LaneAttempt.Outcome) -> Outcome {
        switch outcome {
        case .stored(let sequence) where sequence > position.sequence: .success(LanePosition(sequence: sequence))
        case .stored(let sequence): .failure(.lost(text("acknowledges \(sequence) behind \(position.sequence)")))
        case .older:
            .failure(.lost(text("does not have message \(position.sequence) any more, which was acknowledged")))
        case .newer(let last): judge(last)
        }
    }

    /// Says what it means that a message that was not acknowledged is the lane's last one.
    private func judge(_ last: LastMessage) -> Outcome {
        if last.payload == attempt?.message { return .success(LanePosition(sequence: last.sequence)) }
        do throws(LaneMessageError) {
            let message = try LaneMessage(last.payload)
            guard message.term <= term.number else { return .failure(.fenced(by: message.leader)) }
            return .failure(
                .damaged(text("has message \(last.sequence) of term \(message.term) behind \(term.number)"))
            )
        } catch {
            return .failure(.damaged(text("has message \(last.sequence), which \(error)")))
        }
    }

    private func text(_ detail: String) -> String { "lane \(term.lane) \(detail)" }
}
