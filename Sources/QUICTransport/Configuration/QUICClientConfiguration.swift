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

    package init(verification: Verification) {
        var common = QUICConfiguration()
        common.keepAliveInterval = .seconds(25)
        // A server never opens streams towards an MQTT client.
        common.bidirectionalStreams = 0
        common.unidirectionalStreams = 0
        self.common = common
        self.verification = verification
    }
}
