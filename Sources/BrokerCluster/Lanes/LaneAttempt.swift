import NATSClient
import NIOCore

/// One append to a lane until it is decided, without IO: the same message on the same condition, again and again, and never another one
/// before.
struct LaneAttempt {
    /// The sequence that the lane's last message has to have, and the message.
    let expecting: UInt64
    let message: ByteBuffer

    enum Outcome: Sendable {
        case stored(UInt64)
        /// The lane's last message is this one, behind the expected one: the attempt's own, or another writer's.
        case newer(LastMessage)
        /// For `LaneLimits.doubt` the last message has been older than the expected one.
        case older
    }

    private enum Phase { case appending, reading }

    private let doubt: TimeAmount
    private var phase = Phase.appending
    /// How long the last message was seen to be older, and when it was seen last.
    private var doubted = TimeAmount.zero
    private var doubtedAt: NIODeadline?
    private var refusals = 0
    /// Why it takes long, in words.
    private(set) var trouble = "JetStream does not answer"
    /// True if the last answer was that there is no space.
    private(set) var isOutOfSpace = false

    init(expecting: UInt64, _ message: ByteBuffer, doubt: TimeAmount) {
        self.expecting = expecting
        self.message = message
        self.doubt = doubt
    }

    /// The first step, and the one after a wait.
    func resume() -> LaneStep<Outcome> {
        switch phase {
        case .appending: .append(expecting: expecting, message)
        case .reading: .readLast
        }
    }

    mutating func answered(
        _ answer: AppendAnswer,
        _ counters: inout LaneCounters,
        using random: inout some RandomNumberGenerator
    ) -> LaneStep<Outcome> {
        switch answer {
        case .stored(let sequence): return .done(.stored(sequence))
        case .sequenceIsAnother:
            counters.otherSequences += 1
            phase = .reading
            return .readLast
        case .busy: counters.busy += 1
        case .noAnswer(let reason):
            counters.unanswered += 1
            isOutOfSpace = false
            trouble = "JetStream does not answer (\(reason))"
        case .refused(let error):
            counters.refused += 1
            counters.retries += 1
            trouble = "\(error)"
            isOutOfSpace = error.isOutOfSpace
            return .wait(refusalPause())
        }
        counters.retries += 1
        let pause = answer.pause(using: &random) ?? .zero
        return pause > .zero ? .wait(pause) : resume()
    }

    /// Takes what the stream's leader said of the lane's last message, after the condition did not hold.
    mutating func read(
        _ result: Result<LastMessage, JetStreamFailure>,
        _ now: NIODeadline,
        using random: inout some RandomNumberGenerator
    ) -> LaneStep<Outcome> {
        switch result {
        case .success(let last) where last.sequence > expecting: return .done(.newer(last))
        case .success(let last) where last.sequence == expecting:
            // What refused the append knows a newer message than what answered now: one of them is behind.
            trust()
            phase = .appending
            trouble = "the stream's servers disagree on the lane's last message"
            return .wait(refusalPause())
        case .success: return older(now)
        case .failure(.refused(let error)) where error.errorCode == JetStreamError.noMessage:
            guard expecting == 0 else { return older(now) }
            phase = .appending
            return .wait(refusalPause())
        case .failure(let failure):
            trust()
            if case .refused(let error) = failure { trouble = "\(error)" }
            return .wait(.milliseconds(Int64.random(in: 50...150, using: &random)))
        }
    }

    private mutating func trust() { (doubted, doubtedAt) = (.zero, nil) }

    /// A time in which nobody was asked does not count, and who does not answer may be elected just now.
    private mutating func older(_ now: NIODeadline) -> LaneStep<Outcome> {
        trouble = "the lane's last message is older than what was acknowledged"
        if let doubtedAt { doubted = doubted + min(now - doubtedAt, Self.longestDoubt) }
        doubtedAt = now
        return doubted >= doubt ? .done(.older) : .wait(Self.doubtPause)
    }

    /// 50 ms, doubled from time to time up to 2 s.
    private mutating func refusalPause() -> TimeAmount {
        refusals += 1
        let pause = Self.shortestPause.nanoseconds << min(refusals - 1, 10)
        return .nanoseconds(min(pause, Self.longestPause.nanoseconds))
    }

    private static let doubtPause: TimeAmount = .milliseconds(250)
    private static let longestDoubt: TimeAmount = .seconds(1)
    private static let shortestPause: TimeAmount = .milliseconds(50)
    private static let longestPause: TimeAmount = .seconds(2)
}
