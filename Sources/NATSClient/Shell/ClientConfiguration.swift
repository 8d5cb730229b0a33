package import NIOCore
package import Secrets

/// Which servers a client connects to, and how.
package struct ClientConfiguration: Sendable {
    package var servers: [ServerAddress]
    /// The index of the server that is tried first, modulo their number; `nil` for one by chance.
    package var first: Int?
    package var connection: ConnectionConfiguration
    /// Whom to trust, if the connection is to be by TLS.
    package var trust = ServerTrust.system
    /// The certificate of this side, for servers that ask for one.
    package var identity: ClientIdentity?
    /// The time for the TCP connection.
    package var connectTimeout: TimeAmount = .seconds(2)
    /// The time for an answer to a request or an append.
    package var requestTimeout: TimeAmount = .milliseconds(500)

    package init(servers: [ServerAddress], connection: ConnectionConfiguration) {
        self.servers = servers
        self.connection = connection
    }

    /// - Throws: `UnusableCertificate`
    package func check() throws { _ = try TLSContext(trust, identity) }
}

/// Which certificates of servers a client accepts, for the host's name or address.
package enum ServerTrust: Sendable, Equatable {
    case system
    /// The authorities of a PEM file's octets.
    case authorities(pem: [UInt8])
}

/// A certificate of a client, and its key.
package struct ClientIdentity: Sendable, Equatable {
    /// PEM, the client's own certificate first.
    package let certificateChain: [UInt8]
    /// PEM.
    @Secret package private(set) var privateKey: [UInt8]

    package init(certificateChain: [UInt8], privateKey: [UInt8]) {
        self.certificateChain = certificateChain
        self.privateKey = privateKey
    }
}
