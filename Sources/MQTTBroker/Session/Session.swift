import MQTTCodec
import NIOCore

/// The session state of one client identifier (MQTT 5.0 §4.1). A durable session outlives its connections: it is in the shard that
/// leads its lane, wherever its client connects. A transient session ends with its connection, and is in the same shard. Each data
/// stream has a subordinate session of its own, which ends with the stream.
final class Session {
    let clientIdentifier: UTF8Key
    /// A hash of the client identifier, the same in every shard.
    let identity: UInt64
    /// Never used twice in a shard.
    let number: UInt64
    /// The session of the client that the data stream of this session belongs to; `nil` for a client's own session.
    let parent: Session?
    /// The connection that a transient session ends with. In a cluster, of a durable session: the one that had it last, which may go on with
    /// it once its lane has another leader.
    var holder: ConnectionReference?
    /// The lane whose log keeps the session; `nil` for a transient session, and without a store.
    let lane: Lane?

    // Only the shard touches these, and never in two calls at once, but for every message. Debug builds check it (SE-0176).
    /// The connection of the client, or the deputy of one in another shard; `nil` while the client is away.
    #if !DEBUG
        @exclusivity(unchecked)
    #endif
    var connection: Connection?
    #if !DEBUG
        @exclusivity(unchecked)
    #endif
    var outgoing = Outgoing()

    var subscriptions = ShortDictionary<TopicFilter, Subscription>()
    /// Packet identifiers of QoS 2 messages whose PUBREL is due (MQTT 5.0 §4.3.3).
    var awaitingRelease: Set<UInt16> = []
    /// Packet identifiers of QoS 2 messages whose PUBREL was due on data streams when they ended.
    var orphans = OrphanedIdentifiers()
    /// Seconds from the end of the connection to the end of the session; 0 for none, 0xFFFFFFFF for ever.
    var expiryInterval: UInt32
    /// Messages that were dropped rather than sent, since the session came to this shard.
    private(set) var dropped: UInt32 = 0
    /// When the client went away, by the wall clock; 0 while it has never been.
    var awaySince: Int64 = 0
    /// A will whose delay runs while the client is away.
    var delayedWill: DelayedWill?
    /// When `delayedWill` is published.
    var willDeadline: Deadline.Handle?
    /// When the session ends, while the client is away.
    var endDeadline: Deadline.Handle?

    /// The messages that the client is to get.
    struct Outgoing {
        /// Sent and not acknowledged.
        var window = DeliveryWindow()
        /// Not sent yet.
        var queue = MessageQueue()
        /// Retained messages that a SUBSCRIBE asked for, not sent yet.
        var retained = MessageQueue()
    }

    /// A will whose Will Delay Interval runs [MQTT-3.1.3-9].
    struct DelayedWill: Sendable {
        let will: Connect.Will
        let due: NIODeadline
    }

    /// The options and the Subscription Identifier of a filter; 0 for none.
    struct Subscription: Sendable {
        var options: SubscriptionOptions
        var identifier: UInt32
    }

    init(
        clientIdentifier: UTF8Key,
        identity: UInt64,
        number: UInt64,
        parent: Session? = nil,
        holder: ConnectionReference? = nil,
        lane: Lane? = nil
    ) {
        self.clientIdentifier = clientIdentifier
        self.identity = identity
        self.number = number
        self.parent = parent
        self.holder = holder
        self.lane = lane
        expiryInterval = 0
    }

    static func identity(of client: UTF8Key) -> UInt64 { FNV1a.hash(client.string.utf8) }

    /// True while messages for the client have to wait: CONNACK goes first, and so do the SUBACK of a SUBSCRIBE and the retained
    /// messages, which are older than what comes now.
    var isHeldBack: Bool {
        switch connection?.waiting {
        case .subscribe, .connect, .attachment: true
        default: false
        }
    }

    /// The client's own session.
    var root: Session { parent ?? self }

    /// The other sessions of a client that has data streams; empty if the client has none.
    var siblings: [Session] {
        guard let control = root.connection, !control.streams.isEmpty else { return [] }
        return ([control] + control.streams).compactMap { $0.session === self ? nil : $0.session }
    }

    /// Messages for the client were dropped, or those of a data stream for its session.
    func countDrops(_ count: Int) {
        let (sum, isOverflow) = root.dropped.addingReportingOverflow(UInt32(clamping: count))
        root.dropped = isOverflow ? .max : sum
    }

    /// Frees what the session holds: a cached route may keep the object itself for a while.
    func clear() {
        subscriptions = ShortDictionary()
        outgoing = Outgoing()
        awaitingRelease = []
        orphans = OrphanedIdentifiers()
        delayedWill = nil
    }
}
