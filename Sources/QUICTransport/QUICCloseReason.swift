/// Who ended a connection, and why.
package enum QUICCloseReason: Sendable, Equatable {
    /// An end of the connection.
    package enum Side: Sendable, Equatable {
        case local
        case peer
    }

    /// CONNECTION_CLOSE of type 0x1d: the application's code (RFC 9000 §20.2).
    case application(by: Side, code: UInt64, reason: String)
    /// CONNECTION_CLOSE of type 0x1c: a transport error (RFC 9000 §20.1). Codes 0x100 ... 0x1ff carry a TLS alert.
    case transport(by: Side, code: UInt64, reason: String)
    case idleTimeout
    case handshakeTimeout
    /// A stateless reset: the peer has lost the connection's state (RFC 9000 §10.3).
    case statelessReset
    /// The server supports no version that this side does.
    case versionNegotiation

    /// The TLS alert of a handshake that failed, e.g. 120 for `no_application_protocol` (RFC 9001 §4.8).
    package var tlsAlert: UInt8? {
        guard case .transport(_, let code, _) = self, (0x100...0x1ff).contains(code) else { return nil }
        return UInt8(truncatingIfNeeded: code)
    }
}
