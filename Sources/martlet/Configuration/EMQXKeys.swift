import BrokerConfiguration

/// Keys of EMQX for features that are not built, and for its own runtime. A feature is accepted only where it is turned off,
/// because otherwise clients would miss it without a word; a key that tunes the runtime is accepted with any value.
///
/// Source: the schemas of EMQX 5.8.8 and 6.3.0, `emqx_schema.erl`, `emqx_conf_schema.erl`, `emqx_retainer_schema.erl`.
enum EMQXKeys {
    /// Keys of the first level.
    static func fields<Root>() -> [Field<Root>] {
        features() + lists() + [
            .section("authorization", authorization()),
            .section("sys_topics", systemTopics()),
            .section("prometheus", prometheus()),
            .section(
                "plugins",
                Section([.fixed("states", "[]", because: "there are no plugins")], othersHaveNoEffect: off)
            ),
            .section("exhook", Section([.fixed("servers", "[]", because: "there are no hooks for other programs")])),
            .section("banned", Section([.fixed("bootstrap_file", "\"\"", because: "clients cannot be banned")])),
        ]
            + Field.withoutEffect(
                [
                    "rpc", "broker", "force_shutdown", "force_gc", "conn_congestion", "stats", "sysmon", "vm", "alarm",
                    "trace", "crl_cache", "durable_storage", "license",
                ],
                because: "it tunes EMQX's own runtime"
            )
    }

    private static let off = "the feature is turned off"

    /// An object of a feature with a key `enable`.
    static func disabledFeature<Root>(_ reason: String) -> Section<Root> {
        Section([.fixed("enable", "false", because: reason)], othersHaveNoEffect: off)
    }

    private static func features<Root>() -> [Field<Root>] {
        [
            ("overload_protection", "connections are refused by the bounds of listeners"),
            ("flapping_detect", "clients cannot be banned"),
            ("delayed", "delayed publishing is not built"),
            ("telemetry", "no data is sent to anybody"),
            ("slow_subs", "slow subscribers are not listed"),
            ("psk_authentication", "TLS with pre-shared keys is not built"),
            ("file_transfer", "file transfer is not built"),
            ("opentelemetry", "OpenTelemetry is not built"),
        ].map { .section($0.0, disabledFeature($0.1)) }
    }

    private static func lists<Root>() -> [Field<Root>] {
        [
            ("zones", "there are no zones"), ("gateway", "there are no gateways"), ("bridges", "there are no bridges"),
            ("connectors", "there are no bridges"), ("actions", "there are no rules"),
            ("sources", "there are no rules"),
            ("rule_engine", "there are no rules"), ("rewrite", "topics are not rewritten"),
            ("topic_metrics", "there are no metrics of single topics"),
            ("auto_subscribe", "clients are not subscribed by the broker"), ("limiter", "messages are not rationed"),
            ("schema_registry", "payloads are not checked"), ("schema_validation", "payloads are not checked"),
            ("message_transformation", "payloads are not changed"),
        ].map { .fixed($0.0, "{}", "[]", because: $0.1) }
    }

    /// Keys of `cluster` that say how EMQX's nodes find each other.
    static func cluster<Root>() -> [Field<Root>] {
        [.fixed("links", "[]", because: "clusters are not linked")]
            + Field.withoutEffect(
                [
                    "autoheal", "autoclean", "proto_dist", "core_nodes", "static", "mcast", "dns", "etcd", "k8s",
                    "description", "quic_lb_mode", "prevent_overlapping_partitions",
                ],
                because: "nodes find each other by `cluster.servers`"
            )
    }

    private static func authorization<Root>() -> Section<Root> {
        let reason = "every client may publish and subscribe to everything"
        return Section(
            [.fixed("no_match", "allow", because: reason), .fixed("sources", "[]", because: reason)],
            othersHaveNoEffect: reason
        )
    }

    private static func systemTopics<Root>() -> Section<Root> {
        let reason = "there are no $SYS topics"
        let events = [
            "client_connected", "client_disconnected", "client_subscribed", "client_unsubscribed",
        ].map { Field<Root>.fixed($0, "false", because: reason) }
        return Section([
            .fixed("sys_msg_interval", "disabled", because: reason),
            .fixed("sys_heartbeat_interval", "disabled", because: reason),
            .section("sys_event_messages", Section(events)),
        ])
    }

    private static func prometheus<Root>() -> Section<Root> {
        let reason = "metrics are not given to Prometheus"
        return Section([.section("push_gateway", disabledFeature(reason))], othersHaveNoEffect: reason)
    }
}

