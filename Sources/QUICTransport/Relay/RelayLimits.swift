/// The bounds of the relay.
package struct RelayLimits: Sendable, Equatable {
    /// Other nodes that frames are taken from.
    package var members = 31
    /// Pairs of an owner and a client's address that one loop remembers, some 150 octets each.
    package var addresses = 65_536
    /// The time for which an address is remembered after a datagram from there was forwarded. Longer than connection
    /// tracking remembers a flow of UDP (120 s), so that a client that keeps its binding open is always answered.
    package var addressLifetime = Duration.seconds(180)
    /// The length of an IP packet that the network between the nodes carries, octets.
    package var mtu = 1_450
    /// Whether the nodes reach each other by IPv6.
    package var isIPv6 = false

    package init() {}

    /// The longest datagram that fits into a frame. It bounds what endpoints may send and may be sent.
    ///
    /// - Throws: `.configuration` if the network is too narrow for QUIC in frames (RFC 9000 §14).
    package func largestDatagram() throws(QUICError) -> Int {
        let headers = (self.isIPv6 ? 40 : 20) + 8
        let count = min(self.mtu, 65_535) - headers - RelayFrame.overhead
        guard count >= Self.leastDatagram else {
            throw .configuration(
                "datagrams are relayed between nodes only where packets of \(Self.leastDatagram + headers + RelayFrame.overhead) octets pass, and the MTU is \(self.mtu)"
            )
        }
        return count
    }

    /// The datagram that every path must carry (RFC 9000 §14).
    private static let leastDatagram = 1_200
}
