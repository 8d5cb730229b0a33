import BrokerConfiguration
import BrokerStorage
import MQTTBroker

/// `store`: where durable sessions and retained messages outlive the process.
struct StoreSettings {
    var engine = Engine.sqlite
    /// `durable_sessions.enable`, which EMQX has for `engine`.
    var isAskedFor: Bool?
    /// The folder of the store; `nil` for `store` in `node.data_dir`.
    var path: String?
    var limits = StoreLimits()
    /// Octets in memory of messages that durable sessions wait for.
    var queueMemory = Limits().maximumQueueMemory
    /// How long a message waits at most for acknowledgements that make its commit needless.
    var maximumDelay = Duration.milliseconds(2)

    /// Where durable sessions and retained messages are kept.
    enum Engine: Equatable {
        /// Sessions and retained messages end with the process.
        case memory
        case sqlite
    }

    /// `durable_sessions`, the keys that EMQX has for its own store.
    static var emqxSection: Section<Self> {
        Section(
            [
                .value(
                    "enable",
                    \.isAskedFor,
                    .boolean,
                    "EMQX's key for the same: `true` means `store.engine = sqlite`, `false` means `memory`.",
                    .atStart
                )
            ],
            othersHaveNoEffect: "it tunes EMQX's own store"
        )
    }

    static var section: Section<Self> {
        Section([
            .value(
                "engine",
                \.engine,
                .choice(["memory": .memory, "sqlite": .sqlite]),
                "Where durable sessions and retained messages are: `sqlite`, on disk before they are acknowledged, or `memory`, and gone with the process.",
                .atStart
            ),
            .value(
                "path",
                \.path,
                .path,
                "The folder of the store; `store` in `node.data_dir` when not set.",
                .atStart
            ),
            .value(
                "max_bytes",
                \.limits.budget,
                .size(67_108_864...1_099_511_627_776),
                "Octets that the store may have on disk. A quarter of them, 64MB at most, is kept for what makes it emptier.",
                .atStart
            ),
            .value(
                "queue_memory",
                \.queueMemory,
                .size(1_048_576...1_099_511_627_776),
                "Octets in memory of messages that durable sessions wait for. Beyond, long queues are on disk only, but for their ends.",
                .atStart
            ),
            .value(
                "max_delay",
                \.maximumDelay,
                .duration(.zero ... .seconds(1)),
                "How long a message for clients that are all connected waits at most, so that their acknowledgements can spare the disk.",
                .atStart
            ),
        ])
    }
}
