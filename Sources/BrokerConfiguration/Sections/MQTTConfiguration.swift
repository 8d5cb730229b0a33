/// `mqtt`: what clients may do. The names and defaults are EMQX's.
package struct MQTTConfiguration: ConfigurationSection {
    /// How long a connection may take to send CONNECT. Default 15 s; nil for no limit.
    package var idleTimeout: Duration? = .seconds(15)
    /// The largest packet that is read, in bytes. Default 1 MiB; 1 to 268,435,455 [MQTT-3.1.2-24].
    package var maximumPacketSize = 1 << 20
    /// Bytes of a client identifier. Default 65,535; at least 23 [MQTT-3.1.3-5].
    package var maximumClientIdentifierLength = 65_535
    /// Levels of a topic or filter. Default 128; 1 to 65,535.
    package var maximumTopicLevels = 128
    /// Topic aliases that a client may use. Default 65,535; 0 to 65,535.
    package var maximumTopicAlias = 65_535
    /// The highest quality of service. Default 2.
    package var maximumQualityOfService = 2
    /// Whether messages are retained. Default true.
    package var isRetainAvailable = true
    /// Whether filters may hold wildcards. Default true.
    package var isWildcardSubscriptionAvailable = true
    /// The keep alive that clients are told to use, in seconds; nil for their own, the default. 1 to 65,535.
    package var serverKeepAlive: Int?
    /// A client is gone when it was silent for so many times its keep alive. Default 1.5; 1 to 65,535.
    package var keepAliveMultiplier = 1.5
    /// How long a session of MQTT 3.1.1 without Clean Session outlives its connection. Default 2 h; 0 to 2^32 − 1 s.
    package var sessionExpiryInterval = Duration.seconds(2 * 3600)
    /// The longest expiry that an MQTT 5 client is given; nil for its own, the default. 0 to 2^32 − 1 s.
    package var maximumSessionExpiryInterval: Duration?
    /// QoS 1 and 2 messages that are under way to a client. Default 32; 1 to 65,535.
    package var maximumInflight = 32
    /// Messages that wait for a client; the oldest is dropped. Default 1000; nil for no limit.
    package var maximumQueueLength: Int? = 1000
    /// Bytes of the messages that wait for a client; the oldest is dropped. Default 16 MiB; nil for no limit.
    package var maximumQueueBytes: Int? = 16 << 20
    /// Whether QoS 0 messages wait for a client that is away. Default true.
    package var queuesQualityOfServiceZero = true
    /// QoS 2 messages of a client that wait for its PUBREL. Default 100; 1 to 65,535, which is what nil comes to.
    package var maximumAwaitingRelease: Int? = 100
    /// Subscriptions of a client; nil for no limit, the default.
    package var maximumSubscriptions: Int?

    /// What of a client's certificate stands for its user name. Default `disabled`.
    package var certificateAsUserName = CertificateField.disabled
    /// What of a client's certificate stands for its client identifier. Default `disabled`.
    package var certificateAsClientIdentifier = CertificateField.disabled

    /// A part of a client's certificate. EMQX also knows `crt`, `pem` and `md5`, of which no copy is kept here.
    package enum CertificateField: String, CaseIterable, Sendable {
        case disabled
        /// The common name of its subject.
        case commonName = "cn"
        /// Its whole subject.
        case subject = "dn"
    }

    package init() {}

    private static var anySpan: ClosedRange<Duration> { .zero ... .seconds(4_294_967_295) }

    package static var fields: [Field<Self>] { packetFields + featureFields + sessionFields }

    private static var packetFields: [Field<Self>] {
        [
            .value(
                "idle_timeout",
                \.idleTimeout,
                .duration(.milliseconds(1)...(.seconds(86_400))),
                or: "infinity",
                "How long a connection may take to send CONNECT."
            ),
            .value("max_packet_size", \.maximumPacketSize, .size(1...268_435_455), "The largest packet that is read."),
            .value(
                "max_clientid_len",
                \.maximumClientIdentifierLength,
                .integer(23...65_535),
                "Bytes of a client identifier."
            ),
            .value("max_topic_levels", \.maximumTopicLevels, .integer(1...65_535), "Levels of a topic or filter."),
            .value(
                "max_topic_alias",
                \.maximumTopicAlias,
                .integer(0...65_535),
                "Topic aliases that a client may use."
            ),
            .value("max_qos_allowed", \.maximumQualityOfService, .integer(0...2), "The highest quality of service."),
        ]
    }

    private static var featureFields: [Field<Self>] {
        [
            .value("retain_available", \.isRetainAvailable, .boolean, "Whether messages are retained."),
            .value(
                "wildcard_subscription",
                \.isWildcardSubscriptionAvailable,
                .boolean,
                "Whether filters may hold wildcards."
            ),
            .value(
                "peer_cert_as_username",
                \.certificateAsUserName,
                .choice,
                "What of a client's certificate stands for its user name: its common name or its subject."
            ),
            .value(
                "peer_cert_as_clientid",
                \.certificateAsClientIdentifier,
                .choice,
                "What of a client's certificate stands for its client identifier: its common name or its subject."
            ),
            .meaningless("shared_subscription", because: "shared subscriptions are not accepted"),
            .value(
                "server_keepalive",
                \.serverKeepAlive,
                .integer(1...65_535),
                or: "disabled",
                "The keep alive in seconds that clients are told to use."
            ),
            .value(
                "keepalive_multiplier",
                \.keepAliveMultiplier,
                .real(1...65_535),
                "A client is gone when it was silent for so many times its keep alive."
            ),
            .meaningless("keepalive_check_interval", because: "each connection has a timer of its own"),
            .meaningless("strict_mode", because: "malformed packets are always refused"),
        ]
    }

    private static var sessionFields: [Field<Self>] {
        [
            .value(
                "session_expiry_interval",
                \.sessionExpiryInterval,
                .duration(anySpan),
                "How long a session of MQTT 3.1.1 without Clean Session outlives its connection."
            ),
            .value(
                "max_session_expiry_interval",
                \.maximumSessionExpiryInterval,
                .duration(anySpan),
                or: "infinity",
                "The longest expiry that an MQTT 5 client is given."
            ),
            .value(
                "max_inflight",
                \.maximumInflight,
                .integer(1...65_535),
                "Messages of QoS 1 and 2 that are under way to a client."
            ),
            .value(
                "max_mqueue_len",
                \.maximumQueueLength,
                .integer(0...Int.max),
                or: "infinity",
                "Messages that wait for a client; the oldest is dropped."
            ),
            .value(
                "max_mqueue_bytes",
                \.maximumQueueBytes,
                .size(0...Int.max),
                or: "infinity",
                "Bytes of the messages that wait for a client; the oldest is dropped. EMQX has no such bound."
            ),
            .value(
                "mqueue_store_qos0",
                \.queuesQualityOfServiceZero,
                .boolean,
                "Whether messages of QoS 0 wait for a client that is away."
            ),
            .value(
                "max_awaiting_rel",
                \.maximumAwaitingRelease,
                .integer(1...65_535),
                or: "infinity",
                "Messages of QoS 2 from a client that wait for its PUBREL."
            ),
            .meaningless(
                "await_rel_timeout",
                because: "a packet identifier is in use until its PUBREL (MQTT 5.0 §4.3.3)"
            ),
            .value(
                "max_subscriptions",
                \.maximumSubscriptions,
                .integer(1...Int.max),
                or: "infinity",
                "Subscriptions of a client."
            ),
            .meaningless("retry_interval", because: "messages are sent again after a reconnection only [MQTT-4.4.0-1]"),
        ]
    }
}
