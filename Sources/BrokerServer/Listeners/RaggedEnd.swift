import NIOSSL

extension Error {
    /// Whether a peer has ended its side without the word that TLS has for it (RFC 8446 §6.1).
    var isRaggedEnd: Bool {
        guard let error = self as? NIOSSLError, case .uncleanShutdown = error else { return false }
        return true
    }
}
