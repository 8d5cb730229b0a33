import BrokerCluster
import NATSClient
import NIOCore

/// A lane's values and the JetStream that answers them, both in the hands of a test.
enum LaneScript {
    static let now = NIODeadline.uptimeNanoseconds(1_000_000_000)
    static let own = LaneLeader(node: 1, run: 10)
    static let other = LaneLeader(node: 2, run: 20)

    static func message(
        _ term: UInt64,
        previous: UInt64,
        _ content: LaneMessage.Content,
        by leader: LaneLeader = own
    ) -> LaneMessage { LaneMessage(term: term, previous: previous, leader: leader, content: content) }

    static func last(_ sequence: UInt64, _ message: LaneMessage) -> Result<LastMessage, JetStreamFailure> {
        last(sequence, octets: message.octets)
    }

    static func last(_ sequence: UInt64, octets: ByteBuffer) -> Result<LastMessage, JetStreamFailure> {
        .success(LastMessage(subject: "lane", sequence: sequence, payload: octets))
    }

    static let nothing = Result<LastMessage, JetStreamFailure>.failure(
        .refused(JetStreamError(code: 404, errorCode: JetStreamError.noMessage, text: "no message found"))
    )

    static func batch(_ text: String) -> ByteBuffer { ByteBuffer(string: text) }
}

extension LaneStep {
    /// The step in words.
    var text: String {
        switch self {
        case .append(let expecting, let octets):
            switch try? LaneMessage(octets) {
            case let message?:
                "append \(expecting) \(message.content.text), term \(message.term), behind \(message.previous)"
            case nil: "append \(expecting) nonsense"
            }
        case .readLast: "read"
        case .wait: "wait"
        case .done(let outcome):
            switch outcome {
            case let result as Result<LanePosition, LaneFailure>: "done " + result.text { "\($0.sequence)" }
            case let result as Result<LaneTerm, LaneFailure>:
                "done " + result.text { "term \($0.number) at \($0.position.sequence)" }
            default: "done"
            }
        }
    }
}

extension Result where Failure == LaneFailure {
    fileprivate func text(_ body: (Success) -> String) -> String {
        switch self {
        case .success(let value): body(value)
        case .failure(let failure): "\(failure)"
        }
    }
}

extension LaneMessage.Content {
    fileprivate var text: String {
        switch self {
        case .term(let name): "record \(name)"
        case .batch(let octets): "batch \(String(buffer: octets))"
        }
    }
}
