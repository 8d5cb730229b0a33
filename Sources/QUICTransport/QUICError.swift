import Glibc
package import NIOCore

/// The reason why an endpoint or a stream could not be made. `QUICCloseReason` tells why a live connection ended.
package enum QUICError: Error, Sendable, Equatable {
    /// Another process, or another listener, has the UDP port.
    case portInUse(SocketAddress)
    /// A system call failed.
    case socket(operation: String, errno: CInt)
    /// The certificate chain or the private key is missing, cannot be read, or does not match the other.
    case certificate(String)
    /// No certificate authority can be read (the trust roots of a verification).
    case trustRoots(String)
    /// A value that is not allowed; the text names the value and says what is allowed.
    case configuration(String)
    /// The peer allows no further stream for now.
    case streamLimitReached
    /// The connection or the endpoint is closed or closing.
    case closed
    /// ngtcp2 or GnuTLS refused; the text is the library's.
    case engine(String)
}

extension QUICError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .portInUse(let address): "UDP port \(address.port ?? 0) of \(address.ipAddress ?? "?") is in use"
        case .socket(let operation, let errno): "\(operation): \(unsafe String(cString: strerror(errno)))"
        case .certificate(let text): "certificate: \(text)"
        case .trustRoots(let text): "certificate authorities: \(text)"
        case .configuration(let text): "configuration: \(text)"
        case .streamLimitReached: "the peer allows no further stream until it sends MAX_STREAMS"
        case .closed: "the connection or endpoint is closed"
        case .engine(let text): "QUIC engine: \(text)"
        }
    }
}
