import BrokerConfiguration

/// Keys of EMQX's listeners.
extension EMQXKeys {
    static func listener<Root>() -> [Field<Root>] {
        [
            .withoutEffect("acceptors", because: "every event loop accepts connections"),
            .fixed("mountpoint", "\"\"", because: "topics are not prefixed"),
            .fixed("zone", "default", because: "there are no zones"),
            .fixed("enable_authn", "true", because: "every listener asks the authenticators"),
            .fixed("access_rules", "allow all", because: "addresses are not filtered"),
            .fixed("limiter", "{}", because: "messages are not rationed"),
            .fixed("allow_log_packet_data_from", "\"\"", because: "packets are not logged"),
        ]
            + rates()
    }

    private static func rates<Root>() -> [Field<Root>] {
        let names = ["messages", "bytes", "delivery_messages", "delivery_bytes", "subscribes"]
        let reason = "messages are not rationed"
        return names.map { .fixed("\($0)_rate", "infinity", because: reason) }
            + names.map { .withoutEffect("\($0)_burst", because: reason) }
    }

    /// Listeners on TCP.
    static func socket<Root>() -> [Field<Root>] {
        [
            .fixed("proxy_protocol", "false", because: "the PROXY protocol is not understood"),
            .withoutEffect("proxy_protocol_timeout", because: "the PROXY protocol is not understood"),
            .withoutEffect("tcp_options", because: "the system's defaults are used, with Nagle's algorithm off"),
            .withoutEffect("tcp_backend", because: "there is one implementation of sockets"),
            .withoutEffect("parse_unit", because: "packets are parsed where they lie"),
        ]
    }

    /// `ssl_options`.
    static func tls<Root>() -> [Field<Root>] {
        [
            .includes("versions", "tlsv1.3", because: "TLS 1.3 alone is spoken"),
            .fixed("cacerts", "false", because: "the system's authorities vouch for no clients"),
            .fixed("partial_chain", "false", because: "a chain ends at one of the authorities"),
            .fixed("verify_peer_ext_key_usage", "disabled", because: "key usages are not compared"),
            .fixed("enable_crl_check", "false", because: "revocation lists are not read"),
            .section(
                "ocsp",
                Section(
                    [.fixed("enable_ocsp_stapling", "false", because: "OCSP is not asked")],
                    othersHaveNoEffect: "OCSP is not asked"
                )
            ),
            .section("managed_certs", Section([], othersHaveNoEffect: "certificates are files")),
            .withoutEffect("user_lookup_fun", because: "TLS with pre-shared keys is not built"),
            .withoutEffect("depth", because: "the size of a chain is bounded by that of the handshake"),
            .withoutEffect("log_level", because: "log.console.level is the level of all messages"),
            .withoutEffect("hibernate_after", because: "connections do not hibernate"),
            .withoutEffect("gc_after_handshake", because: "no garbage is collected"),
            .withoutEffect(
                "handshake_timeout",
                because: "mqtt.idle_timeout bounds the time to CONNECT, handshake and all"
            ),
            .withoutEffect(
                "reuse_sessions",
                because: "sessions are resumed, with the client's certificate as long as it is valid"
            ),
            .withoutEffect("session_tickets", because: "tickets are always given"),
            .withoutEffect("honor_cipher_order", because: "the cipher suites of TLS 1.3 are alike in strength"),
        ]
            + Field.withoutEffect(
                ["secure_renegotiate", "client_renegotiation"],
                because: "TLS 1.3 has no renegotiation"
            )
            + Field.withoutEffect(["dhfile"], because: "TLS 1.3 has groups with names")
    }

    /// `listeners.quic.NAME`: keys of EMQX's own QUIC stack, and of what is not configurable here.
    static func quic<Root>() -> [Field<Root>] {
        [
            .fixed("migration_enabled", "true", "1", because: "clients may always change their address"),
            .fixed("datagram_receive_enabled", "false", "0", because: "MQTT uses no QUIC datagrams"),
            .withoutEffect("minimum_mtu", because: "QUIC begins with 1200 octets of payload"),
            .withoutEffect("initial_window_packets", because: "the initial window is that of RFC 9002"),
            .withoutEffect("send_buffering_enabled", because: "data to be sent is always buffered"),
        ]
            + Field.withoutEffect(
                ["load_balancing_mode", "retry_memory_limit"],
                because: "it does nothing in EMQX either"
            )
            + Field.withoutEffect(
                [
                    "stream_recv_buffer_default", "max_bytes_per_key", "tls_server_max_send_buffer",
                    "send_idle_timeout_ms", "disconnect_timeout_ms", "max_operations_per_drain",
                    "max_stateless_operations", "max_binding_stateless_operations", "stateless_operation_expiration_ms",
                    "mtu_discovery_search_complete_timeout_us", "mtu_discovery_missing_probe_count",
                ],
                because: "it tunes another QUIC stack"
            )
    }
}
