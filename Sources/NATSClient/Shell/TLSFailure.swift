import NIOSSL

extension ConnectionFailure {
    /// Why TLS ended, or the socket under it.
    init(tls error: any Error) {
        switch error {
        case NIOSSLError.uncleanShutdown: self = .transport("the server closed the connection")
        case let error as NIOSSLError: self = Self.failure(error)
        case let error as BoringSSLError: self = Self.failure(error)
        case let error as NIOSSLExtraError where error == .failedToValidateHostname:
            self = .untrusted("it is not for the server's name or address")
        case let error as NIOSSLExtraError: self = .transport("TLS: \(error)")
        default: self = .transport("\(error)")
        }
    }

    private static func failure(_ error: NIOSSLError) -> Self {
        guard case .handshakeFailed(let cause) = error else { return .transport("TLS: \(error)") }
        return failure(cause)
    }

    private static func failure(_ error: BoringSSLError) -> Self {
        guard case .sslError(let stack) = error, let first = stack.first else { return .transport("TLS: \(error)") }
        let reason = reason(first)
        if reason == "certificate_verify_failed" {
            return .untrusted("its issuer is none of the authorities, or it is not valid now")
        }
        // What the server said by an alert (RFC 8446 §6).
        return reason.contains("alert") ? .tlsRefused(reason) : .transport("TLS: \(reason)")
    }

    /// The reason in `error:1000007d:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED at FILE:LINE`.
    private static func reason(_ error: BoringSSLInternalError) -> String {
        let description = error.description
        let words = description.split(separator: " at ", maxSplits: 1).first ?? ""
        return words.split(separator: ":").last?.lowercased() ?? description
    }
}
