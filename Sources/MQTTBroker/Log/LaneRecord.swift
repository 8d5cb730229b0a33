import MQTTCodec

/// A change of a lane: the log of a lane is a sequence of records, and replaying them makes the lane what it was. A record says what
/// was decided and is never decided again, so that it means the same under other limits.
///
/// Sessions, and the subordinate sessions of data streams, are named by numbers that are used once in a lane.
enum LaneRecord {
    /// A new session without anything. A record for a number that is in use begins that session anew.
    indirect case session(UInt64, client: UTF8Key)
    /// The session has ended, and nothing of it is kept.
    case ended(UInt64)
    /// The client is connected. Its will is published if the connection breaks off.
    indirect case attached(UInt64, expiryInterval: UInt32, will: Connect.Will?)
    /// The connection that has the session, in a cluster: it may go on with the session once the lane has another leader.
    case holder(UInt64, ConnectionReference)
    /// The client is away since an instant, milliseconds since 1970-01-01 UTC; its will is due at another.
    indirect case away(UInt64, since: Int64, expiryInterval: UInt32, will: Connect.Will?, due: Int64)
    /// The delayed will is published.
    case willPublished(UInt64)
    /// The client has opened a data stream, which has a session of its own.
    case stream(UInt64, parent: UInt64)
    /// A data stream has ended, and its session is merged into the parent's.
    case merged(UInt64)
    indirect case subscribed(UInt64, TopicFilter, Session.Subscription)
    indirect case unsubscribed(UInt64, TopicFilter)
    case message(LoggedMessage)
    /// The oldest message of the queue has got a packet identifier.
    case sent(UInt64, packetIdentifier: UInt16)
    /// The oldest messages of the queue have left it unsent: displaced, expired, or too large for the client.
    case dropped(UInt64, count: Int)
    /// The oldest messages behind the last segment of the queue, none if the session is written again, are in a segment of their own.
    indirect case segmented(UInt64, StoredSegment.Place, taken: Int)
    /// The exchange of a message is over: PUBACK, PUBCOMP, PUBREC with an error, or a client that does not take the packet.
    case acknowledged(UInt64, packetIdentifier: UInt16)
    /// The client has sent PUBREC; where no message has the packet identifier, before the session was written again by cleaning.
    case recorded(UInt64, packetIdentifier: UInt16)
    /// A PUBLISH at QoS 2 that is to be delivered under the next number of the lane's outbox.
    indirect case received(UInt64, packetIdentifier: UInt16, publisher: UInt64, Message, retain: Bool, number: UInt64)
    /// A message of the outbox, whose publisher and packet identifier have records of their own or are gone.
    indirect case posted(publisher: UInt64, Message, retain: Bool, number: UInt64)
    /// The client has sent PUBREL.
    case released(UInt64, packetIdentifier: UInt16)
    /// An exchange of an ended data stream goes on in this session.
    case adopted(UInt64, packetIdentifier: UInt16)
    /// An exchange of an ended data stream waits for PUBREL.
    case orphaned(UInt64, packetIdentifier: UInt16)
    /// The packet identifier of an ended data stream was given out anew.
    case forgotten(UInt64, packetIdentifier: UInt16)
    /// All messages of the outbox up to a number are kept by those that have to.
    case passed(UInt64)
    /// The retained message of its topic.
    indirect case retained(Message)
    /// The topic has no retained message any more.
    indirect case removed(topic: UTF8Key)
    /// The newest message of another lane's outbox that this lane keeps or has kept.
    case source(Lane, number: UInt64)
    /// The newest message of a lane's outbox that this lane has retained or is about to.
    case retainedSource(Lane, number: UInt64)

    /// True if the record adds nothing to what is alive.
    var frees: Bool {
        switch self {
        case .session, .attached, .holder, .stream, .subscribed, .message, .segmented, .received, .posted, .retained,
            .source, .retainedSource:
            false
        case .ended, .away, .willPublished, .merged, .unsubscribed, .sent, .dropped, .acknowledged, .recorded,
            .released,
            .adopted, .orphaned, .forgotten, .passed, .removed:
            true
        }
    }
}
