package import MQTTCodec

/// Why a request of a client failed, or its connection ended.
package enum ClientError: Error, Equatable, Sendable {
    /// CONNACK with a reason code of failure, and the server's explanation if it gave one.
    case refused(ReasonCode, String?)
    /// DISCONNECT from the server.
    case disconnected(ReasonCode, String?)
    /// The connection below MQTT failed.
    case transport(TransportFailure)
    /// The server has violated the protocol.
    case protocolViolation(CodecError)
    /// No CONNACK in time.
    case connectTimeout
    /// No PINGRESP in time.
    case pingTimeout
    case notConnected
    /// The transport cannot change its address.
    case cannotMigrate
    /// The server has ended a data stream, with a code that is a reason code if it is one (0 for none).
    case streamEnded(code: UInt64)
    /// As many streams are open as the server allows.
    case streamLimitReached
    /// The transport has no streams: only QUIC has.
    case streamsNotSupported
    /// ``ClientConfiguration/maximumQueued`` messages wait already.
    case queueFull
    /// More octets than the server's Maximum Packet Size.
    case packetTooLarge
    /// More than the server's Maximum QoS.
    case qosNotSupported
    /// The server keeps no retained messages.
    case retainNotSupported
    /// The server forgot the session before it acknowledged.
    case sessionLost

    /// True for the end of a connection, after which another attempt may succeed.
    package var isLoss: Bool {
        switch self {
        case .disconnected, .transport, .protocolViolation, .connectTimeout, .pingTimeout, .notConnected: true
        default: false
        }
    }
}

extension ClientError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .refused(let code, let reason): "the server refused the connection: \(Self.text(code, reason))"
        case .disconnected(let code, let reason): "the server disconnected: \(Self.text(code, reason))"
        case .transport(let failure): "\(failure)"
        case .protocolViolation(let error): "protocol error: \(error.detail)"
        case .connectTimeout: "the server did not answer CONNECT in time"
        case .pingTimeout: "the server did not answer PINGREQ in time"
        case .notConnected: "not connected"
        case .cannotMigrate: "only a QUIC connection can change its address"
        case .streamEnded(let code):
            "the server ended the stream: \(UInt8(exactly: code).map { ReasonCode(rawValue: $0).text } ?? "code \(code)")"
        case .streamLimitReached: "the server allows no further stream for now"
        case .streamsNotSupported: "only QUIC has streams"
        case .queueFull: "too many messages wait for acknowledgement"
        case .packetTooLarge: "the message is larger than the server's maximum packet size"
        case .qosNotSupported: "the server does not support this quality of service"
        case .retainNotSupported: "the server does not keep retained messages"
        case .sessionLost: "the server lost the session before it acknowledged"
        }
    }

    private static func text(_ code: ReasonCode, _ reason: String?) -> String {
        guard let reason, !reason.isEmpty else { return code.text }
        return "\(code.text) (\(reason))"
    }
}
