package import MQTTCodec
package import NIOCore

/// The bounds that clients can reach. Each says what happens at it; `Counters` count how often that happens.
package struct Limits: Sendable {
    /// The longest time from the start of the transport to CONNACK; then the connection is closed [MQTT-3.1.4-2].
    package var connectTimeout: TimeAmount = .seconds(15)
    /// Octets of a whole packet. A larger one ends the connection with 0x95.
    package var maximumPacketSize = 1_048_576
    /// Octets of a client identifier. A longer one is refused with 0x85.
    package var maximumClientIdentifierLength = 65_535
    /// The field of a client's verified certificate that is taken as its user name; `nil` for none.
    package var certificateAsUserName: Peer.Certificate.Field?
    /// The field of a client's verified certificate that is taken as its client identifier; `nil` for none.
    package var certificateAsClientIdentifier: Peer.Certificate.Field?
    /// True if a client whose verified certificate lacks such a field is refused with 0x87; false if the user name and the client
    /// identifier in its CONNECT count then.
    package var requiresCertificateField = true
    /// Levels of a topic name or filter, 1 and up. A deeper one is refused with 0x90 or 0x8F.
    package var maximumTopicLevels = 128
    /// The highest QoS of a PUBLISH; a higher one ends the connection with 0x9B [MQTT-3.2.2-11].
    package var maximumQoS = QualityOfService.exactlyOnce
    /// Whether retained messages are kept; a PUBLISH with RETAIN is otherwise refused with 0x9A.
    package var retainAvailable = true
    /// Whether filters may have wildcards; otherwise they are refused with 0xA2.
    package var wildcardSubscriptionAvailable = true
    /// The highest topic alias that a client may define; a higher one ends the connection with 0x94.
    package var maximumTopicAlias: UInt16 = 65_535
    /// Octets of the topics behind a connection's aliases; one more alias ends it with 0x97.
    package var maximumTopicAliasBytes = 65_536
    /// Unacknowledged QoS 1 and 2 messages towards a client, 1 to 65,535; the client's Receive Maximum can lower the bound, on
    /// each stream apart. Further messages wait in the queue. Each data stream may have an equal share of the bound, and one
    /// message at least, whatever the other streams have: so a client has at most twice as many, or one more for each stream.
    package var maximumInflight = 32
    /// Messages that wait for a client, on all its streams. At the bound a QoS 0 message is dropped, and a QoS 1 or 2 message
    /// displaces the oldest message of the stream with the longest queue.
    package var maximumQueueLength = 1000
    /// Octets of the messages that wait for a client, on all its streams. At the bound, as at `maximumQueueLength`.
    package var maximumQueueBytes = 16_777_216
    /// Octets in memory of messages that durable sessions of all shards wait for, of which each shard has an equal share. Beyond, long
    /// queues are on disk only, but for their ends.
    package var maximumQueueMemory = 268_435_456
    /// Octets of the messages that a queue has in memory before some of them are moved to disk, and of the messages that are moved at
    /// once.
    package var queueSegmentBytes = 65_536...262_144
    /// Octets of the messages that a durable session's queue has in memory, whatever `maximumQueueMemory` has room for: cleaning writes
    /// them in one step.
    package var maximumQueueBytesInMemory = 4_194_304
    /// The most sessions of a shard that get a message whose queues may go to disk when it comes: each has a copy of its own there, while
    /// in memory the message is once for all of them.
    package var maximumSegmentCopies = 8
    /// Whether QoS 0 messages wait for a client that is away or slow.
    package var queuesQoS0 = true
    /// QoS 2 messages of a connection, or of a data stream, that wait for their PUBREL, 1 to 65,535: the Receive Maximum
    /// that a client of MQTT 5.0 is told. One more ends its connection or stream with 0x93 [MQTT-3.3.4-7].
    package var maximumAwaitingRelease: UInt16 = 100
    /// Sessions of one shard, with and without a connection. A client that needs one more is refused with 0x97.
    package var maximumSessions = 4_000_000
    /// Subscriptions of one session, those of its data streams among them. One more is refused with 0x97.
    package var maximumSubscriptions = Int.max
    /// Expiry of the session of an MQTT 3 client without Clean Session, seconds.
    package var sessionExpiryInterval: UInt32 = 7200
    /// The longest expiry that a client of MQTT 5.0 gets, seconds; 0xFFFFFFFF never expires.
    package var maximumSessionExpiryInterval: UInt32 = .max
    /// The longest silence of a client, in multiples of its Keep Alive; MQTT 5.0 §3.1.2.10 says one and a half.
    package var keepAliveMultiplier = 1.5
    /// Server Keep Alive, seconds: takes the place of each client's own Keep Alive [MQTT-3.1.2-21]; `nil` for none.
    package var serverKeepAlive: UInt16?
    /// The shortest time from a restart to the will of a client that was connected until then, which may come back.
    package var restartPatience: TimeAmount = .seconds(10)
    /// Octets written for a client and not yet taken by its transport, beyond which messages wait in the queue. A connection
    /// and its data streams have equal shares.
    package var outputHighWaterMark = 1_048_576
    /// Octets that a client sends while its CONNECT or SUBSCRIBE is being answered; reading pauses beyond.
    package var maximumHeldBytes = 65_536
    /// Connections of a shard whose transport is closed and whose last packets wait for an answer, each with up to
    /// `maximumHeldBytes`. The packets of one more are not handled.
    package var maximumGoneConnections = 1_000
    /// Octets of a retained message's payload. A message with a longer one is delivered but not kept.
    package var maximumRetainedPayload = 1_048_576
    /// Retained messages of a shard. One more is delivered but not kept.
    package var maximumRetainedMessages = Int.max
    /// Octets of a shard's retained messages and of the levels of their topics, each counted as 250. A message beyond is
    /// delivered but not kept.
    package var maximumRetainedBytes = 1_073_741_824
    /// Octets of all data streams of a client that are held until its CONNECT is accepted. A stream that brings more ends
    /// with 0x97.
    package var maximumEarlyBytes = 262_144
    /// Packet identifiers of QoS 2 messages that a session keeps of data streams that have ended. One more displaces the
    /// oldest.
    package var maximumOrphans = 1000
    /// Retained messages that wait for a client after its SUBSCRIBEs, on all its streams. No further ones are looked for, and
    /// one is counted as dropped.
    package var maximumRetainedBacklog = 1_000_000
    /// PUBACKs and PUBRECs of a connection that wait for what they promise to be on disk. At the bound the connection is not read
    /// until some have gone.
    package var maximumWithheld = 10_000
    /// Octets of the messages of a connection whose PUBACK or PUBREC waits for the disk. At the bound the connection is not read until
    /// some have gone.
    package var maximumWithheldBytes = 1_048_576
    /// Octets of the messages of all connections whose PUBACK or PUBREC waits for the disk, of which each shard has an equal share. At the bound no connection is read that
    /// brings one more, until some have gone.
    package var maximumWithheldBytesOfAll = 268_435_456
    /// The longest time that a connection is not read because its acknowledgements wait for the disk. Then the connection is ended
    /// with 0x97.
    package var maximumHoldUp: TimeAmount = .seconds(30)
    /// CONNECTs with one client identifier that wait for each other. One more is refused with 0x89.
    package var maximumPendingClaims = 16
    /// Steps of long work in a tick, which is a millisecond, 1 and up: nodes of topics that look-ups of retained messages visit,
    /// deadlines that are carried out. A tick that uses them up is counted (`Counters.ticksExhausted`), and what is left to do waits
    /// for the next tick.
    package var maximumStepsPerTick = 2000
    /// Topics whose route is cached. One more empties the cache.
    package var maximumCachedRoutes = 8192
    /// Deliveries of all routes in the cache. At the bound the cache is emptied.
    package var maximumCachedDeliveries = 1_000_000
    /// Octets of a topic whose route is cached. Routes of longer topics are computed each time.
    package var maximumCachedTopicLength = 256

    package init() {}
}
