package import NIOCore

/// The reason why an endpoint or a stream could not be made. `QUICCloseReason` tells why a live connection ended.
package enum QUICError: Error, Sendable, Equatable {
    /// Another process, or another listener, has the UDP port.
    case portInUse(SocketAddress)
    /// A system call failed.
    case socket(operation: String, errno: CInt)
    /// The certificate chain or the private key cannot be read, or do not match; the text is the TLS library's.
    case certificate(String)
    case trustRoots(String)
    case configuration(String)
    /// The peer allows no further stream for now.
    case streamLimitReached
    case closed
    /// ngtcp2 refused; the text is its own.
    case engine(String)
}

extension QUICError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .portInUse(let address): "UDP port \(address.port ?? 0) of \(address) is held by somebody else"
        case .socket(let operation, let errno): "\(operation) failed: errno \(errno)"
        case .certificate(let text): "certificate: \(text)"
        case .trustRoots(let text): "trust roots: \(text)"
        case .configuration(let text): "configuration: \(text)"
        case .streamLimitReached: "the peer allows no further stream"
        case .closed: "closed"
        case .engine(let text): "QUIC engine: \(text)"
        }
    }
}
