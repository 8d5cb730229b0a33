import BrokerConfiguration
import MQTTBroker
import MQTTCodec
import NIOCore

extension Section<Limits> {
    /// `mqtt`: what clients may do. Names and defaults are EMQX's.
    static var mqtt: Section { Section(packets + features + sessions + EMQXKeys.mqtt()) }

    private static var packets: [Field<Limits>] {
        [
            .value(
                "idle_timeout",
                \.connectTimeout,
                .time(.milliseconds(1)...(.seconds(86_400))).or("infinity", for: .hours(24 * 365)),
                "Time that a connection may take to send CONNECT.",
                .live
            ),
            .value(
                "max_packet_size",
                \.maximumPacketSize,
                // 256 MB is one octet more than a packet of MQTT can have, and is meant as the most.
                ValueForm.size(1...268_435_456).mapped({ Swift.min($0, 268_435_455) }, from: { $0 }),
                "Octets of the largest packet that is read; 256MB means the most that MQTT has, 268,435,455.",
                .live
            ),
            .value(
                "max_clientid_len",
                \.maximumClientIdentifierLength,
                .integer(23...65_535),
                "Octets of a client identifier.",
                .live
            ),
            .value(
                "max_topic_levels",
                \.maximumTopicLevels,
                .integer(1...65_535),
                "Levels of a topic name or filter.",
                .live
            ),
            .value(
                "max_topic_alias",
                \.maximumTopicAlias,
                .integer(0...65_535),
                "The highest topic alias that a client may use; 0 means none.",
                .live
            ),
            .value(
                "max_qos_allowed",
                \.maximumQoS,
                ValueForm.integer(0...2).mapped(QualityOfService.init(rawValue:), from: \.rawValue),
                "The highest QoS of a PUBLISH.",
                .live
            ),
        ]
    }

    private static var features: [Field<Limits>] {
        [
            .value("retain_available", \.retainAvailable, .boolean, "Whether messages are retained.", .live),
            .value(
                "wildcard_subscription",
                \.wildcardSubscriptionAvailable,
                .boolean,
                "Whether topic filters may have wildcards.",
                .live
            ),
            .value(
                "peer_cert_as_username",
                \.certificateAsUserName,
                .certificateField,
                "The part of a client's certificate that replaces its user name: the common name or the subject.",
                .live
            ),
            .value(
                "peer_cert_as_clientid",
                \.certificateAsClientIdentifier,
                .certificateField,
                "The part of a client's certificate that replaces its client identifier: the common name or the subject.",
                .live
            ),
            .value(
                "peer_cert_field_required",
                \.requiresCertificateField,
                .boolean,
                "Whether a client is refused whose certificate lacks that part; `false` believes its CONNECT, as EMQX does.",
                .live
            ),
            .value(
                "server_keepalive",
                \.serverKeepAlive,
                ValueForm.integer(1...65_535).or("disabled"),
                "The keep alive, in seconds, that every client is told to use.",
                .live
            ),
            .value(
                "keepalive_multiplier",
                \.keepAliveMultiplier,
                .real(1...65_535),
                "A client that is silent for its keep alive times this number is disconnected.",
                .live
            ),
        ]
    }

    private static var sessions: [Field<Limits>] {
        let anySpan: ClosedRange<Duration> = .zero ... .seconds(4_294_967_295)
        return [
            .value(
                "session_expiry_interval",
                \.sessionExpiryInterval,
                .seconds(anySpan),
                "Time for which the session of an MQTT 3.1.1 client without Clean Session outlives its connection.",
                .live
            ),
            .value(
                "max_session_expiry_interval",
                \.maximumSessionExpiryInterval,
                .seconds(anySpan).or("infinity", for: .max),
                "The longest Session Expiry Interval that an MQTT 5 client gets.",
                .live
            ),
            .value(
                "max_inflight",
                \.maximumInflight,
                .integer(1...65_535),
                "QoS 1 and 2 messages that are sent to a client and not acknowledged.",
                .live
            ),
            .value(
                "max_mqueue_len",
                \.maximumQueueLength,
                .integer(1...Int.max).orNoLimit("infinity", "0", as: .max),
                "Messages that wait for a client; the oldest is dropped. `max_mqueue_bytes` bounds them in any case.",
                .live
            ),
            .value(
                "max_mqueue_bytes",
                \.maximumQueueBytes,
                .sizeOrNoLimit(writing: "infinity"),
                "Octets of the messages that wait for a client; the oldest is dropped. EMQX has no such bound.",
                .live
            ),
            .value(
                "mqueue_store_qos0",
                \.queuesQoS0,
                .boolean,
                "Whether QoS 0 messages wait for a client that is away.",
                .live
            ),
            .value(
                "max_awaiting_rel",
                \.maximumAwaitingRelease,
                .integer(1...65_534).or("infinity", for: .max),
                "QoS 2 messages of a client that wait for its PUBREL.",
                .live
            ),
            .value(
                "max_subscriptions",
                \.maximumSubscriptions,
                .integer(1...Int.max).or("infinity", for: .max),
                "Subscriptions of a client.",
                .live
            ),
        ]
    }

    /// `retainer`: the store of retained messages.
    static var retainer: Section {
        Section(
            [
                .value(
                    "max_payload_size",
                    \.maximumRetainedPayload,
                    .sizeOrNoLimit(writing: "0"),
                    "Octets of the largest payload that is retained.",
                    .live
                ),
                .section("backend", retainerBackend),
            ] + EMQXKeys.retainer()
        )
    }

    private static var retainerBackend: Section {
        Section(
            [
                .value(
                    "max_retained_messages",
                    \.maximumRetainedMessages,
                    .integer(1...Int.max).orNoLimit("0", as: .max),
                    "Messages that are retained, an equal share on each event loop, rounded up. Their octets are bounded in any case.",
                    .live
                )
            ] + EMQXKeys.retainerBackend()
        )
    }
}

extension ValueForm<TimeAmount> {
    fileprivate static func time(_ range: ClosedRange<Duration>) -> ValueForm {
        ValueForm<Duration>.duration(range).mapped({ TimeAmount($0) }, from: { .nanoseconds($0.nanoseconds) })
    }
}

extension ValueForm<UInt32> {
    /// A time span in whole seconds.
    fileprivate static func seconds(_ range: ClosedRange<Duration>) -> ValueForm {
        ValueForm<Duration>.duration(range)
            .mapped({ UInt32(clamping: $0.components.seconds) }, from: { .seconds(Int64($0)) })
    }
}

extension ValueForm<Peer.Certificate.Field?> {
    /// EMQX has `crt`, `pem` and `md5` too, for which a copy of the certificate would be kept.
    fileprivate static var certificateField: ValueForm {
        .choice(["disabled": nil, "cn": .commonName, "dn": .subject])
    }
}
