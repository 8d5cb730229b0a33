import NIOCore
import NIOSSL

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Why a transport ended, or could not be opened.
package enum TransportFailure: Error, Equatable, Sendable {
    /// The server refuses connections (ECONNREFUSED; CONNECTION_REFUSED, RFC 9000 §20.1).
    case refused
    case timedOut
    case unreachable
    /// Ended by the server or by the network.
    case closed(String)
    /// The idle timeout of QUIC (RFC 9000 §10.1).
    case idle
    /// This process may open no more descriptors (EMFILE, ENFILE).
    case outOfDescriptors
    /// No local address or port is free, or the local address is not one of this machine (EADDRNOTAVAIL).
    case outOfAddresses
    case nameNotResolved(String)
    /// The server's certificate is not trusted, or the handshake failed.
    case security(String)
    case other(String)
}

extension TransportFailure: CustomStringConvertible {
    package var description: String {
        switch self {
        case .refused: "connection refused"
        case .timedOut: "connection timed out"
        case .unreachable: "host or network unreachable"
        case .closed(let detail): "connection closed: \(detail)"
        case .idle: "connection idle for too long"
        case .outOfDescriptors: "too many open files"
        case .outOfAddresses: "cannot assign a local address or port"
        case .nameNotResolved(let host): "cannot resolve \(host)"
        case .security(let detail): "TLS: \(detail)"
        case .other(let detail): detail
        }
    }
}

extension TransportFailure {
    init(_ error: any Error) {
        switch error {
        case let failure as TransportFailure: self = failure
        case let error as IOError: self = Self(error)
        case ChannelError.connectTimeout: self = .timedOut
        case ChannelError.eof, NIOSSLError.uncleanShutdown: self = .closed("by the server")
        case let error as NIOSSLError: self = .security(Self.text(error))
        case let error as NIOSSLExtraError: self = .security(error.description)
        default: self = .other("\(error)")
        }
    }

    private static func text(_ error: NIOSSLError) -> String {
        switch error {
        case .handshakeFailed(.sslError(let stack)): stack.map(\.description).joined(separator: ", ")
        default: "\(error)"
        }
    }

    private init(_ error: IOError) {
        switch error.errnoCode {
        case ECONNREFUSED: self = .refused
        case ETIMEDOUT: self = .timedOut
        case EHOSTUNREACH, ENETUNREACH, ENETDOWN: self = .unreachable
        case ECONNRESET, EPIPE: self = .closed("reset by the server")
        case EMFILE, ENFILE: self = .outOfDescriptors
        case EADDRNOTAVAIL, EADDRINUSE: self = .outOfAddresses
        default: self = .other("\(error)")
        }
    }
}
