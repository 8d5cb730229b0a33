package import MQTTCodec
package import NIOCore

/// An event of a client, for the log and for monitors. An event holds no password and no payload.
package struct ShardEvent: Sendable {
    package let kind: Kind
    /// As in CONNECT, unescaped, or as the server has assigned it; `nil` before CONNECT.
    package let clientIdentifier: String?
    /// As in CONNECT, unescaped; `nil` in events after `connected`.
    package let userName: String?
    /// The client's last validated address; `nil` if the client has no connection.
    package let address: SocketAddress?
    /// The name of the listener, such as `tcp:default`; `nil` if the client has no connection.
    package let listener: String?
    /// The reason code. `nil` for `refused` if no CONNECT came in time, and for `disconnected` if the transport ended without
    /// DISCONNECT.
    package let reason: ReasonCode?
    /// Of `handshakeFailed`: what failed, in the words of the TLS library.
    package var detail: String?

    /// What has happened.
    package enum Kind: UInt8, CaseIterable, Sendable {
        /// CONNACK has accepted the client.
        case connected
        /// The server has ended a connection whose CONNECT it had not accepted.
        case refused
        /// A connection that CONNACK had accepted has ended.
        case disconnected
        /// The authenticator has refused the client.
        case authenticationFailed
        /// Octets were no packet, or a packet that is not allowed at that point.
        case malformedPacket
        /// A later CONNECT with the same client identifier has ended the connection [MQTT-3.1.4-3].
        case sessionTakenOver
        /// A message was dropped at the bound of the client's queue (`Limits.maximumQueueLength`, `maximumQueueBytes`).
        case messageDroppedQueueFull
        /// A QoS 0 message was dropped for a client that is away or slow (`Limits.queuesQoS0`).
        case messageDroppedSlowReader
        /// Messages of a client's queue cannot be read from the store, and are lost.
        case messagesLost

        /// The listener has closed a connection because it has as many as its bound allows. Collected by the shell.
        case tooManyConnections
        /// The TLS handshake of a connection has failed. Collected by the shell.
        case handshakeFailed

        /// True for events that clients can cause at any rate, so that a line for each of them would fill the log.
        package var isRepetitive: Bool {
            switch self {
            case .connected, .refused, .disconnected: false
            case .authenticationFailed, .malformedPacket, .sessionTakenOver, .messageDroppedQueueFull,
                .messageDroppedSlowReader, .messagesLost, .tooManyConnections, .handshakeFailed:
                true
            }
        }
    }

    /// A set of kinds.
    package struct Kinds: OptionSet, Sendable {
        package let rawValue: UInt32

        package init(rawValue: UInt32) { self.rawValue = rawValue }

        package init(_ kinds: some Sequence<Kind>) { rawValue = kinds.reduce(0) { $0 | 1 << UInt32($1.rawValue) } }

        package func contains(_ kind: Kind) -> Bool { rawValue & 1 << UInt32(kind.rawValue) != 0 }

        package mutating func insert(_ kind: Kind) { self = Self(rawValue: rawValue | 1 << UInt32(kind.rawValue)) }
    }
}
