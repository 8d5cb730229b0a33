/// The counters of a shard since its start. The shell turns them into metrics.
package struct Counters: Sendable, Equatable {
    package var connectionsAccepted: UInt64 = 0
    /// Connections that ended with an error before their CONNECT was accepted.
    package var connectionsRefused: UInt64 = 0
    package var connectionsClosed: UInt64 = 0
    /// Connections that ended before all that their client had sent was handled (`Limits.maximumGoneConnections`).
    package var connectionsUnheard: UInt64 = 0
    /// Clients that were let go, so that they connect to other nodes.
    package var clientsLetGo: UInt64 = 0
    /// Clients whose session an administrator has ended.
    package var clientsKicked: UInt64 = 0
    /// Connections that were closed because CONNECT was not accepted within `Limits.connectTimeout`.
    package var connectTimeouts: UInt64 = 0
    package var keepAliveTimeouts: UInt64 = 0
    /// Changes of address of QUIC clients, once the new address was validated.
    package var addressChanges: UInt64 = 0
    package var sessionsCreated: UInt64 = 0
    package var sessionsResumed: UInt64 = 0
    /// Sessions whose lane got another leader while their client was connected, which noticed nothing of that.
    package var sessionsMoved: UInt64 = 0
    /// Clients without durable sessions that were let in before the leader of their lane had answered.
    package var clientsLetIn: UInt64 = 0
    /// Sessions that a CONNECT took from a connection that was still open [MQTT-3.1.4-3].
    package var sessionsTakenOver: UInt64 = 0
    package var sessionsExpired: UInt64 = 0
    /// How often a connection was not read since too many acknowledgements waited.
    package var acknowledgementsHeldUp: UInt64 = 0
    /// Connections that were ended after `Limits.maximumHoldUp`.
    package var holdUpTimeouts: UInt64 = 0
    /// CONNECTs for a new durable session that were refused since nothing new was kept.
    package var sessionsRefused: UInt64 = 0
    package var streamsOpened: UInt64 = 0
    package var streamsClosed: UInt64 = 0
    /// Data streams that were ended with a reason code of an error.
    package var streamsFailed: UInt64 = 0
    /// Data streams that brought more than `Limits.maximumEarlyBytes` before CONNACK.
    package var earlyStreamsRefused: UInt64 = 0
    /// Packet identifiers of ended data streams that `Limits.maximumOrphans` left no room for.
    package var orphansForgotten: UInt64 = 0
    /// Times that a transport took no more octets, so that messages had to wait.
    package var transportsBlocked: UInt64 = 0
    /// CONNECTs, and then PUBLISHes, that arrived before the handshake of their QUIC connection was complete.
    package var earlyConnects: UInt64 = 0
    package var earlyMessages: UInt64 = 0
    /// Packets that could not be decoded; each ended its connection or stream.
    package var malformedPackets: UInt64 = 0
    package var packetsReceived: UInt64 = 0
    package var messagesReceived: UInt64 = 0
    /// Messages at QoS 1 and 2 that nobody got since nothing new was kept: refused with 0x97.
    package var messagesRefused: UInt64 = 0
    /// Such messages of MQTT 3 clients, which know no refusal: they waited.
    package var messagesWithheld: UInt64 = 0
    /// Messages that were written to subscribers, each once for each subscriber.
    package var messagesDelivered: UInt64 = 0
    /// Messages that were handed over to other shards, each once for each shard.
    package var messagesHandedOver: UInt64 = 0
    /// Messages that waited for a lane to get a leader.
    package var messagesHeldForLanes: UInt64 = 0
    /// Messages at QoS 0 that were dropped since the link to another node had no room, and retained ones since too many waited for a lane
    /// without a leader.
    package var messagesDroppedSlowNode: UInt64 = 0
    package var messagesWithoutSubscribers: UInt64 = 0
    /// Messages that had to wait in the queue of a session.
    package var messagesQueued: UInt64 = 0
    package var messagesDroppedQueueFull: UInt64 = 0
    /// Messages that exceed the Maximum Packet Size of a subscriber [MQTT-3.1.2-25].
    package var messagesDroppedTooLarge: UInt64 = 0
    /// Messages at QoS 0 for a client that was away or slow, and for which none may wait (`Limits.queuesQoS0`).
    package var messagesDroppedSlowReader: UInt64 = 0
    package var messagesExpired: UInt64 = 0
    /// Repeated PUBLISHes at QoS 2 whose message had been delivered before.
    package var duplicatesSuppressed: UInt64 = 0
    /// Messages that a bound of `Limits` did not allow to be retained, or that came at QoS 0 while nothing new was kept. They were
    /// delivered all the same.
    package var retainedMessagesRefused: UInt64 = 0
    package var willsPublished: UInt64 = 0
    /// Filters that were answered with an error in SUBACK.
    package var subscriptionsRefused: UInt64 = 0
    /// Segments of long queues that were moved to the store (`Limits.maximumQueueMemory`), that were fetched again, and that could not
    /// be read.
    package var segmentsWritten: UInt64 = 0
    package var segmentsFetched: UInt64 = 0
    package var segmentsLost: UInt64 = 0
    /// Messages of these.
    package var messagesLost: UInt64 = 0
    /// Ticks that used up `Limits.maximumStepsPerTick`.
    package var ticksExhausted: UInt64 = 0

    package init() {}

    /// Each counter with the name of its metric.
    package static let names: [(name: String, path: any KeyPath<Counters, UInt64> & Sendable)] = [
        ("connections_accepted", \.connectionsAccepted),
        ("connections_refused", \.connectionsRefused),
        ("connections_closed", \.connectionsClosed),
        ("connections_unheard", \.connectionsUnheard), ("clients_let_go", \.clientsLetGo),
        ("clients_kicked", \.clientsKicked),
        ("connect_timeouts", \.connectTimeouts),
        ("keep_alive_timeouts", \.keepAliveTimeouts),
        ("address_changes", \.addressChanges),
        ("sessions_created", \.sessionsCreated),
        ("sessions_resumed", \.sessionsResumed),
        ("sessions_taken_over", \.sessionsTakenOver),
        ("sessions_moved", \.sessionsMoved),
        ("clients_let_in", \.clientsLetIn),
        ("sessions_expired", \.sessionsExpired),
        ("acknowledgements_held_up", \.acknowledgementsHeldUp),
        ("hold_up_timeouts", \.holdUpTimeouts),
        ("sessions_refused", \.sessionsRefused),
        ("streams_opened", \.streamsOpened),
        ("streams_closed", \.streamsClosed),
        ("streams_failed", \.streamsFailed),
        ("early_streams_refused", \.earlyStreamsRefused),
        ("orphans_forgotten", \.orphansForgotten),
        ("transports_blocked", \.transportsBlocked),
        ("early_connects", \.earlyConnects),
        ("early_messages", \.earlyMessages),
        ("malformed_packets", \.malformedPackets),
        ("packets_received", \.packetsReceived),
        ("messages_received", \.messagesReceived),
        ("messages_refused", \.messagesRefused),
        ("messages_withheld", \.messagesWithheld),
        ("messages_delivered", \.messagesDelivered),
        ("messages_handed_over", \.messagesHandedOver),
        ("messages_held_for_lanes", \.messagesHeldForLanes),
        ("messages_dropped_slow_node", \.messagesDroppedSlowNode),
        ("messages_without_subscribers", \.messagesWithoutSubscribers),
        ("messages_queued", \.messagesQueued),
        ("messages_dropped_queue_full", \.messagesDroppedQueueFull),
        ("messages_dropped_too_large", \.messagesDroppedTooLarge),
        ("messages_dropped_slow_reader", \.messagesDroppedSlowReader),
        ("messages_expired", \.messagesExpired),
        ("duplicates_suppressed", \.duplicatesSuppressed),
        ("retained_messages_refused", \.retainedMessagesRefused),
        ("wills_published", \.willsPublished),
        ("subscriptions_refused", \.subscriptionsRefused),
        ("segments_written", \.segmentsWritten),
        ("segments_fetched", \.segmentsFetched),
        ("segments_lost", \.segmentsLost),
        ("messages_lost", \.messagesLost),
        ("ticks_exhausted", \.ticksExhausted),
    ]
}
