package import NIOCore

/// The configuration of a node's relay.
package struct RelayConfiguration: Sendable {
    /// Where the relay takes frames of other nodes; port 0 for any port. Clients must not reach it.
    package var address: SocketAddress
    /// The members at the start.
    package var membership: RelayMembership
    package var limits = RelayLimits()
    package var socket = QUICSocketConfiguration()

    package init(address: SocketAddress, membership: RelayMembership) {
        self.address = address
        self.membership = membership
    }
}
