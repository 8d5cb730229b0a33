import NIOSSL

extension Error {
    /// Why a TLS handshake has failed, in BoringSSL's words, such as `certificate_verify_failed`. `nil` for other errors, and
    /// where the peer has closed the connection in the handshake, as health checks of load balancers do.
    var handshakeFailure: String? {
        guard let error = self as? NIOSSLError, case .handshakeFailed(let cause) = error else { return nil }
        switch cause {
        case .sslError(let stack), .unknownError(let stack):
            guard let last = stack.first else { return "unknown" }
            return last == .eofDuringHandshake ? nil : Self.reason(last)
        default:
            return "\(cause)"
        }
    }

    /// The reason in `error:1000007d:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED at FILE:LINE`.
    private static func reason(_ error: BoringSSLInternalError) -> String {
        let description = error.description
        let words = description.split(separator: " at ", maxSplits: 1).first ?? ""
        return words.split(separator: ":").last?.lowercased() ?? description
    }
}
