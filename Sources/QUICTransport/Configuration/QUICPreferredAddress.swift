package import NIOCore

/// The address of a node that its clients are told in the handshake, so that they go on there (preferred_address, RFC 9000
/// §9.6): one of each IP version at most.
package struct QUICPreferredAddress: Sendable, Equatable {
    package let v4: SocketAddress?
    package let v6: SocketAddress?

    /// - Returns: `nil` unless there are one or two addresses of different IP versions, each with a port, that a client on another
    ///   machine can send to: no wildcard, multicast, broadcast, link-local or IPv4-mapped one.
    package init?(_ addresses: [SocketAddress]) {
        let known = addresses.compactMap { DatagramAddress($0) }.filter(\.canBePreferred)
        guard known.count == addresses.count, (1...2).contains(known.count) else { return nil }
        let v6 = known.filter(\.isIPv6)
        let v4 = known.filter { !$0.isIPv6 }
        guard v6.count < 2, v4.count < 2 else { return nil }
        self.v4 = v4.first?.socketAddress
        self.v6 = v6.first?.socketAddress
    }
}

extension DatagramAddress {
    fileprivate var canBePreferred: Bool { !self.isUnanswerable && !self.isMappedIPv4 && self.scope != .link }
}
