import MQTTCodec
import NIOCore

/// The state of one client identifier: it outlives connections, belongs to one shard at a time and moves between them as
/// a `SessionState`.
final class Session {
    let clientIdentifier: UTF8Key
    /// Never used twice in a shard.
    let number: UInt64
    /// `nil` while the client is away.
    @exclusivity(unchecked) var connection: Connection?
    var subscriptions: [TopicFilter: Subscription] = [:]
    @exclusivity(unchecked) var window = DeliveryWindow()
    @exclusivity(unchecked) var queue = MessageQueue()
    /// Retained messages that a SUBSCRIBE asked for and that have not been sent yet.
    @exclusivity(unchecked) var retainedBacklog = MessageQueue()
    /// Packet identifiers of QoS 2 messages whose PUBREL is due (MQTT 5.0 §4.3.3).
    var awaitingRelease: Set<UInt16> = []
    /// Seconds after the connection's end; 0 ends with it, 0xFFFFFFFF never.
    var expiryInterval: UInt32
    /// A will whose delay runs while the client is away.
    var delayedWill: DelayedWill?
    /// Raised whenever the client comes or goes, so that a timer of an earlier absence is known as stale.
    var absence: UInt64 = 0
    /// While the session moves: a bit for each shard whose messages the other end of the move takes.
    @exclusivity(unchecked) var ignoredShards: UInt32 = 0
    /// At the old end of a move: a bit for each shard that has switched over.
    var switchedShards: UInt32 = 0
    /// The claim of another shard that the session leaves for.
    var leavingFor: Claim?

    /// Whether a SUBSCRIBE of the client is being answered by other shards: its SUBACK and the retained messages, which
    /// are older than what comes now, go first.
    var isSubscribing: Bool { connection?.state == .subscribing }

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
        delayedWill = nil
    }

    init(clientIdentifier: UTF8Key, number: UInt64, expiryInterval: UInt32) {
        self.clientIdentifier = clientIdentifier
        self.number = number
        self.expiryInterval = expiryInterval
    }
}
