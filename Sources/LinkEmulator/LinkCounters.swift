/// What happened to the packets of one direction.
package struct LinkCounters: Sendable, Equatable, Encodable {
    package var entered: UInt64 = 0
    package var enteredOctets: UInt64 = 0
    package var arrived: UInt64 = 0
    package var arrivedOctets: UInt64 = 0
    /// By the models of loss.
    package var lost: UInt64 = 0
    /// Found the queue full.
    package var queueDrops: UInt64 = 0
    /// Left the queue while the link was down.
    package var downDrops: UInt64 = 0
    package var held: UInt64 = 0
    package var doubled: UInt64 = 0
    /// Most packets in the queue at a time.
    package var queuePeak: UInt64 = 0
}

/// What happened to all of an emulator's packets.
package struct EmulatorCounters: Sendable, Equatable, Encodable {
    package var toServer = LinkCounters()
    package var toClient = LinkCounters()
    package var nat: NATCounters?
    /// Octets that are no IPv4 packet.
    package var notIPv4: UInt64 = 0
    /// Found as many packets under way as may be.
    package var poolDrops: UInt64 = 0
}

/// What the NAT did.
package struct NATCounters: Sendable, Equatable, Encodable {
    /// Bindings that stand.
    package var bindings: UInt64 = 0
    package var made: UInt64 = 0
    /// Unused for longer than the timeout, or told to expire.
    package var expired: UInt64 = 0
    /// Given another outside address, port or both.
    package var rebound: UInt64 = 0
    /// Packets from the server to an outside endpoint without a binding.
    package var unmatched: UInt64 = 0
    /// Fragments, and protocols without ports.
    package var untranslatable: UInt64 = 0
    /// Packets of a client for which no outside port was left.
    package var refused: UInt64 = 0
}
