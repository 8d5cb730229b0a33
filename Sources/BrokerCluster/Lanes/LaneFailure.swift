/// Why a lane is not led, or what was handed to it is not stored. After each of these, except `tooLarge` and `underWay`, the lane is not
/// led by this run any more, and can be taken again.
package enum LaneFailure: Error, Equatable, Sendable {
    /// Another run has taken the lane. The batch in flight is not stored, and nothing that was acknowledged is lost.
    case fenced(by: LaneLeader)
    /// The stream does not have any more what it acknowledged; in words.
    case lost(String)
    /// The lane has something that nobody can have written, or lacks something; in words.
    case damaged(String)
    /// An earlier leader's purge came while the lane was replayed, so that what was replayed has a hole: forget it, and take the lane again.
    case purgedMeanwhile
    /// Nothing came about within `LaneLimits.takeTimeout`: JetStream elects, is full or cannot be reached; in words.
    case unavailable(String)
    /// The lane was released, or the run is over. Whether the batch in flight was stored is not known.
    case released
    /// This run does not lead the lane.
    case notLed
    /// The lane is taken or appended to already: one call at a time.
    case underWay
    /// The batch is larger than `LaneLimits.maximumBatch`, and was not sent.
    case tooLarge(maximum: Int)
    /// The node is no member of the cluster now, or this part is not there yet.
    case notReady
}

extension LaneFailure: CustomStringConvertible {
    package var description: String {
        switch self {
        case .fenced(let leader): "node \(leader.node), run \(leader.run), has taken the lane"
        case .lost(let detail), .damaged(let detail), .unavailable(let detail): detail
        case .purgedMeanwhile: "the lane was purged while it was replayed"
        case .released: "the lane was released"
        case .notLed: "this node does not lead the lane"
        case .underWay: "the lane is in use already"
        case .tooLarge(let maximum): "a batch over \(maximum) octets"
        case .notReady: "the node is no member of the cluster"
        }
    }
}
