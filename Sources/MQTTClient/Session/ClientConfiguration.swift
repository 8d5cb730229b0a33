package import MQTTCodec
package import NIOCore

/// What a client sends as CONNECT, and its bounds.
package struct ClientConfiguration: Sendable {
    /// Sent unchanged on every connection of the session.
    package var connect: Connect
    /// Messages at QoS 1 and 2 without their final acknowledgement, 1 to 65,535; the server's Receive Maximum may be lower.
    package var maximumInflight: Int
    /// Messages at QoS 1 and 2 that wait for a place in flight; more are refused with ``ClientError/queueFull``.
    package var maximumQueued: Int
    /// Octets of a packet from the server; a larger one ends the connection with 0x95.
    package var maximumPacketSize: Int
    /// How long the server may take to accept the transport, to answer CONNECT and to answer PINGREQ.
    package var responseTimeout: TimeAmount
    /// The time after which a message without acknowledgement is sent again, in MQTT 3 only: MQTT 5 forbids it on a connection that
    /// stands [MQTT-4.4.0-1].
    package var retryInterval: TimeAmount?
    /// Whether QUIC connections resume earlier ones.
    package var resumption: Resumption

    /// How QUIC connections resume earlier ones (RFC 8446 §2.2).
    package enum Resumption: Sendable {
        /// Every handshake is a full handshake.
        case never
        /// With the session ticket of the connection before.
        case withTickets
        /// With a session ticket, and CONNECT is sent as early data, so that CONNACK comes after one round trip.
        ///
        /// An attacker may record early data and replay it: the server must refuse the second copy (RFC 8446 §8).
        case withEarlyData
    }

    package init(
        connect: Connect,
        maximumInflight: Int = 20,
        maximumQueued: Int = 1000,
        maximumPacketSize: Int = 268_435_460,
        responseTimeout: TimeAmount = .seconds(30),
        retryInterval: TimeAmount? = nil,
        resumption: Resumption = .withEarlyData
    ) {
        self.connect = connect
        self.maximumInflight = min(max(maximumInflight, 1), Int(UInt16.max))
        self.maximumQueued = maximumQueued
        self.maximumPacketSize = maximumPacketSize
        self.responseTimeout = responseTimeout
        self.retryInterval = retryInterval
        self.resumption = resumption
    }
}
