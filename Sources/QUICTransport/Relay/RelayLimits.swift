/// The bounds of the relay.
package struct RelayLimits: Sendable, Equatable {
    /// Other nodes that frames are taken from.
    package var members = 31
    /// Runs that are known to be over; the newest are kept.
    package var deadRuns = 256
    /// Pairs of an owner and a client's address that one loop remembers once the owner has answered, some 150 octets each.
    package var addresses = 65_536
    /// The same before the owner has answered. Forged addresses have no answer, and displace only each other here.
    package var unansweredAddresses = 8_192
    /// Datagrams that one loop forwards at once from the addresses of one host (IPv4) or network (IPv6, 64 bits) that no owner
    /// has answered yet.
    package var unansweredBurst = 4_096
    /// The time after which one more is forwarded.
    package var unansweredInterval = Duration.microseconds(250)
    /// Shares of hosts that one loop tells apart; hosts beyond that share one, by a hash.
    package var hosts = 1_024
    /// The time for which an address is remembered after a datagram from there was forwarded. Longer than connection
    /// tracking remembers a flow of UDP (120 s), so that a client that keeps its binding open is always answered.
    package var addressLifetime = Duration.seconds(180)
    /// Octets of frames that may wait for a loop of this node; further ones are dropped.
    package var waitingOctets = 4 * 1024 * 1024
    /// The time from one beat to the next.
    package var beatInterval = Duration.seconds(1)
    /// The time without a beat after which another node counts as unreachable.
    package var beatPatience = Duration.milliseconds(3_500)
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
