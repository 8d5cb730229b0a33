import MQTTCodec
import NIOCore

/// What shards tell each other of the nodes of a cluster and of lanes. Shard 0 speaks for its node: what it hears of another node it tells the
/// other shards of its own, and what these tell it tells the other nodes, in order.
enum ClusterMessage: Sendable {
    // Within a node.
    /// Another node is there, with so many shards.
    case joined(UInt8, shards: Int)
    /// Nothing is heard of a node, or it is heard again.
    case suspected(UInt8, Bool)
    /// A run of another node is over.
    case died(UInt8)
    /// The node has its lease until then.
    case lease(NIODeadline)
    /// A link to a node has lost messages.
    case lostLink(UInt8)

    // Of one node, for all shards of the others.
    /// All of a node's interest.
    indirect case interest(of: UInt8, Interest.Told)
    case interestChange(of: UInt8, Interest.Change)
    /// A shard leads lanes, each in a term.
    case leads(ShardReference, [LaneTerm])
    /// A shard does not lead lanes any more that it led in these terms.
    case lost(ShardReference, [LaneTerm])
    /// A node has forgotten what it knew of another one, which is to do likewise, and to tell it again.
    case forgot(UInt8)
    /// A node has told all that it has to tell one that has joined.
    case introduced(UInt8)
    /// A shard wants each shard of the other nodes to say that it has told everything, under a number.
    case asks(ShardReference, UInt64)
    /// A shard has told everything that it had to tell when it was asked.
    case answers(ShardReference, to: ShardReference, UInt64)

    // For the leader of a lane.
    /// A connection has a transient session.
    case holds(UTF8Key, ConnectionReference)

    /// The node that a message is of, which nobody else may say; `nil` for a message that is of none.
    var node: UInt8? {
        switch self {
        case .interest(let node, _), .interestChange(let node, _), .introduced(let node), .forgot(let node): node
        case .leads(let shard, _), .lost(let shard, _), .asks(let shard, _), .answers(let shard, _, _): shard.node
        case .joined, .suspected, .died, .lostLink, .lease, .holds: nil
        }
    }

    /// A lane, and the term in which it is led.
    struct LaneTerm: Sendable, Equatable {
        let lane: Lane
        let term: UInt64
    }
}
