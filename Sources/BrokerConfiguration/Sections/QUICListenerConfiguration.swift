/// `listeners.quic.NAME`: MQTT over QUIC. The keys are EMQX's, and so are the defaults.
package struct QUICListenerConfiguration: ConfigurationSection, ListenerConfiguration {
    /// Default true.
    package var isEnabled = true
    /// Default `127.0.0.1:14567`: nobody asked for more.
    package var bind = BindAddress(host: "127.0.0.1", port: 14567)
    /// Connections at a time; nil for no limit, the default.
    package var maximumConnections: Int?
    /// How fast new connections are taken; nil for no limit, the default.
    package var connectionRate: EventRate?
    /// New connections that may come at once under the rate; nil for the rate's number. 1 to 1,000,000.
    package var connectionBurst: Int?

    /// `certfile` and `keyfile` on the listener itself, as they were written before EMQX 5.1.
    package var certificateFile: String?
    package var keyFile: String?
    /// `ciphers` on the listener itself.
    package var ciphers: [QUICListenerTLSConfiguration.CipherSuite]?
    /// `ssl_options`.
    package var tls = QUICListenerTLSConfiguration()
    /// What the keys above come to.
    package private(set) var certificate = CertificateSource.generated

    /// How clients may resume: 0 not at all, 1 with a round trip, 2 with early data, the default.
    package var resumptionLevel = 2
    /// What of early data is acted upon. Default `all`.
    package var earlyData = EarlyData.all
    /// How long a ticket is good for. Default 2 h; 1 min to 1 day.
    package var ticketLifetime = Duration.seconds(2 * 3600)
    /// Where TLS secrets are written; nil for nowhere, the default.
    package var keyLogFile: String?
    /// Bytes of a client's handshake messages. Default 64 KiB; 4 KiB to 16 MiB.
    package var maximumHandshakeSize = 64 << 10
    /// Gaps in what a client has sent, over all streams. Default 5000; 100 to 1,000,000.
    package var maximumGaps = 5_000

    /// What clients may send ahead of the handshake's end.
    package enum EarlyData: String, CaseIterable, Sendable {
        case all
        /// CONNECT; what follows it waits for the end of the handshake.
        case connect
        case off
    }

    /// The QUIC idle timeout that is advertised (RFC 9000 §10.1); zero for none, the default. 0 to 2^32 − 1 ms.
    package var idleTimeout = Duration.zero
    /// How long a handshake may take. Default 10 s; 1 to 600,000 ms.
    package var handshakeIdleTimeout = Duration.seconds(10)
    /// How long a connection may be silent before it is sent a PING; zero for never, the default. 0 to 2^32 − 1 ms.
    package var keepAliveInterval = Duration.zero
    /// Silence after which a connection's memory is folded; zero for never. Default 15 s; 0 to 2^32 − 1 ms.
    package var foldDelay = Duration.seconds(15)
    /// Bidirectional streams that a client may have open, the control stream among them. Default 10; 1 to 65,535.
    package var peerBidirectionalStreams = 10
    /// Unidirectional streams that a client may have open. Default 1; 0 to 65,535.
    package var peerUnidirectionalStreams = 1
    /// Bytes that a client may at first send on a stream ahead of what the broker took. Default 64 KiB; 1 KiB to 1 GiB.
    package var streamReceiveWindow = 65_536
    /// Bytes that a client may send on all streams ahead of what the broker took. Default 16 MiB; 1 KiB to 1 GiB.
    package var connectionFlowControlWindow = 16_777_216
    /// The round trip that is assumed before one was measured (RFC 9002 §6.2.2). Default 333 ms; 1 to 10,000 ms.
    package var initialRoundTrip = Duration.milliseconds(333)
    /// How long an acknowledgement may be held back (RFC 9000 §18.2). Default 25 ms; 1 to 16,383 ms.
    package var maximumAcknowledgementDelay = Duration.milliseconds(25)
    /// The largest IP packet, headers counted, that path MTU discovery goes up to. Default 1500; 1280 to 65,535 bytes.
    package var maximumMTU = 1500
    /// Algorithm of the sending side (RFC 9002 §7). Default cubic.
    package var congestionControl = CongestionControl.cubic
    /// Whether packets leave at a pace instead of in bursts. Default true.
    package var pacesPackets = true
    /// Whether packets are marked as ECN-capable (RFC 9000 §13.4). Default true.
    package var marksECN = true
    /// Whether larger packets than the least are tried (RFC 9000 §14.3). Default true.
    package var discoversMTU = true
    /// The UDP sockets.
    package var socket = UDPSocketConfiguration()
    /// Connections of an event loop whose handshake is not complete. Default 4096; 1 to 1,000,000.
    package var maximumHandshakes = 4096
    /// Answers without a connection that an event loop sends per second. Default 1000; 0 to 1,000,000.
    package var statelessPacketsPerSecond = 1000
    /// New addresses that one connection may show at once. Default 4; 1 to 1000.
    package var newAddressBurst = 4
    /// The time in which it may show one more. Default 5 s; 1 ms to 1 h.
    package var newAddressInterval = Duration.seconds(5)

    package enum CongestionControl: String, CaseIterable, Sendable {
        case cubic, reno, bbr
    }
    /// `connection_id`.
    package var connectionID = ConnectionIdentifierConfiguration()
    /// `retry`.
    package var retry = RetryConfiguration()
    /// Whether the kernel is asked to find the event loop of a connection by its identifier. Default true.
    package var steersInKernel = true
    /// Bytes of datagrams that may wait for an event loop because another loop was given them. Default 4 MiB; 64 KiB to
    /// 1 GiB.
    package var maximumTossedBytes = 4_194_304

    /// The authorities of clients' certificates, where clients must show one.
    package var clientAuthorityFile: String? { tls.verify == .peer ? tls.authorityFile : nil }

    /// Whether clients may send data ahead of the handshake's end.
    package var takesEarlyData: Bool { resumptionLevel == 2 && earlyData != .off }

    package init() {}

    package static var fields: [Field<Self>] {
        commonFields + certificateFields + resumptionFields + transportFields + sendingFields + boundFields
            + routingFields + peerFields
    }

    private static var certificateFields: [Field<Self>] {
        [
            .value("certfile", \.certificateFile, .path, "As ssl_options.certfile."),
            .value("keyfile", \.keyFile, .path, "As ssl_options.keyfile."),
            .value(
                "ciphers",
                \.ciphers,
                .list(),
                "As ssl_options.ciphers."
            ),
            .section("ssl_options", \.tls),
        ]
    }

    private static var resumptionFields: [Field<Self>] {
        [
            .value(
                "server_resumption_level",
                \.resumptionLevel,
                .integer(0...2),
                "How clients may resume: 0 not at all, 1 without early data, 2 with it."
            ),
            .value(
                "early_data",
                \.earlyData,
                .choice,
                "What is acted upon ahead of the handshake's end: all, connect for CONNECT alone, or off. Nothing is "
                    + "acted upon twice, but somebody on the way may delay it. EMQX has no such key."
            ),
            .value(
                "session_ticket_lifetime",
                \.ticketLifetime,
                .duration(.seconds(60)...(.seconds(86_400))),
                "How long after a handshake a client may resume. EMQX has no such key."
            ),
            .value(
                "sslkeylogfile",
                \.keyLogFile,
                .path,
                "Where TLS secrets are written, for reading what is on the wire; whoever has the file reads it all."
            ),
            .value(
                "max_handshake_size",
                \.maximumHandshakeSize,
                .size(4_096...16_777_216),
                "Bytes of a client's handshake messages, its certificates among them. EMQX has no such key."
            ),
        ]
    }

    private static var transportFields: [Field<Self>] {
        [
            .value(
                "idle_timeout_ms",
                aliases: ["idle_timeout"],
                \.idleTimeout,
                .milliseconds(0...4_294_967_295),
                "The idle timeout that is advertised; 0 means none, and the MQTT keep alive ends a session."
            ),
            .value(
                "handshake_idle_timeout_ms",
                aliases: ["handshake_idle_timeout"],
                \.handshakeIdleTimeout,
                .milliseconds(1...600_000),
                "How long a handshake may take."
            ),
            .value(
                "keep_alive_interval_ms",
                aliases: ["keep_alive_interval"],
                \.keepAliveInterval,
                .milliseconds(0...4_294_967_295),
                "A connection that was silent for so long is sent a PING, which keeps NAT bindings open; 0 means never."
            ),
            .value(
                "fold_delay",
                \.foldDelay,
                .milliseconds(0...4_294_967_295),
                "The memory of a connection that was silent for so long is folded until its next packet; 0 means never."
            ),
            .value(
                "peer_bidi_stream_count",
                \.peerBidirectionalStreams,
                .integer(1...65_535),
                "Bidirectional streams that a client may have open, the control stream among them."
            ),
            .value(
                "peer_unidi_stream_count",
                \.peerUnidirectionalStreams,
                .integer(0...65_535),
                "Unidirectional streams that a client may have open."
            ),
            .value(
                "stream_recv_window_default",
                \.streamReceiveWindow,
                .integer(1024...1_073_741_824),
                "Bytes that a client may at first send on a stream ahead of what the broker took; up to 4 MB where the broker keeps up."
            ),
            .value(
                "conn_flow_control_window",
                \.connectionFlowControlWindow,
                .integer(1024...1_073_741_824),
                "Bytes that a client may send on all streams ahead of what the broker took."
            ),
            .value(
                "max_stream_gaps",
                \.maximumGaps,
                .integer(100...1_000_000),
                "Gaps in what a client has sent, over all streams; more end the connection. EMQX has no such key."
            ),
            .value(
                "initial_rtt_ms",
                \.initialRoundTrip,
                .milliseconds(1...10_000),
                "The round trip that is assumed before one was measured."
            ),
            .value(
                "max_ack_delay_ms",
                \.maximumAcknowledgementDelay,
                .milliseconds(1...16_383),
                "How long an acknowledgement may be held back."
            ),
            .value(
                "maximum_mtu",
                \.maximumMTU,
                .integer(1280...65_535),
                "The largest IP packet, headers counted, that path MTU discovery goes up to."
            ),
        ]
    }

    private static var sendingFields: [Field<Self>] {
        [
            .value("congestion_control", \.congestionControl, .choice, "Algorithm of the sending side."),
            .value("pacing_enabled", \.pacesPackets, .boolean, "Packets leave at a pace instead of in bursts."),
            .value("ecn_enabled", \.marksECN, .boolean, "Packets are marked as ECN-capable."),
            .value(
                "mtu_discovery_enabled",
                \.discoversMTU,
                .boolean,
                "Packets of more than 1200 bytes are tried, and sent if they arrive."
            ),
            .section("udp_options", \.socket),
        ]
    }

    private static var boundFields: [Field<Self>] {
        [
            .value(
                "max_handshakes",
                \.maximumHandshakes,
                .integer(1...1_000_000),
                "Handshakes under way on each event loop, some 45 KB each; first packets beyond are dropped."
            ),
            .value(
                "stateless_packet_rate",
                \.statelessPacketsPerSecond,
                .integer(0...1_000_000),
                "Resets, refusals and the like that each event loop sends per second."
            ),
            .value(
                "new_address_burst",
                \.newAddressBurst,
                .integer(1...1000),
                "New addresses that a connection may show at once; packets from further ones are dropped."
            ),
            .value(
                "new_address_interval",
                \.newAddressInterval,
                .duration(.milliseconds(1)...(.seconds(3600))),
                "The time in which a connection may show one more."
            ),
        ]
    }

    /// How packets find their connection.
    private static var routingFields: [Field<Self>] {
        [
            .section("connection_id", \.connectionID),
            .section("retry", \.retry),
            .value(
                "kernel_steering",
                \.steersInKernel,
                .boolean,
                "Whether the kernel, where it can, brings the packets of a client that moved to the right event loop."
            ),
            .value(
                "max_tossed_bytes",
                \.maximumTossedBytes,
                .size(65_536...1_073_741_824),
                "Bytes of packets that may wait for an event loop because another one was given them."
            ),
        ]
    }

    /// What belongs to the peer's own QUIC stack, or is not settled by configuration here.
    private static var peerFields: [Field<Self>] {
        [
            .fixed("migration_enabled", "true", "1", because: "clients may always change their address"),
            .fixed("datagram_receive_enabled", "false", "0", because: "MQTT uses no QUIC datagrams"),
            .meaningless("load_balancing_mode", because: "it does nothing in EMQX either"),
            .meaningless("retry_memory_limit", because: "it does nothing in EMQX either"),
            .meaningless("minimum_mtu", because: "QUIC begins with 1200 bytes of payload"),
            .meaningless("initial_window_packets", because: "the initial window is that of RFC 9002"),
            .meaningless("send_buffering_enabled", because: "the stack always buffers what it sends"),
        ]
            + [
                "stream_recv_buffer_default", "max_bytes_per_key", "tls_server_max_send_buffer", "send_idle_timeout_ms",
                "disconnect_timeout_ms", "max_operations_per_drain", "max_stateless_operations",
                "max_binding_stateless_operations", "stateless_operation_expiration_ms",
                "mtu_discovery_search_complete_timeout_us", "mtu_discovery_missing_probe_count",
            ].map { .meaningless($0, because: "it tunes another QUIC stack") }
    }

    package mutating func settle(at path: [String], in reading: inout SchemaReading) {
        Self.uncover("certfile", &certificateFile, &tls.certificateFile, at: path, in: reading)
        Self.uncover("keyfile", &keyFile, &tls.keyFile, at: path, in: reading)
        Self.uncover("ciphers", &ciphers, &tls.ciphers, at: path, in: reading)
        let isTwice = [
            ("certfile", certificateFile, tls.certificateFile), ("keyfile", keyFile, tls.keyFile),
        ].first { $0.1 != nil && $0.2 != nil && $0.1 != $0.2 }
        if let (key, _, _) = isTwice {
            reading.add(
                ConfigurationProblem(
                    origin: reading.origin(at: path + [key]) ?? .builtIn,
                    key: HOCONText.path(path + [key]),
                    message: "is another file than ssl_options.\(key)",
                    allowed: "one of the two keys, ssl_options.\(key) for choice"
                )
            )
        }
        ciphers = tls.ciphers ?? ciphers
        switch (tls.certificateFile ?? certificateFile, tls.keyFile ?? keyFile) {
        case (nil, nil): certificate = .generated
        case (let chain?, let key?): certificate = CertificateSource(chain: chain, key: key)
        case (let chain, _):
            let (given, missing) = chain == nil ? ("keyfile", "certfile") : ("certfile", "keyfile")
            let place =
                [path + ["ssl_options", given], path + [given]].first { reading.origin(at: $0) != nil } ?? path
            reading.add(
                ConfigurationProblem(
                    origin: reading.origin(at: place) ?? .builtIn,
                    key: HOCONText.path(place),
                    message: "there is a \(given) without its \(missing)",
                    allowed: "both, or neither for a generated pair"
                )
            )
        }
    }

    /// Leaves, of a key on the listener itself and the one of `ssl_options`, what the later layer has; both where they
    /// are of one layer.
    private static func uncover<Value>(
        _ key: String,
        _ own: inout Value?,
        _ option: inout Value?,
        at path: [String],
        in reading: SchemaReading
    ) {
        guard let ownLayer = reading.origin(at: path + [key])?.layer,
            let optionLayer = reading.origin(at: path + ["ssl_options", key])?.layer
        else { return }
        if ownLayer < optionLayer { own = nil }
        if optionLayer < ownLayer { option = nil }
    }
}
