import MQTTCodec
import NIOCore

/// The state of one client identifier: it outlives connections, belongs to one shard at a time and moves between them as
/// a `SessionState`. Beside it, each data stream has a subordinate one of its own, which ends with the stream.
final class Session {
    let clientIdentifier: UTF8Key
    /// Never used twice in a shard.
    let number: UInt64
    /// The session of the client whose data stream this one serves; `nil` for a client's own.
    let parent: Session?
    /// `nil` while the client is away.
    @exclusivity(unchecked) var connection: Connection?
    var subscriptions: [TopicFilter: Subscription] = [:]
    @exclusivity(unchecked) var window = DeliveryWindow()
    @exclusivity(unchecked) var queue = MessageQueue()
    /// Retained messages that a SUBSCRIBE asked for and that have not been sent yet.
    @exclusivity(unchecked) var retainedBacklog = MessageQueue()
    /// Packet identifiers of QoS 2 messages whose PUBREL is due (MQTT 5.0 §4.3.3).
    var awaitingRelease: Set<UInt16> = []
    /// Those that data streams had when they ended.
    var orphans = OrphanedIdentifiers()
    /// Seconds after the connection's end; 0 ends with it, 0xFFFFFFFF never.
    var expiryInterval: UInt32
    /// A will whose delay runs while the client is away.
    var delayedWill: DelayedWill?
    /// Raised whenever the client comes or goes, so that a timer of an earlier absence is known as stale.
    var absence: UInt64 = 0
    /// While the session moves: a bit for each shard whose messages the other end of the move takes.
    @exclusivity(unchecked) var ignoredShards: UInt32 = 0
    /// Present at the old end of a move.
    var departure: Departure?

    /// Whether a SUBSCRIBE of the client is being answered by other shards: its SUBACK and the retained messages, which
    /// are older than what comes now, go first.
    var isSubscribing: Bool { connection?.state == .subscribing }

    /// The client's own session.
    var root: Session { parent ?? self }

    /// The other sessions of a client that has data streams; none where it has not.
    var siblings: [Session] {
        guard let control = root.connection, !control.streams.isEmpty else { return [] }
        return ([control] + control.streams).compactMap { $0.session === self ? nil : $0.session }
    }

    /// A move to another shard: for a moment of a session's life, and so not a part of it.
    final class Departure {
        let claim: Claim
        /// A bit for each shard that has switched over.
        var switchedShards: UInt32 = 0

        init(for claim: Claim) { self.claim = claim }
    }

    struct DelayedWill: Sendable {
        let will: Connect.Will
        let due: NIODeadline
    }

    struct Subscription: Sendable {
        var options: SubscriptionOptions
        var identifier: UInt32
    }

    /// Holds nothing any more: a route that is remembered may keep this object for a while.
    func letGo() {
        subscriptions = [:]
        window = DeliveryWindow()
        queue = MessageQueue()
        retainedBacklog = MessageQueue()
        awaitingRelease = []
        orphans = OrphanedIdentifiers()
        delayedWill = nil
    }

    init(clientIdentifier: UTF8Key, number: UInt64, parent: Session? = nil) {
        self.clientIdentifier = clientIdentifier
        self.number = number
        self.parent = parent
        expiryInterval = 0
    }
}
