package import NIOCore

/// A message for a stream that is stored only if the last message of its subject is the one that the writer believes to be the last:
/// compare-and-set, which fences writers that do not know that others came after them.
package struct Append: Sendable {
    package let publication: Publication

    /// The name of the header that makes the condition.
    static let condition = "Nats-Expected-Last-Subject-Sequence"

    /// - Parameters:
    ///   - expected: the sequence of the subject's last message in the stream; 0 if there is none.
    ///   - fields: further headers.
    package init(
        to subject: Subject,
        expecting expected: UInt64,
        fields: [(name: String, value: String)] = [],
        _ payload: ByteBuffer
    ) {
        let headers = HeaderBlock([(Self.condition, "\(expected)")] + fields)
        publication = Publication(to: subject, headers: headers, payload: payload)
    }

    private struct Stored: Decodable { let seq: UInt64 }

    /// What the reply says.
    package static func answer(_ reply: Reply) -> AppendAnswer {
        switch reply {
        case .timedOut: return .noAnswer(.timedOut)
        case .disconnected: return .noAnswer(.disconnected)
        case .noResponders: return .noAnswer(.noResponders)
        case .answer(let publication):
            switch JetStreamAnswer<Stored>.read(publication.payload) {
            case .success(let stored): return .stored(stored.seq)
            case .failure(.noAnswer(let reason)): return .noAnswer(reason)
            case .failure(.refused(let error)):
                switch error.errorCode {
                case JetStreamError.wrongLastSequence: return .sequenceIsAnother
                case JetStreamError.appendUnderWay: return .busy
                default: return .refused(error)
                }
            case .failure: return .refused(JetStreamError(code: 0, errorCode: 0, text: "not an answer of JetStream"))
            }
        }
    }
}

/// What became of one attempt to append.
package enum AppendAnswer: Equatable, Sendable {
    /// Stored and synchronised by a majority, with this sequence.
    case stored(UInt64)
    /// The subject's last message is another (10071). After an attempt without an answer it may be this very one: ask the leader by
    /// `JetStreamRequest.last`. Its own payload: it was stored. A newer writer's: this one is fenced. An older one than what was
    /// acknowledged: ask again for a while, since a leader that was cut off may still answer.
    case sequenceIsAnother
    /// Some append to the subject is being applied (10164). It decides nothing: the same append is to be tried again soon.
    case busy
    /// Whether it was stored is not known. The same append with the same expected sequence is to be tried again, never another.
    case noAnswer(NoAnswer)
    case refused(JetStreamError)

    /// How long the same append waits before it is tried again: 5 to 20 ms after `busy`, and after silence at once if the time for the
    /// answer has passed already. `nil` if it is not to be tried again.
    package func pause(using random: inout some RandomNumberGenerator) -> TimeAmount? {
        switch self {
        case .stored, .sequenceIsAnother, .refused: nil
        case .busy: .microseconds(Int64.random(in: 5_000...20_000, using: &random))
        case .noAnswer(.timedOut): .zero
        case .noAnswer: .milliseconds(Int64.random(in: 50...150, using: &random))
        }
    }
}
