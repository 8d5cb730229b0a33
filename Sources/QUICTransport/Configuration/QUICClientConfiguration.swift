/// What a client connection needs beyond `QUICConfiguration`.
package struct QUICClientConfiguration: Sendable {
    /// Where trust in the server's certificate comes from.
    package enum TrustRoots: Sendable, Equatable {
        /// The system's certificate authorities.
        case system
        /// Authorities in PEM.
        case pem([UInt8])
    }

    package enum Verification: Sendable, Equatable {
        /// Chain and name are verified. The name is a DNS name or the text of an IP address.
        case full(serverName: String, trustRoots: TrustRoots)
        /// Nothing is verified; the name, if any, is still sent (SNI).
        case none(serverName: String?)

        /// As the server is asked for.
        var serverName: String? {
            switch self {
            case .full(let name, _): name
            case .none(let name): name
            }
        }
    }

    package var common: QUICConfiguration
    package var verification: Verification
    /// What this side shows where the server asks.
    package var identity: QUICIdentity?
    /// Those that are offered, in the order of preference; not empty.
    package var ciphers = QUICCipher.preferred
    /// Whether the server is asked for a ticket. The first that comes is told to the delegate.
    package var takesTickets = false
    /// Resumed with if it is still good. It must come from the same server, under the same verification and identity:
    /// a resumed handshake shows and verifies no certificates.
    package var ticket: QUICSessionTicket?
    /// Whether the connection may be written to ahead of the handshake's end, where the ticket allows it. Such data may
    /// be replayed by others, against which the server has to guard itself (RFC 9001 §9.2).
    package var sendsEarlyData = true

    package init(verification: Verification) {
        self.common = .client
        self.verification = verification
    }
}
