package import NATSClient
package import NIOCore

/// Takes the lead of a lane, without IO: reads the lane's last message, and appends a term record behind it on the condition that it is
/// still the last.
package struct LaneTaker {
    package let lane: Int
    private let leader: LaneLeader
    private let name: String
    private let limits: LaneLimits
    private let deadline: NIODeadline

    /// The lane's last message as it was read last.
    private var last = LaneTail()
    /// The term that was found first: a higher one of another run means that the other one was quicker.
    private var found: UInt64?
    private var attempt: LaneAttempt?

    package typealias Outcome = Result<LaneTerm, LaneFailure>

    package init(_ lane: Int, as leader: LaneLeader, name: String, limits: LaneLimits, _ now: NIODeadline) {
        self.lane = lane
        self.leader = leader
        self.name = name
        self.limits = limits
        deadline = now + limits.takeTimeout
    }

    /// Where the lane ends.
    private struct LaneTail {
        var sequence: UInt64 = 0
        var term: UInt64 = 0
        var leader: LaneLeader?
    }

    /// The first step, and the one after a wait.
    package func resume(_ now: NIODeadline) -> LaneStep<Outcome> {
        guard now < deadline else { return .done(.failure(.unavailable(trouble))) }
        guard let attempt else { return .readLast }
        return attempt.resume().then { _ in .readLast }
    }

    private var trouble: String { attempt?.trouble ?? "JetStream does not say what the lane's last message is" }

    package mutating func answered(
        _ answer: AppendAnswer,
        _ now: NIODeadline,
        _ counters: inout LaneCounters,
        using random: inout some RandomNumberGenerator
    ) -> LaneStep<Outcome> {
        guard var attempt else { return resume(now) }
        let step = attempt.answered(answer, &counters, using: &random)
        self.attempt = attempt
        return bounded(step, now)
    }

    package mutating func read(
        _ result: Result<LastMessage, JetStreamFailure>,
        _ now: NIODeadline,
        using random: inout some RandomNumberGenerator
    ) -> LaneStep<Outcome> {
        guard var attempt else { return readFirst(result, now, using: &random) }
        let step = attempt.read(result, now, using: &random)
        self.attempt = attempt
        return bounded(step, now)
    }

    private mutating func readFirst(
        _ result: Result<LastMessage, JetStreamFailure>,
        _ now: NIODeadline,
        using random: inout some RandomNumberGenerator
    ) -> LaneStep<Outcome> {
        switch result {
        case .success(let last): return follow(last, now)
        case .failure(.refused(let error)) where error.errorCode == JetStreamError.noMessage: return write(now)
        case .failure:
            let pause = LaneStep<Outcome>.wait(.milliseconds(Int64.random(in: 50...150, using: &random)))
            return now < deadline ? pause : resume(now)
        }
    }

    private mutating func bounded(_ step: LaneStep<LaneAttempt.Outcome>, _ now: NIODeadline) -> LaneStep<Outcome> {
        if case .done(let outcome) = step { return decided(outcome, now) }
        guard now < deadline else { return .done(.failure(.unavailable(trouble))) }
        return step.then { _ in .readLast }
    }

    private mutating func decided(_ outcome: LaneAttempt.Outcome, _ now: NIODeadline) -> LaneStep<Outcome> {
        switch outcome {
        case .stored(let sequence): return .done(.success(term(at: sequence)))
        case .newer(let last) where last.payload == attempt?.message: return .done(.success(term(at: last.sequence)))
        case .newer(let last): return follow(last, now)
        case .older: return .done(.failure(.lost("lane \(lane) has lost its messages behind \(last.sequence)")))
        }
    }

    private func term(at sequence: UInt64) -> LaneTerm {
        let position = LanePosition(sequence: sequence)
        return LaneTerm(lane: lane, number: last.term + 1, position: position, previous: last.leader)
    }

    /// Goes on behind a message of another writer, or behind what was read first.
    private mutating func follow(_ message: LastMessage, _ now: NIODeadline) -> LaneStep<Outcome> {
        do throws(LaneMessageError) {
            let read = try LaneMessage(message.payload)
            guard read.term < UInt64.max else { throw .malformed }
            if let found, read.term > found, read.leader != leader {
                return .done(.failure(.fenced(by: read.leader)))
            }
            found = found ?? read.term
            last = LaneTail(sequence: message.sequence, term: read.term, leader: read.leader)
            return write(now)
        } catch {
            return .done(.failure(.damaged("message \(message.sequence) of lane \(lane) \(error)")))
        }
    }

    private mutating func write(_ now: NIODeadline) -> LaneStep<Outcome> {
        found = found ?? 0
        let record = LaneMessage(
            term: last.term + 1,
            previous: last.sequence,
            leader: leader,
            content: .term(name: name)
        )
        attempt = LaneAttempt(expecting: last.sequence, record.octets, doubt: limits.doubt)
        return resume(now)
    }
}
