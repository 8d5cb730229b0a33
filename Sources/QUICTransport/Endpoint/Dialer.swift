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

    /// Chooses where to go on among the addresses that a server prefers: one of the IP version in use, or else one that the socket
    /// can reach all the same.
    ///
    /// - Parameter server: the address in use.
    /// - Returns: `nil` if there is none. An address nearer to this machine than the server's is none: it could lead datagrams
    ///   to who trusts its neighbours (RFC 9000 §21.5.6).
    static func choose(among offered: [DatagramAddress], insteadOf server: DatagramAddress) -> DatagramAddress? {
        let usesIPv4 = !server.isIPv6 || server.isMappedIPv4
        let inOrder = offered.filter { $0.isIPv6 != usesIPv4 } + offered.filter { $0.isIPv6 == usesIPv4 }
        let reached = inOrder.map { server.isIPv6 ? $0.mappedToIPv6 : $0 }.first { address in
            address.isIPv6 == server.isIPv6 && !address.isUnanswerable && address.scope >= server.scope
        }
        return reached == server ? nil : reached
    }
}
