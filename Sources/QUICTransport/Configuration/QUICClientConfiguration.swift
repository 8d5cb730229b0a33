/// The configuration of a client's connection, beyond `QUICConfiguration`.
package struct QUICClientConfiguration: Sendable {
    /// The certificate authorities that vouch for the server's certificate.
    package enum TrustRoots: Sendable, Equatable {
        /// The system's certificate authorities.
        case system
        /// Authorities in PEM.
        case pem([UInt8])
    }

    /// How the server's certificate is verified.
    package enum Verification: Sendable, Equatable {
        /// The chain and the name are verified. The name is a DNS name or the text of an IP address.
        case full(serverName: String, trustRoots: TrustRoots)
        /// Nothing is verified. The name is sent if there is one (SNI).
        case none(serverName: String?)

        /// The name that the server is asked for.
        var serverName: String? {
            switch self {
            case .full(let name, _): name
            case .none(let name): name
            }
        }
    }

    package var common: QUICConfiguration
    package var verification: Verification
    /// The certificate and key that the client shows if the server asks.
    package var identity: QUICIdentity?
    /// The cipher suites that are offered, in the order of preference; not empty.
    package var ciphers = QUICCipher.preferred
    /// True to take a session ticket. The first one that arrives is passed to the delegate.
    package var takesTickets = false
    /// The ticket to resume with if it is still valid. The ticket must be of the same server, under the same verification and
    /// identity, since a resumed handshake shows and verifies no certificates.
    package var ticket: QUICSessionTicket?
    /// True if data may be written before the handshake is complete, where the ticket allows it. Others may replay such
    /// data; the server has to guard itself (RFC 9001 §9.2).
    package var sendsEarlyData = true

    /// True to go on, once the handshake is confirmed, at the address that the server prefers (RFC 9000 §9.6), if it can be
    /// reached.
    package var usesPreferredAddress = true

    package init(verification: Verification) {
        self.common = .client
        self.verification = verification
    }
}
