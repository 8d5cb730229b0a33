/// Why a record of the meta lane was not changed, in words that follow a colon.
package enum MetaFailure: Error, Equatable, Sendable, CustomStringConvertible {
    /// The node has not read the lane yet.
    case notReady
    case notConnected
    /// Whether the change was stored is not known.
    case noAnswer
    case noSpace(reason: String)
    /// Somebody else has changed the record, which has this revision now; 0 if it is gone.
    case conflict(revision: UInt64)
    case nameTooLong(maximum: Int)
    case valueTooLong(maximum: Int)
    case tooMuch(maximum: Int)
    case refused(reason: String)

    package var description: String {
        switch self {
        case .notReady: "this node has not read the records of its cluster yet; try again soon"
        case .notConnected: "there is no connection to a NATS server, and nothing was changed"
        case .noAnswer: "JetStream does not answer in time; whether the change is stored is not known"
        case .noSpace(let reason): "JetStream has no space for it: \(reason)"
        case .conflict(let revision):
            "somebody else has changed it meanwhile, and it has revision \(revision) now; nothing was changed"
        case .nameTooLong(let maximum): "the name has more than \(maximum) octets"
        case .valueTooLong(let maximum): "the value has more than \(maximum) octets"
        case .tooMuch(let maximum): "all records together would have more than \(maximum) octets"
        case .refused(let reason): reason
        }
    }
}
