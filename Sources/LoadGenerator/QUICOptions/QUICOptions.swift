import FoundationEssentials
import MQTTClient
import QUICTransport

/// What a file of QUIC options (`--quic FILE.eterm`) says: one tuple of connection and stream options, with the names that
/// emqtt_bench's QUIC library (quicer) has for them.
struct QUICOptions: Sendable {
    private(set) var settings = QUICConfiguration.client
    private(set) var identity: QUICIdentity?
    /// The server's certificate is verified only if the file asks for it.
    private(set) var trust = ServerTrust.insecure
    /// A line for each option without effect, with the reason.
    private(set) var notes: [String] = []

    /// Octets.
    private static let maximumSize = 1 << 20

    /// - Throws: ``UsageError`` for a file that cannot be read, is no such tuple, or has a value that is not allowed.
    init(path: String) throws(UsageError) {
        let connection: [String: ErlangValue]
        let stream: [String: ErlangValue]
        do throws(UsageError) {
            (connection, stream) = try Self.read(path)
        } catch {
            throw UsageError("--quic \(path): \(error)")
        }
        var check = QUICOptionCheck(file: path, connection)
        apply(&check)
        notes = check.unread.sorted().map { "--quic \(path): \($0) has no meaning here: \(Self.reason($0))" }
        notes += stream.keys.sorted().map {
            "--quic \(path): the stream option \($0) has no meaning here: \(Self.streamReason($0))"
        }
        if let error = check.error { throw error }
        do throws(QUICError) {
            try settings.validate()
        } catch {
            throw UsageError("--quic \(path): \(error)")
        }
    }

    private static func read(
        _ path: String
    ) throws(UsageError) -> (connection: [String: ErlangValue], stream: [String: ErlangValue]) {
        guard let data = try? Data(contentsOf: URL(filePath: path)) else { throw UsageError("cannot be read") }
        guard data.count <= maximumSize, let text = String(data: data, encoding: .utf8) else {
            throw UsageError("is no text in UTF-8 of at most \(maximumSize) bytes")
        }
        let terms = try ErlangValue.consult(text)
        guard terms.count == 1, case .tuple(let pair) = terms[0], pair.count == 2,
            let connection = pair[0].properties, let stream = pair[1].properties
        else { throw UsageError("holds something else than one tuple {ConnOpts, StreamOpts} of property lists") }
        return (connection, stream)
    }

    private mutating func apply(_ check: inout QUICOptionCheck) {
        if let alpn = check.texts("alpn")?.first { settings.alpn = alpn }
        if let time = check.milliseconds("idle_timeout_ms") { settings.idleTimeout = time > .zero ? time : nil }
        if let time = check.milliseconds("handshake_idle_timeout_ms") { settings.handshakeTimeout = time }
        if let time = check.milliseconds("keep_alive_interval_ms") {
            settings.keepAliveInterval = time > .zero ? time : nil
        }
        if let time = check.milliseconds("initial_rtt_ms") { settings.initialRoundTripTime = time }
        if let time = check.milliseconds("max_ack_delay_ms") { settings.maximumAcknowledgementDelay = time }
        if let window = check.integer("stream_recv_window_default") {
            settings.streamReceiveWindow = window
        }
        if let window = check.integer("conn_flow_control_window") { settings.connectionReceiveWindow = window }
        if let octets = check.integer("maximum_mtu") { settings.maximumUDPPayload = octets - Self.headers }
        if let isPaced = check.flag("pacing_enabled") { settings.pacesPackets = isPaced }
        if let controller = check.choice("congestion_control_algorithm", ["0", "cubic", "1", "bbr"]) {
            settings.congestionController = controller == "1" || controller == "bbr" ? .bbr : .cubic
        }
        let authorities = check.file("cacertfile")
        if let verify = check.choice("verify", ["none", "verify_none", "peer", "verify_peer"]) {
            let isAsked = verify.hasSuffix("peer")
            trust = isAsked ? authorities.map { .authorities(pem: $0) } ?? .system : .insecure
        }
        let certificate = check.file("certfile") ?? check.file("cert")
        let key = check.file("keyfile") ?? check.file("key")
        let password = check.text("password")
        if (certificate == nil) != (key == nil) { check.fail("certfile and keyfile belong together") }
        if let certificate, let key {
            identity = QUICIdentity(certificateChain: certificate, privateKey: key, password: password)
        }
    }

    /// Octets of the IPv6 and UDP headers, which an MTU counts.
    private static let headers = 48

    private static func reason(_ name: String) -> String {
        switch name {
        case "peer_bidi_stream_count", "peer_unidi_stream_count", "local_bidi_stream_count",
            "local_unidi_stream_count":
            "the client opens the streams, as many as the server allows"
        case "local_address": "--ifaddr says where clients connect from"
        case "nst", "handle": "--load-qst says what sessions are resumed with"
        case "sslkeylogfile": "secrets of clients are not written"
        case "disable_1rtt_encryption": "packets are always encrypted"
        case "datagram_receive_enabled": "MQTT uses no QUIC datagrams"
        case "migration_enabled": "--migrate-every says when clients move"
        case "minimum_mtu": "QUIC begins with 1200 bytes of payload"
        case "initial_window_packets": "the initial window is that of RFC 9002"
        case "server_resumption_level", "retry_memory_limit", "load_balancing_mode": "it is for servers"
        case "conn_callback", "quic_event_mask", "quic_registration": "it is for programs in Erlang"
        case "max_bytes_per_key", "tls_client_max_send_buffer", "tls_server_max_send_buffer",
            "stream_recv_buffer_default", "max_stateless_operations", "send_idle_timeout_ms", "disconnect_timeout_ms",
            "max_operations_per_drain", "send_buffering_enabled", "mtu_discovery_search_complete_timeout_us",
            "mtu_discovery_missing_probe_count", "max_binding_stateless_operations",
            "stateless_operation_expiration_ms", "max_worker_queue_delay_us":
            "it tunes another QUIC stack"
        default: "it is not known"
        }
    }

    private static func streamReason(_ name: String) -> String {
        switch name {
        case "priority": "a file of topics says it for data streams"
        case "active", "open_flag", "start_flag", "event_mask", "disable_fpbuffer", "stream_id",
            "ideal_send_buffer_size", "0rtt_length":
            "it is for programs in Erlang"
        default: "it is not known"
        }
    }
}
