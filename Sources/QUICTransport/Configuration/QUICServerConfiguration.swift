/// What a listening endpoint needs beyond `QUICConfiguration`.
package struct QUICServerConfiguration: Sendable {
    package var common = QUICConfiguration()

    /// Certificate chain, leaf first, PEM.
    package var certificateChain: [UInt8]

    /// Private key of the leaf, PEM.
    package var privateKey: [UInt8]

    /// What the private key is encrypted with, if it is.
    package var privateKeyPassword: String?

    /// Authorities in PEM. If set, clients must show a certificate that one of them vouches for.
    package var clientAuthorities: [UInt8]?

    /// Those that are accepted, in the order of preference; not empty.
    package var ciphers = QUICCipher.preferred

    /// How clients resume; `nil` for not at all.
    package var resumption: QUICServerResumption?

    /// Where the TLS secrets of all connections are written; `nil`, the default, for nowhere.
    package var keyLogFile: String?

    /// 32 random octets from which the keys of identifiers, stateless resets and tokens are derived. Nodes that share it
    /// know each other's.
    package var staticSecret: [UInt8]

    package var identifiers = QUICIdentifierConfiguration()

    package var retry = QUICRetryConfiguration()

    /// Whether a packet for a connection of an earlier run of this node is answered by a stateless reset (RFC 9000 §10.3).
    /// None is ever sent for a connection that may live.
    package var sendsStatelessResets = true

    /// Whether the kernel is asked to find the loop by the connection's identifier, where several loops share the port.
    package var steersInKernel = true

    /// Octets of datagrams that may wait for a loop because another loop was given them; further ones are dropped.
    package var maximumTossedBytes = 4 * 1024 * 1024

    /// Stateless packets (resets, version negotiations, refusals) sent per second at most, and the burst allowed.
    package var statelessPacketsPerSecond = 1_000

    /// Connections of this endpoint, established or not. Initials beyond it are refused.
    package var maximumConnections = 1_000_000

    /// Connections of this endpoint whose handshake is not complete, some 45 KiB each. Initials beyond it are dropped.
    package var maximumHandshakes = 4_096

    /// New peer addresses of one connection that may owe an answer to their PATH_CHALLENGE at once (RFC 9000 §8.2), 1 and up.
    /// Datagrams from further ones are dropped unread.
    package var newAddressBurst = 4

    /// Time after which one more new peer address may owe an answer.
    package var newAddressInterval: Duration = .milliseconds(20)

    /// Closed connections that are remembered to answer late packets; the oldest goes first.
    package var maximumClosedConnections = 4_096

    package var socket = QUICSocketConfiguration()

    var identity: QUICIdentity {
        QUICIdentity(
            certificateChain: self.certificateChain,
            privateKey: self.privateKey,
            password: self.privateKeyPassword
        )
    }

    package init(certificateChain: [UInt8], privateKey: [UInt8], staticSecret: [UInt8]) {
        self.certificateChain = certificateChain
        self.privateKey = privateKey
        self.staticSecret = staticSecret
    }
}
