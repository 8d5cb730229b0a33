/// `retainer`: the store of retained messages.
package struct RetainerConfiguration: ConfigurationSection {
    /// The largest payload that is retained, in bytes. Default 1 MiB.
    package var maximumPayloadSize = 1 << 20
    /// `backend`.
    package var backend = RetainerBackendConfiguration()

    package init() {}

    package static var fields: [Field<Self>] {
        [
            .value(
                "max_payload_size",
                \.maximumPayloadSize,
                .size(0...268_435_455),
                "The largest payload that is retained."
            ),
            .section("backend", \.backend),
            .fixed("enable", "true", because: "mqtt.retain_available turns retained messages off"),
        ]
    }
}

/// `retainer.backend`.
package struct RetainerBackendConfiguration: ConfigurationSection {
    /// Messages that are retained at a time; nil for no limit, which EMQX writes as 0. Default: no limit.
    package var maximumRetainedMessages: Int?

    package init() {}

    package static var fields: [Field<Self>] {
        [
            .value(
                "max_retained_messages",
                \.maximumRetainedMessages,
                .integer(1...Int.max),
                or: "0",
                "Messages that are retained at a time, an equal share of them on each event loop, rounded up; 0 means no limit."
            ),
            .fixed("type", "built_in_database", because: "there is no other"),
            .meaningless("storage_type", because: "retained messages live in memory"),
        ]
    }
}
