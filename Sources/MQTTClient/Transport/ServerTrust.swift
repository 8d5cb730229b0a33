import QUICTransport

/// Which server certificates a client accepts.
package enum ServerTrust: Sendable, Equatable {
    /// The system's authorities, for the host's name.
    case system
    /// The authorities of a PEM file's bytes, for the host's name.
    case authorities(pem: [UInt8])
    /// Any certificate, unverified.
    case insecure
}

extension QUICClientConfiguration {
    init(serverName: String, trust: ServerTrust) {
        switch trust {
        case .system: self.init(verification: .full(serverName: serverName, trustRoots: .system))
        case .authorities(let pem): self.init(verification: .full(serverName: serverName, trustRoots: .pem(pem)))
        case .insecure: self.init(verification: .none(serverName: serverName))
        }
    }
}
