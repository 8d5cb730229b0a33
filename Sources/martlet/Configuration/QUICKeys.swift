import BrokerConfiguration
import QUICTransport

/// Keys of `listeners.quic.NAME` whose values the transport uses as they are.
enum QUICKeys {
    static var all: [Field<QUICServerConfiguration>] { [streams, paths, sending, bounds, routing].flatMap(\.self) }

    private static var streams: [Field<QUICServerConfiguration>] {
        [
            .value(
                "peer_bidi_stream_count",
                \.common.bidirectionalStreams,
                .integer(1...65_535),
                "Bidirectional streams that a client may have open, the control stream among them.",
                .atStart
            ),
            .value(
                "peer_unidi_stream_count",
                \.common.unidirectionalStreams,
                .integer(0...65_535),
                "Unidirectional streams that a client may have open.",
                .atStart
            ),
            .value(
                "stream_recv_window_default",
                \.common.streamReceiveWindow,
                .integer(1024...1_073_741_824),
                "Octets that a client may at first send on a stream ahead of what the broker has read; grows to 4 MB where the broker keeps up.",
                .atStart
            ),
            .value(
                "conn_flow_control_window",
                \.common.connectionReceiveWindow,
                .integer(1024...1_073_741_824),
                "Octets that a client may send on all streams ahead of what the broker has read.",
                .atStart
            ),
            .value(
                "max_stream_gaps",
                \.common.maximumGaps,
                .integer(100...1_000_000),
                "Gaps in the data that a client has sent, over all streams; more end the connection. EMQX has no such key.",
                .atStart
            ),
            .value(
                "max_handshake_size",
                \.common.maximumHandshakeBytes,
                .size(4_096...16_777_216),
                "Octets of a client's handshake messages, its certificates among them. EMQX has no such key.",
                .atStart
            ),
            .value(
                "sslkeylogfile",
                \.keyLogFile,
                .path,
                "The file that TLS secrets are written to, for analysing captured packets; whoever has the file can read all of them.",
                .atStart
            ),
        ]
    }

    private static var paths: [Field<QUICServerConfiguration>] {
        [
            .value(
                "idle_timeout_ms",
                aliases: ["idle_timeout"],
                \.common.idleTimeout,
                .millisecondsOrNone,
                "The idle timeout that is advertised (RFC 9000 §10.1); 0 means none, and the keep alive of MQTT ends a session.",
                .atStart
            ),
            .value(
                "handshake_idle_timeout_ms",
                aliases: ["handshake_idle_timeout"],
                \.common.handshakeTimeout,
                .milliseconds(1...600_000),
                "Time that a handshake may take.",
                .atStart
            ),
            .value(
                "keep_alive_interval_ms",
                aliases: ["keep_alive_interval"],
                \.common.keepAliveInterval,
                .millisecondsOrNone,
                "Silence after which a connection is sent a PING, which keeps NAT bindings open; 0 means never.",
                .atStart
            ),
            .value(
                "fold_delay",
                \.common.foldDelay,
                .millisecondsOrNone,
                "Silence after which the memory of a connection is folded until its next packet; 0 means never.",
                .atStart
            ),
            .value(
                "initial_rtt_ms",
                \.common.initialRoundTripTime,
                .milliseconds(1...10_000),
                "The round-trip time that is assumed until one is measured.",
                .atStart
            ),
            .value(
                "max_ack_delay_ms",
                \.common.maximumAcknowledgementDelay,
                .milliseconds(1...16_383),
                "Time for which an acknowledgement may be held back.",
                .atStart
            ),
            .value(
                "maximum_mtu",
                \.common.maximumUDPPayload,
                ValueForm.integer(1280...65_535).mapped({ $0 - headers }, from: { $0 + headers }),
                "The largest IP packet, headers included, that path MTU discovery tries.",
                .atStart
            ),
        ]
    }

    /// Octets of the IPv6 and UDP headers, which a configured MTU includes.
    private static let headers = 48

    private static var sending: [Field<QUICServerConfiguration>] {
        [
            .value(
                "congestion_control",
                \.common.congestionController,
                .choice(["cubic": .cubic, "reno": .reno, "bbr": .bbr]),
                "The algorithm of congestion control for what the broker sends.",
                .atStart
            ),
            .value(
                "pacing_enabled",
                \.common.pacesPackets,
                .boolean,
                "Whether packets leave at a pace instead of in bursts.",
                .atStart
            ),
            .value("ecn_enabled", \.common.marksECN, .boolean, "Whether packets are marked as ECN-capable.", .atStart),
            .value(
                "mtu_discovery_enabled",
                \.common.discoversMTU,
                .boolean,
                "Whether packets of more than 1200 octets are tried, and sent if they arrive.",
                .atStart
            ),
            .section("udp_options", \.socket, socket),
        ]
    }

