import MQTTCodec
import NIOCore

/// What one shard tells another. The shell carries messages unread, in the order of `HandOver`.
package struct ShardMessage: Sendable {
    var body: Body

    init(_ body: consuming Body) { self.body = body }

    /// What is told.
    enum Body: Sendable {
        // Application messages.
        /// A PUBLISH and `Session.identity` of its publisher.
        ///
        /// - origin: the outbox that it came from, if any.
        /// - scope: the sessions that it is for.
        /// - receipt: 0, or the number under which `stored` is to say that the message is kept.
        case publish(Publish, from: UInt64, origin: LoggedMessage.Origin?, LaneScope, receipt: UInt64)
        /// A PUBLISH with RETAIN, for the home of its topic.
        ///
        /// - origin: the outbox that it came from, if any.
        /// - isAgain: as in `LaneScope`.
        case retain(Publish, origin: LoggedMessage.Origin?, isAgain: Bool, receipt: UInt64)
        /// Every lane of the shard that keeps the message has committed it.
        case stored(UInt64)
        /// Lanes, a bit for each, do not keep the message, since the shard does not lead them any more. It tells at once, in the order of the
        /// messages, and before `stored`.
        case missing(UInt64, lanes: UInt64)

        // A restart.
        /// A lane of the shard keeps, or has kept, the message of this number of another lane's outbox.
        case outboxReached(Lane, UInt64)
        /// Lanes whose logs are damaged, and the filters that their sessions are known to have.
        case quarantine(Set<Lane>, [TopicFilter])

        // Subscriptions.
        case interest(Interest.Change)
        /// Asks for `announced`, which says that every earlier message of the asker has taken effect.
        case announce(Requester, by: ShardReference)
        case announced(Requester)
        case findRetained([TopicFilter], atMost: Int, for: Requester)
        case foundRetained([RetainedLookUp.Found], isLast: Bool, for: Requester)
        /// The connection that asked has ended.
        case cancelLookUp(of: Requester)

        // Client identifiers and their sessions; ARCHITECTURE.md draws the order.
        /// A connection wants the session of its client identifier.
        ///
        /// - term: that of the lane that the sender has heard of. A home that leads the lane again takes no claim of an earlier time, which another
        ///   leader may have carried out: the client may have another connection since.
        case claim(Claim, term: UInt64)
        /// A connection goes on with its session, whose lane has another leader.
        indirect case resume(Claim, Resumption)
        /// The connection gets a transient session, which is new.
        case create(Claim)
        case refuse(ConnectionReference, ReasonCode)
        /// The transient session that a connection has of a client is taken over.
        case evict(ConnectionReference, of: UTF8Key)
        /// The transient session of a connection has ended.
        case ended(UTF8Key, of: ConnectionReference)

        // A connection whose session is at home in another shard, and its deputy there.
        case toHome(ConnectionReference, ToHome)
        case toConnection(ConnectionReference, ToConnection)

        // Other nodes, and who leads which lane.
        case cluster(ClusterMessage)
    }

    /// What a home has to know to go on with a connection and its session.
    struct Resumption: Sendable {
        /// Counts those of the connection.
        let number: UInt64
        /// The term of the lane that the connection has heard of: the home may have led it before, and lead it again.
        let term: UInt64
        /// The packet identifiers of messages that the client was sent.
        let outstanding: [UInt16]
        /// Packets of the client that are not settled.
        let packets: ByteBuffer
        /// As in `ToHome.packets`.
        let isLast: Bool
        /// True if the last of them is a SUBSCRIBE whose SUBACK was sent.
        let isAcknowledged: Bool
    }

    /// Whether the last packet that a home was given is answered.
    enum Answer: UInt8, Sendable {
        case none
        case complete
        /// SUBACK is sent, and retained messages are looked for.
        case acknowledged
    }

    /// What the shard of a connection tells the home of its session.
    enum ToHome: Sendable {
        /// The client has opened a data stream, which has this name.
        case opened(ConnectionReference)
        /// Packets that concern the session.
        ///
        /// - isLast: true if the connection handles no further packet before that one is answered.
        case packets(ByteBuffer, isLast: Bool)
        /// The transport was given so many octets of those that the home has sent.
        case taken(Int)
        case addressChanged(SocketAddress)
        /// The client has ended its side of the connection or data stream. The home ends it once all is answered.
        case finished
        /// The connection or the data stream has ended.
        case parted(publishesWill: Bool)
        /// The connection had ended before it was attached to the session.
        case abandoned
    }

    /// What the home of a session tells the shard of the client's connection.
    enum ToConnection: Sendable {
        case attached(Claim, isPresent: Bool)
        /// What follows is of the time after the resumption of this number.
        case resumed(UInt64)
        /// The home has given the connection up, since a link has lost messages: it may go on with its session.
        case lost
        /// Octets for the client, and in a cluster the packet identifiers of the messages among them.
        ///
        /// - answer: what the client has of the answer to its last packet once the octets are sent.
        case output(Output, sent: [UInt16], answer: Answer)
        /// So many octets of packets need not be kept any more: what they say is in the log, and their answers were sent.
        case settled(Int)
        /// Whether nothing more is to be read, since too many acknowledgements wait at the home.
        case heldUp(Bool)
        /// The home has ended the connection or the data stream, with a last output.
        case ended(Output, ReasonCode?)
    }

    /// Octets that the message holds until it is received, about.
    var weight: Int {
        let own = 256
        return switch body {
        case .publish(let publish, _, _, _, _), .retain(let publish, _, _, _):
            own + publish.topic.readableBytes + publish.payload.readableBytes
        case .foundRetained(let found, _, _):
            own + found.count * MemoryLayout<RetainedLookUp.Found>.stride
        case .toHome(_, .packets(let octets, _)):
            own + octets.readableBytes
        case .toConnection(_, .output(let output, _, _)), .toConnection(_, .ended(let output, _)):
            own + output.count
        default: own
        }
    }

    /// True for an application message, which is handed over again if it is not known to be kept.
    var isPublish: Bool {
        switch body {
        case .publish, .retain: true
        default: false
        }
    }

    /// True for packets of a connection, which the home of its session is told again if the link to it loses messages.
    var isPackets: Bool { if case .toHome(_, .packets) = body { true } else { false } }

    /// True if the message says that something was done (see `HandOver`).
    var isAnswer: Bool {
        switch body {
        case .announced, .foundRetained, .ended: true
        default: false
        }
    }
}
