/// The configuration of a connection that clients and servers have in common, and the bounds of what a peer can make it
/// hold.
///
/// Names and defaults are those of the listener keys of EMQX, where both have the same thing.
package struct QUICConfiguration: Sendable, Equatable {
    /// Congestion control algorithm of the sending side (RFC 9002 §7).
    package enum CongestionController: Sendable, Equatable {
        case cubic
        case reno
        case bbr
    }

    /// The only application protocol that is offered and accepted (ALPN). A peer without it gets `no_application_protocol`.
    package var alpn = "mqtt"

    /// The idle timeout that is advertised, `nil` for none; the smaller of both sides' timeouts holds (RFC 9000 §10.1).
    package var idleTimeout: Duration?

    /// The time from the first packet after which an incomplete handshake is abandoned.
    package var handshakeTimeout: Duration = .seconds(10)

    /// Bytes of handshake messages that a peer may send at each encryption level, 4 KiB to 16 MiB; its certificates are most
    /// of them. More end the connection with CRYPTO_BUFFER_EXCEEDED.
    package var maximumHandshakeBytes = 64 * 1024

    /// The silence after which a PING is sent, `nil` for never. NAT bindings last 30 to 120 s.
    package var keepAliveInterval: Duration?

    /// The silence after which a connection's memory is folded, `nil` for never. Folding and unfolding take some 30 µs
    /// together (docs/memory.md).
    package var foldDelay: Duration?

    /// Bytes that a peer may send on one stream before it gets more credit, 1 to 2^30.
    package var streamReceiveWindow = 64 * 1024

    /// The size up to which the stream window grows while the user keeps up, 1 to 2^30; a larger initial window stays as it
    /// is. A long path with losses needs two to three times its rate times its round trip time.
    package var maximumStreamReceiveWindow = 4 * 1024 * 1024

    /// Bytes that a peer may send on all streams together before it gets more credit, 1 to 2^40.
    package var connectionReceiveWindow = 16 * 1024 * 1024

    /// Gaps in the data that a peer has sent, over all streams, 100 to 1,000,000. More end the connection with
    /// INTERNAL_ERROR (RFC 9000 §21.7). A lost packet makes one gap on each stream that it had data of, so that an honest
    /// peer makes fewer gaps than it has packets in flight.
    package var maximumGaps = 5_000

    /// Bidirectional streams that the peer may have open at once, the control stream among them.
    package var bidirectionalStreams = 10

    /// Unidirectional streams that the peer may have open at once.
    package var unidirectionalStreams = 1

    package var congestionController = CongestionController.cubic

    /// True to send packets at the rate that congestion control computes, false to send bursts of up to the congestion
    /// window (RFC 9002 §7.7).
    package var pacesPackets = true

    /// True to mark packets as ECN-capable (RFC 9000 §13.4). Marks of the peer's packets are reported in any case.
    package var marksECN = true

    /// True to probe whether the path takes packets of more than 1200 bytes (RFC 9000 §14.3).
    package var discoversMTU = true

    /// The round trip time that is assumed before the first sample.
    package var initialRoundTripTime: Duration = .milliseconds(333)

    /// The longest delay of an acknowledgement that is advertised to the peer (max_ack_delay).
    package var maximumAcknowledgementDelay: Duration = .milliseconds(25)

    /// The largest UDP payload that is sent or accepted, 1200 to 65527 bytes. Sizes above 1200 are probed first.
    package var maximumUDPPayload = 1452

    /// The time for which a close waits until the bytes written before it have been sent once.
    package var closeLinger: Duration = .seconds(1)

    /// The lowest `QUICStream.pendingBytes` at which a stream counts as congested, however slow the path is.
    package var sendHighWaterMark = 256 * 1024

    /// The most to which `sendHighWaterMark` grows with the congestion window; not less than its initial value. All streams of a
    /// connection together hold at most four times as much.
    package var maximumSendHighWaterMark = 4 * 1024 * 1024

    package init() {}

    /// The defaults of an MQTT client: it keeps its NAT binding alive, and no peer opens streams to it.
    package static let client: QUICConfiguration = {
        var configuration = QUICConfiguration()
        configuration.keepAliveInterval = .seconds(25)
        configuration.bidirectionalStreams = 0
        configuration.unidirectionalStreams = 0
        return configuration
    }()
}
