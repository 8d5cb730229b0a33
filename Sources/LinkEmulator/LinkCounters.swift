/// Counters of one direction's packets.
package struct LinkCounters: Sendable, Equatable, Encodable {
    package var entered: UInt64 = 0
    package var enteredOctets: UInt64 = 0
    package var arrived: UInt64 = 0
    package var arrivedOctets: UInt64 = 0
    /// Lost at random or in bursts.
    package var lost: UInt64 = 0
    /// Dropped because the queue was full.
    package var queueDrops: UInt64 = 0
    /// Lost because the link was down.
    package var downDrops: UInt64 = 0
    package var held: UInt64 = 0
    package var doubled: UInt64 = 0
    /// The largest length of the queue, in packets.
    package var queuePeak: UInt64 = 0
}

/// Counters of all packets of an emulator.
package struct EmulatorCounters: Sendable, Equatable, Encodable {
    package var toServer = LinkCounters()
    package var toClient = LinkCounters()
    package var nat: NATCounters?
    /// Received octets that were not an IPv4 packet.
    package var notIPv4: UInt64 = 0
    /// Lost because the pool had no slot.
    package var poolDrops: UInt64 = 0
}

/// Counters of the NAT.
package struct NATCounters: Sendable, Equatable, Encodable {
    /// Present bindings.
    package var bindings: UInt64 = 0
    package var made: UInt64 = 0
    /// Bindings that ended by their timeout or by a command.
    package var expired: UInt64 = 0
    /// Bindings that got another outside address, port or both.
    package var rebound: UInt64 = 0
    /// Packets from the server to an outside endpoint without a binding.
    package var unmatched: UInt64 = 0
    /// Fragments, and protocols without ports.
    package var untranslatable: UInt64 = 0
    /// Packets of a client for which no outside port was left.
    package var refused: UInt64 = 0
}
