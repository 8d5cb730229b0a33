/// The counters of a shard since its start. The shell turns them into metrics.
package struct Counters: Sendable, Equatable {
    package var connectionsAccepted: UInt64 = 0
    package var connectionsRefused: UInt64 = 0
    package var connectionsClosed: UInt64 = 0
    package var connectionsUnheard: UInt64 = 0
    package var connectTimeouts: UInt64 = 0
    package var keepAliveTimeouts: UInt64 = 0
    package var addressChanges: UInt64 = 0
    package var sessionsCreated: UInt64 = 0
    package var sessionsResumed: UInt64 = 0
    package var sessionsTakenOver: UInt64 = 0
    package var sessionsExpired: UInt64 = 0
    package var streamsOpened: UInt64 = 0
    package var streamsClosed: UInt64 = 0
    package var streamsFailed: UInt64 = 0
    package var earlyStreamsRefused: UInt64 = 0
    package var orphansForgotten: UInt64 = 0
    package var transportsBlocked: UInt64 = 0
    package var earlyConnects: UInt64 = 0
    package var earlyMessages: UInt64 = 0
    package var malformedPackets: UInt64 = 0
    package var packetsReceived: UInt64 = 0
    package var messagesReceived: UInt64 = 0
    package var messagesDelivered: UInt64 = 0
    package var messagesHandedOver: UInt64 = 0
    package var messagesWithoutSubscribers: UInt64 = 0
    package var messagesQueued: UInt64 = 0
    package var messagesDroppedQueueFull: UInt64 = 0
    package var messagesDroppedTooLarge: UInt64 = 0
    package var messagesDroppedSlowReader: UInt64 = 0
    package var messagesExpired: UInt64 = 0
    package var duplicatesSuppressed: UInt64 = 0
    package var retainedMessagesRefused: UInt64 = 0
    package var willsPublished: UInt64 = 0
    package var subscriptionsRefused: UInt64 = 0
    package var ticksExhausted: UInt64 = 0

    package init() {}

    /// Each counter with the name of its metric.
    package static let names: [(name: String, path: any KeyPath<Counters, UInt64> & Sendable)] = [
        ("connections_accepted", \.connectionsAccepted),
        ("connections_refused", \.connectionsRefused),
        ("connections_closed", \.connectionsClosed),
        ("connections_unheard", \.connectionsUnheard),
        ("connect_timeouts", \.connectTimeouts),
        ("keep_alive_timeouts", \.keepAliveTimeouts),
        ("address_changes", \.addressChanges),
        ("sessions_created", \.sessionsCreated),
        ("sessions_resumed", \.sessionsResumed),
        ("sessions_taken_over", \.sessionsTakenOver),
        ("sessions_expired", \.sessionsExpired),
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
        ("messages_delivered", \.messagesDelivered),
        ("messages_handed_over", \.messagesHandedOver),
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
        ("ticks_exhausted", \.ticksExhausted),
    ]
}