    /// `udp_options`: the sockets of a listener, one for each event loop.
    private static var socket: Section<QUICSocketConfiguration> {
        Section([
            .value(
                "recbuf",
                \.receiveBufferSize,
                .size(0...1_073_741_824),
                "The receive buffer that the kernel is asked for; 0 leaves the system's.",
                .atStart
            ),
            .value(
                "sndbuf",
                \.sendBufferSize,
                .size(0...1_073_741_824),
                "The send buffer that the kernel is asked for; 0 leaves the system's.",
                .atStart
            ),
            .value(
                "gso",
                \.offloadsSegmentation,
                .boolean,
                "Whether the kernel cuts messages into packets, where it can.",
                .atStart
            ),
            .value(
                "gro",
                \.offloadsReceiving,
                .boolean,
                "Whether the kernel joins packets into messages, where it can.",
                .atStart
            ),
            .value(
                "batch",
                \.messagesPerCall,
                .integer(1...64),
                "Messages that one system call reads or sends.",
                .atStart
            ),
        ])
    }

    private static var bounds: [Field<QUICServerConfiguration>] {
        [
            .value(
                "max_handshakes",
                \.maximumHandshakes,
                .integer(1...1_000_000),
                "Handshakes in flight on each event loop, some 45 KB each; first packets beyond them are dropped.",
                .atStart
            ),
            .value(
                "stateless_packet_rate",
                \.statelessPacketsPerSecond,
                .integer(0...1_000_000),
                "Packets without a connection, such as stateless resets and refusals, that each event loop sends per second.",
                .atStart
            ),
            .value(
                "new_address_burst",
                \.newAddressBurst,
                .integer(1...1000),
                "New addresses of a connection that may owe an answer at once; packets from further ones are dropped.",
                .atStart
            ),
            .value(
                "new_address_interval",
                \.newAddressInterval,
                .duration(.milliseconds(1)...(.seconds(3600))),
                "Time after which one more new address of a connection may owe an answer.",
                .atStart
            ),
        ]
    }

    private static var routing: [Field<QUICServerConfiguration>] {
        [
            .section("retry", \.retry, retry),
            .value(
                "preferred_address",
                \.preferredAddress,
                .preferredAddress,
                "Where clients reach this node and no other, such as a Service of its pod. Clients are told, and those that honour it go on there, "
                    + "so that their packets need no other node (RFC 9000 §9.6). What is sent there has to arrive at `bind`: either "
                    + "`bind` is all interfaces and has the port, or whatever translates addresses leads there. EMQX has no such key.",
                .atStart
            ),
            .value(
                "kernel_steering",
                \.steersInKernel,
                .boolean,
                "Whether the kernel, where it can, brings the packets of a client that has moved to the right event loop.",
                .atStart
            ),
            .value(
                "max_tossed_bytes",
                \.maximumTossedBytes,
                .size(65_536...1_073_741_824),
                "Octets of packets that may wait for an event loop because another loop received them.",
                .atStart
            ),
        ]
    }

    /// `retry`: when a client has to prove its address before a handshake begins (RFC 9000 §8.1).
    private static var retry: Section<QUICRetryConfiguration> {
        Section([
            .value(
                "mode",
                \.mode,
                .choice(["never": .never, "always": .always, "under_load": .underLoad]),
                "When clients are sent a Retry packet: it costs them a round trip, and keeps forged addresses from costing memory.",
                .atStart
            ),
            .value(
                "load",
                \.load,
                ValueForm.integer(0...100).mapped({ Double($0) / 100 }, from: { Int(($0 * 100).rounded()) }),
                "The meaning of `under_load`: handshakes in flight on an event loop, in per cent of `max_handshakes`.",
                .atStart
            ),
            .value(
                "token_lifetime",
                \.tokenLifetime,
                .duration(.milliseconds(1)...(.seconds(600))),
                "Time that a client may take to answer a Retry packet.",
                .atStart
            ),
            .value(
                "new_token_lifetime",
                \.newTokenLifetime,
                .duration(.zero...(.seconds(30 * 86_400))),
                "Time after a connection within which a client from the same IP address is spared a Retry packet; 0 means not at all.",
                .atStart
            ),
            .value(
                "max_rate",
                \.retriesPerSecond,
                .integer(1...1_000_000),
                "Retry packets that an event loop sends per second; clients beyond them have to try again.",
                .atStart
            ),
        ])
    }
}

extension ValueForm<Duration?> {
    /// A time span in milliseconds; zero is read as `nil`.
    fileprivate static var millisecondsOrNone: ValueForm {
        ValueForm<Duration>.milliseconds(0...4_294_967_295)
            .mapped({ .some($0 == .zero ? nil : $0) }, from: { $0 ?? .zero })
    }
}
