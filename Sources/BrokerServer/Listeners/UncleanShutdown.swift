import NIOSSL

extension Error {
    /// True if a peer has closed its side without the alert close_notify (RFC 8446 §6.1).
    var isUncleanShutdown: Bool {
        guard let error = self as? NIOSSLError, case .uncleanShutdown = error else { return false }
        return true
    }
}
