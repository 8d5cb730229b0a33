/// Why a connection to a NATS server ended, or did not come about.
package enum ConnectionFailure: Error, Equatable, Sendable {
    /// The socket: the server is not there, or closed it.
    case transport(String)
    /// The server said so by -ERR, and closed.
    case refused(String)
    /// INFO cannot be read.
    case malformedInfo
    /// What the server sends is not the NATS protocol.
    case malformed(String)
    case versionTooOld(found: String)
    /// The server has headers switched off.
    case headersUnsupported
    /// TLS is to be used, and the server has none.
    case tlsUnsupported
    /// The server requires TLS, and it is not to be used.
    case tlsRequired
    /// Octets between INFO and the TLS handshake, which nobody vouches for.
    case octetsBeforeTLS
    /// This side does not trust the server's certificate, or it is not for the server's name or address.
    case untrusted(String)
    /// The server ended the TLS handshake, for instance since it does not trust this side's certificate.
    case tlsRefused(String)
    /// This side is to sign something, and the server does not say what.
    case unsigned
    /// CONNECT would be longer than a server reads.
    case credentialsTooLong
    /// No answer to CONNECT in time.
    case handshakeTimedOut
    /// No answer to PING.
    case silent
    /// The server does not reach the other servers of its cluster.
    case cutOff
    /// The server is about to stop.
    case lameDuck
    /// This side closed.
    case closedHere
}

extension ConnectionFailure: CustomStringConvertible {
    package var description: String {
        switch self {
        case .transport(let detail): detail
        case .refused(let text): "the NATS server refuses: \(text)"
        case .malformedInfo: "the server does not begin with an INFO of NATS"
        case .malformed(let detail): "the server sends \(detail)"
        case .versionTooOld(let found):
            "the NATS server is version \(found), and \(ServerVersion.least) or newer is needed: older ones may store a message twice"
        case .headersUnsupported: "the NATS server has headers switched off (no_header_support), and they are needed"
        case .tlsUnsupported: "the NATS server has no TLS, which is asked for"
        case .tlsRequired: "the NATS server requires TLS, which is not asked for"
        case .octetsBeforeTLS: "the server sends octets before TLS that only may come after it"
        case .untrusted(let detail): "the NATS server's certificate is not trusted: \(detail)"
        case .tlsRefused(let detail): "the NATS server refuses TLS with this node: \(detail)"
        case .unsigned: "the NATS server has no users with keys (nkeys or accounts with JWTs)"
        case .credentialsTooLong:
            "the credentials are longer than a NATS server reads (\(ConnectOptions.longest) octets)"
        case .handshakeTimedOut: "the NATS server does not answer to CONNECT"
        case .silent: "the NATS server does not answer to PING"
        case .cutOff: "the NATS server does not reach the other servers"
        case .lameDuck: "the NATS server is about to stop"
        case .closedHere: "closed by this side"
        }
    }
}
