package import MQTTCodec
package import NIOCore

/// What a client says in CONNECT, and the bounds it keeps to.
package struct ClientConfiguration: Sendable {
    /// Sent as it stands on every connection of the session.
    package var connect: Connect
    /// Messages at QoS 1 and 2 without their final acknowledgement, 1 to 65,535; the server's Receive Maximum may be lower.
    package var maximumInflight: Int
    /// Messages at QoS 1 and 2 that wait for a place in flight; more are refused with ``ClientError/queueFull``.
    package var maximumQueued: Int
    /// Octets of a packet from the server; a larger one ends the connection with 0x95.
    package var maximumPacketSize: Int
    /// How long the server may take to accept the transport, to answer CONNECT and to answer PINGREQ.
    package var responseTimeout: TimeAmount
    /// After which a message without acknowledgement is sent again, in MQTT 3 only: MQTT 5 forbids it on a connection that
    /// stands [MQTT-4.4.0-1].
    package var retryInterval: TimeAmount?
    /// How far a QUIC connection may build upon an earlier one.
    package var resumption: Resumption

    package enum Resumption: Sendable {
        /// Every handshake is a full one.
        case never
        /// With what the server gave on the connection before.
        case withTickets
        /// Also, CONNECT goes out in the first flight, so that CONNACK comes after one round trip.
        ///
        /// Somebody on the way may keep that flight, and play it to the server later. A server must not heed it twice.
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