extension EMQXKeys {
    static func node<Root>() -> [Field<Root>] {
        [.fixed("role", aliases: ["db_role"], "core", because: "all nodes are alike")]
            + Field.withoutEffect(
                [
                    "cookie", "process_limit", "max_ports", "dist_buffer_size", "max_ets_tables", "global_gc_interval",
                    "crash_dump_file", "crash_dump_seconds", "crash_dump_bytes", "dist_net_ticktime", "backtrace_depth",
                    "applications", "cluster_call", "db_backend", "rpc_module", "tlog_push_mode",
                    "default_shard_transport", "shard_transports", "default_bootstrap_batch_size", "broker_pool_size",
                    "generic_pool_size", "channel_cleanup_batch_size", "schedulers", "dist_listen_options",
                    "dist_connect_options", "dist_bind_address", "tls_server_session_tickets_amount",
                    "tls_server_session_ticket_lifetime", "tls_stateless_tickets_seed",
                ],
                because: "it tunes Erlang's runtime"
            )
            + Field.withoutEffect(
                ["etc_dir", "config_files"],
                because: "the path of the file is given on the command line"
            )
    }

    static func console<Root>() -> [Field<Root>] {
        [
            .fixed("enable", "true", because: "there is no other log"),
            .fixed("formatter", aliases: ["format"], "text", because: "the log is text"),
            .fixed("timestamp_format", "auto", "rfc3339", because: "timestamps have one form"),
            .fixed("time_offset", "system", because: "timestamps are in the zone of the system"),
            .fixed("chars_limit", "unlimited", because: "lines are not shortened"),
            .fixed("single_line", "true", because: "each message is one line"),
        ]
            + Field.withoutEffect(
                [
                    "sync_mode_qlen", "drop_mode_qlen", "flush_qlen", "overload_kill", "burst_limit",
                    "supervisor_reports", "max_depth", "payload_encode", "with_mfa",
                ],
                because: "it tunes EMQX's own log"
            )
    }

    static func mqtt<Root>() -> [Field<Root>] {
        [
            .fixed("shared_subscription", "false", because: "shared subscriptions are not built"),
            .fixed("exclusive_subscription", "false", because: "exclusive subscriptions are not built"),
            .fixed("ignore_loop_deliver", "false", because: "No Local is an option of MQTT 5 clients"),
            .fixed("response_information", "\"\"", because: "clients get no response information"),
            .fixed("use_username_as_clientid", "false", because: "client identifiers are not replaced by user names"),
            .fixed("client_attrs_init", "[]", because: "clients have no attributes"),
            .fixed("clientid_override", "disabled", because: "client identifiers are not computed"),
            .fixed("message_expiry_interval", "infinity", because: "a client says when its message expires"),
            .fixed("mqueue_priorities", "disabled", because: "messages of one client wait in their order"),
            .fixed("subscription_max_qos_rules", "[]", because: "mqtt.max_qos_allowed holds for all topics"),
            .fixed("upgrade_qos", "false", because: "a message has the lower QoS of publisher and subscriber"),
            .fixed("keepalive_backoff", "0.75", because: "keepalive_multiplier is its newer form"),
            .fixed("subscription_message_filter", "false", because: "messages are not filtered by their content"),
            .fixed("namespace_as_mountpoint", "false", because: "topics are not prefixed"),
            .fixed("limiter", "{}", because: "messages are not rationed"),
            .withoutEffect("strict_mode", because: "malformed packets are always refused"),
            .withoutEffect("keepalive_check_interval", because: "each connection has a timer of its own"),
            .withoutEffect("mqueue_default_priority", because: "messages of one client wait in their order"),
            .withoutEffect(
                "await_rel_timeout",
                because: "a packet identifier is in use until its PUBREL (MQTT 5.0 §4.3.3)"
            ),
            .withoutEffect(
                "retry_interval",
                because: "messages are sent again after a reconnection only [MQTT-4.4.0-1]"
            ),
        ]
            + Field.withoutEffect(
                ["shared_subscription_strategy", "shared_subscription_initial_sticky_pick"],
                because: "shared subscriptions are not built"
            )
    }

    static func retainer<Root>() -> [Field<Root>] {
        [
            .fixed("enable", "true", because: "mqtt.retain_available turns retained messages off"),
            .fixed("msg_expiry_interval", "0s", because: "a client says when its message expires"),
            .fixed("msg_expiry_interval_override", "disabled", because: "a client says when its message expires"),
            .fixed("allow_never_expire", "true", because: "a client says when its message expires"),
            .fixed(
                "stop_publish_clear_msg",
                "false",
                because: "a message that removes a retained one is always delivered"
            ),
            .fixed(
                "delivery_rate",
                aliases: ["deliver_rate"],
                "infinity",
                because: "retained messages are not rationed"
            ),
            .fixed("max_publish_rate", "infinity", because: "retained messages are not rationed"),
            .fixed("external_backends", "{}", because: "retained messages live in memory"),
        ]
            + Field.withoutEffect(
                ["msg_clear_interval", "msg_clear_limit"],
                because: "a message goes when it expires"
            )
            + Field.withoutEffect(["flow_control"], because: "retained messages are sent as the client takes them")
    }

    static func retainerBackend<Root>() -> [Field<Root>] {
        [
            .fixed("type", "built_in_database", because: "there is no other"),
            .fixed("enable", "true", because: "there is no other"),
            .withoutEffect("storage_type", because: "retained messages live in memory"),
            .withoutEffect("index_specs", because: "retained messages have an index of all levels"),
        ]
    }
}
