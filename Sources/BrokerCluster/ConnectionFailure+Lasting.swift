import NATSClient

extension ConnectionFailure {
    /// True if only another configuration, of this node or of the server, makes it better.
    var isLasting: Bool {
        switch self {
        case .versionTooOld, .headersUnsupported, .tlsUnsupported, .tlsRequired, .credentialsTooLong, .unsigned,
            .untrusted,
            .tlsRefused:
            true
        case .refused(let text): !text.contains("Timeout")  // of a server that is busy
        case .transport, .malformedInfo, .malformed, .octetsBeforeTLS, .handshakeTimedOut, .silent, .cutOff, .lameDuck,
            .closedHere:
            false
        }
    }
}
