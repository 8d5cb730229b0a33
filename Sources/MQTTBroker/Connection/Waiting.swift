import MQTTCodec
import NIOCore

/// Why the packets of a connection or data stream have to wait.
enum Waiting {
    /// CONNECT is being answered: by the authenticator, or by the home of the client identifier.
    case connect(PendingConnect)
    /// A data stream was opened before its client's CONNECT was accepted.
    case client
    /// SUBSCRIBE is being answered.
    case subscribe(PendingSubscribe)
    /// SUBSCRIBE, UNSUBSCRIBE, DISCONNECT or the end of the client's side is being answered by the home of the session, another
    /// shard.
    case home
    /// A deputy: the session's log is being committed, and CONNACK waits for that.
    case attachment
    /// With `early_data = connect`: the QUIC handshake is not complete, and only CONNECT counts before.
    case handshake
}

/// A CONNECT that is being answered.
final class PendingConnect {
    let packet: Connect
    /// True if the server chose the client identifier, which CONNACK tells [MQTT-3.2.2-16].
    let hasAssignedIdentifier: Bool
    /// What the home of the client identifier is asked; `nil` before the client is authenticated.
    var claim: Claim?
    /// When a client that wants no session is let in without an answer; `nil` for others.
    var letInDue: NIODeadline?

    init(_ packet: Connect, hasAssignedIdentifier: Bool = false) {
        self.packet = packet
        self.hasAssignedIdentifier = hasAssignedIdentifier
    }
}

/// A SUBSCRIBE that is being answered. SUBACK is sent when every shard knows the subscriptions: from then on no message passes
/// them by, wherever it is published. The retained messages follow.
final class PendingSubscribe {
    let requester: Requester
    let acknowledgement: SubscribeAcknowledgement
    /// The filters whose retained messages the client wants.
    let wanted: [Wanted]
    /// Shards of the node that have not told yet that they know the subscriptions or, after SUBACK, that their look-up is done.
    var answersDue: Int
    /// The same of the shards of other nodes, by node.
    var answersDueOfNodes: [UInt8: Int] = [:]
    /// Retained messages that may still be found.
    var room: Int
    /// False until SUBACK is sent.
    var isAcknowledged = false
    /// True if another home of the session has sent SUBACK.
    var isSilent = false

    /// A filter, with the QoS and the Subscription Identifier (0 for none) of the retained messages that it matches.
    struct Wanted {
        let filter: TopicFilter
        let qos: QualityOfService
        let identifier: UInt32
    }

    /// True if no answer is due.
    var isAnswered: Bool { answersDue <= 0 && answersDueOfNodes.isEmpty }

    /// A shard has answered.
    func answered(by shard: ShardReference, of node: UInt8) {
        guard shard.node != node else {
            answersDue -= 1
            return
        }
        guard let due = answersDueOfNodes[shard.node] else { return }
        answersDueOfNodes[shard.node] = due > 1 ? due - 1 : nil
    }

    init(
        _ requester: Requester,
        _ acknowledgement: SubscribeAcknowledgement,
        wanted: [Wanted],
        room: Int,
        answersDue: Int
    ) {
        self.requester = requester
        self.acknowledgement = acknowledgement
        self.wanted = wanted
        self.room = room
        self.answersDue = answersDue
    }
}
