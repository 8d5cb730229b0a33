/// What both sides of a connection agree to offer, and the bounds of what a peer may make us hold.
///
/// Names and defaults follow the listener keys of deployed MQTT-over-QUIC brokers where both have the thing.
package struct QUICConfiguration: Sendable, Equatable {
    /// Congestion control algorithm of the sending side (RFC 9002 §7).
    package enum CongestionController: Sendable, Equatable {
        case cubic
        case reno
        case bbr
    }

    /// The only application protocol that is offered and accepted. A peer without it gets `no_application_protocol`.
    package var alpn = "mqtt"

    /// Idle timeout that we advertise, `nil` for none (RFC 9000 §10.1). The smaller of both sides' counts.
    package var idleTimeout: Duration?

    /// Time from the first packet until the handshake is complete; after it the connection is abandoned.
    package var handshakeTimeout: Duration = .seconds(10)

    /// Bytes of handshake messages that a peer may send at each of TLS's levels, 4 KiB ... 16 MiB: its certificates, and
    /// all that surrounds them. More ends the connection with CRYPTO_BUFFER_EXCEEDED.
    package var maximumHandshakeBytes = 64 * 1024

    /// Silence after which a PING is sent, `nil` for never. NAT bindings last 30 to 120 s.
    package var keepAliveInterval: Duration?

    /// Silence after which a connection's memory is folded, `nil` for never. To fold it and to unfold it for the next packet
    /// takes some 30 µs together (docs/memory.md).
    package var foldDelay: Duration?

    /// Bytes that a peer may at first send on one stream before we credit more, 1 ... 2^30.
    package var streamReceiveWindow = 64 * 1024

    /// Where the stream window may grow to by itself when the user keeps up, 1 ... 2^30; one that begins above it stays.
    /// A long path that loses packets takes two to three times its rate times its round trip.
    package var maximumStreamReceiveWindow = 4 * 1024 * 1024

    /// Bytes that a peer may send on all streams together before we credit more, 1 ... 2^40.
    package var connectionReceiveWindow = 16 * 1024 * 1024

    /// Gaps that may be in what a peer has sent, over all streams, 100 ... 1,000,000. More end the connection with
    /// INTERNAL_ERROR (RFC 9000 §21.7). A lost packet makes one on each stream that it had data of, so that an honest peer
    /// stays below the packets that it has under way.
    package var maximumGaps = 5_000

    /// Bidirectional streams that the peer may have open at once, the control stream among them.
    package var bidirectionalStreams = 10

    /// Unidirectional streams that the peer may have open at once.
    package var unidirectionalStreams = 1

    package var congestionController = CongestionController.cubic

    /// Whether packets leave at the rate that congestion control computes; else as a burst of what its window allows
    /// (RFC 9002 §7.7).
    package var pacesPackets = true

    /// Whether packets are marked as ECN-capable (RFC 9000 §13.4). Marks of the peer's packets are reported in any case.
    package var marksECN = true

    /// Whether larger packets than 1200 bytes are tried on the path (RFC 9000 §14.3).
    package var discoversMTU = true

    /// Round-trip time assumed before the first sample.
    package var initialRoundTripTime: Duration = .milliseconds(333)

    /// How long an acknowledgement may wait for company.
    package var maximumAcknowledgementDelay: Duration = .milliseconds(25)

    /// Largest UDP payload that is sent or accepted, 1200 ... 65527 bytes. Larger sizes than 1200 are probed first.
    package var maximumUDPPayload = 1452

    /// How long a close waits until bytes written before it have been sent once.
    package var closeLinger: Duration = .seconds(1)

    /// `QUICStream.pendingBytes` at and above which a stream counts as congested, however little its path takes.
    package var sendHighWaterMark = 256 * 1024

    /// Where that mark may go up to with the congestion window; at least `sendHighWaterMark`. The streams of a connection
    /// together hold four times as much at most.
    package var maximumSendHighWaterMark = 4 * 1024 * 1024

    package init() {}

    /// Of a client of MQTT: it keeps its NAT binding, and nobody opens streams towards it.
    package static let client: QUICConfiguration = {
        var configuration = QUICConfiguration()
        configuration.keepAliveInterval = .seconds(25)
        configuration.bidirectionalStreams = 0
        configuration.unidirectionalStreams = 0
        return configuration
    }()
}
