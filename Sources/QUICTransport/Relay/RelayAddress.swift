/// A client's IP address and port as a relay frame holds them: 16 octets, IPv4 as IPv4-mapped (RFC 4291 §2.5.5.2), so that
/// an address has one form at all nodes.
package struct RelayAddress: Hashable, Sendable {
    /// Octets 0 to 7 and 8 to 15.
    package let high: UInt64
    package let low: UInt64
    package let port: UInt16

    package init(high: UInt64, low: UInt64, port: UInt16) {
        self.high = high
        self.low = low
        self.port = port
    }

    /// No address, as in frames that are about no client.
    package static let none = RelayAddress(high: 0, low: 0, port: 0)

    package var isIPv4: Bool { self.high == 0 && self.low >> 32 == 0xffff }

    /// The host, or the network of an IPv6 host (RFC 4291 §2.5.4), whose addresses are one owner's.
    var network: UInt64 { self.isIPv4 ? self.low : self.high }

    /// True if nothing must be sent to the address: port 0, multicast, broadcast, or the unspecified address.
    var isUnanswerable: Bool {
        guard self.port != 0 else { return true }
        guard self.isIPv4 else { return self.high >> 56 == 0xff || self.high == 0 && self.low == 0 }
        let host = UInt32(truncatingIfNeeded: self.low)
        return host == 0 || host >> 28 == 0xe || host == .max
    }
}
