internal import NIOCore

/// The connecting side of an endpoint: what its connections share.
struct Dialer {
    /// Tokens that servers gave for the next connection to them.
    var serverTokens = ServerTokens()
    private var tls: TLSClientContext?

    /// The TLS settings of a connection. Loading the system's authorities takes milliseconds, and connections of one
    /// endpoint mostly verify alike.
    mutating func tlsContext(for configuration: QUICClientConfiguration) throws(QUICError) -> TLSClientContext {
        if let known = self.tls, known.serves(configuration) { return known }
        let made = try TLSClientContext(configuration)
        self.tls = made
        return made
    }

    /// The address of a server as the socket sees it.
    ///
    /// - Throws: `.configuration` if the socket cannot reach it.
    static func resolve(_ address: SocketAddress, from local: DatagramAddress) throws(QUICError) -> DatagramAddress {
        guard var remote = DatagramAddress(address) else {
            throw .configuration("a server's address must be an IP address, not \(address)")
        }
        if local.isIPv6 { remote = remote.mappedToIPv6 }
        guard remote.isIPv6 == local.isIPv6 else {
            throw .configuration(
                "an IPv4 socket (\(local.socketAddress)) cannot reach the IPv6 address \(address); bind the socket to an IPv6 address"
            )
        }
        return remote
    }
}
