/// What a listening endpoint needs beyond `QUICConfiguration`.
package struct QUICServerConfiguration: Sendable {
    package var common = QUICConfiguration()

    /// Certificate chain, leaf first, PEM.
    package var certificateChain: [UInt8]

    /// Private key of the leaf, unencrypted PEM.
    package var privateKey: [UInt8]

    /// 32 random octets from which stateless reset tokens are derived. Endpoints that share it reset for each other.
    package var staticSecret: [UInt8]

    /// Whether packets for unknown connections are answered by a stateless reset (RFC 9000 §10.3). While several
    /// endpoints share the port none is sent: the connection may be another's, and a reset would end it.
    package var sendsStatelessResets = true

    /// Stateless packets (resets, version negotiations, refusals) sent per second at most, and the burst allowed.
    package var statelessPacketsPerSecond = 1_000

    /// Connections of this endpoint, established or not. Initials beyond it are refused.
    package var maximumConnections = 1_000_000

    /// Connections of this endpoint whose handshake is not complete, some 45 KiB each. Initials beyond it are dropped.
    package var maximumHandshakes = 4_096

    /// New peer addresses that one connection may show in a burst before further ones are dropped unread.
    package var newAddressBurst = 4

    /// Time in which one more new peer address is allowed.
    package var newAddressInterval: Duration = .seconds(5)

    /// Closed connections that are remembered to answer late packets; the oldest goes first.
    package var maximumClosedConnections = 4_096

    package var socket = QUICSocketConfiguration()

    package init(certificateChain: [UInt8], privateKey: [UInt8], staticSecret: [UInt8]) {
        self.certificateChain = certificateChain
        self.privateKey = privateKey
        self.staticSecret = staticSecret
    }
}
