package import Secrets

/// The configuration of a listening endpoint, beyond `QUICConfiguration`.
package struct QUICServerConfiguration: Sendable {
    package var common = QUICConfiguration()

    /// Certificate chain, leaf first, PEM.
    package var certificateChain: [UInt8]

    /// Private key of the leaf, PEM.
    @Secret package var privateKey: [UInt8]

    /// The password of an encrypted private key.
    @Secret package var privateKeyPassword: String?

    /// Certificate authorities in PEM. If set, clients must show a certificate of one of them.
    package var clientAuthorities: [UInt8]?

    /// The cipher suites that are accepted, in the order of preference; not empty.
    package var ciphers = QUICCipher.preferred

    /// Session resumption, `nil` for none.
    package var resumption: QUICServerResumption?

    /// The file that the TLS secrets of all connections are written to, `nil` for none.
    package var keyLogFile: String?

    /// 32 random octets from which the keys of identifiers, stateless resets and tokens are derived. Nodes with the same
    /// secret accept each other's.
    @Secret package var staticSecret: [UInt8]

    package var identifiers = QUICIdentifierConfiguration()

    /// Where clients reach this node directly; `nil` if there is no such address. Its datagrams have to arrive at the endpoint's
    /// own socket.
    package var preferredAddress: QUICPreferredAddress?

    package var retry = QUICRetryConfiguration()

    /// True to answer a packet for a connection of an earlier run of this node by a stateless reset (RFC 9000 §10.3). No
    /// reset is ever sent for a connection that may be alive.
    package var sendsStatelessResets = true

    /// True to let the kernel choose a connection's event loop by its identifier, where several loops share the port.
    package var steersInKernel = true

    /// Octets of datagrams that other loops have received and this loop has not yet taken; further ones are dropped.
    package var maximumTossedBytes = 4 * 1024 * 1024

    /// Stateless packets (resets, version negotiations, refusals) that are sent per second, which is also the burst allowed.
    package var statelessPacketsPerSecond = 1_000

    /// Connections of this endpoint, with those whose handshake is not complete. Further Initials are refused.
    package var maximumConnections = 1_000_000

    /// Connections of this endpoint whose handshake is not complete, some 45 KiB each. Further Initials are dropped.
    package var maximumHandshakes = 4_096

    /// Datagrams of new clients that may wait for their handshakes to begin, some 1.5 KiB each; the newest client is the first,
    /// and the oldest gives way.
    package var maximumWaitingInitials = 512

    /// Datagrams of handshakes under way that may wait until the loop has time for them, some 1.5 KiB each. Further ones are
    /// dropped, and their clients send them again.
    package var maximumWaitingDatagrams = 1_024

    /// How fast handshakes may begin. New clients wait for one window at most.
    package var pace = HandshakePace.Limits()

    /// New peer addresses of one connection that may owe an answer to their PATH_CHALLENGE at once (RFC 9000 §8.2), 1 and up.
    /// Datagrams from further ones are dropped unread.
    package var newAddressBurst = 4

    /// Time after which one more new peer address may owe an answer.
    package var newAddressInterval: Duration = .milliseconds(20)

    /// Closed connections that are remembered to answer late packets; the oldest makes room for the next.
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
