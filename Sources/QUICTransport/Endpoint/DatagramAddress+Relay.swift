internal import CDatagrams
import Glibc

/// The addresses of sockets as relay frames hold them.
extension RelayAddress {
    /// - Returns: `nil` for an address that means something at one node only, since it names an interface (RFC 4007 §6).
    init?(_ address: DatagramAddress) {
        if address.isIPv6 {
            guard unsafe address.raw.v6.sin6_scope_id == 0 else { return nil }
            let octets = unsafe address.raw.v6.sin6_addr
            let words = unsafe withUnsafeBytes(of: octets) { octets in
                unsafe (
                    octets.loadUnaligned(fromByteOffset: 0, as: UInt64.self),
                    octets.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
                )
            }
            (self.high, self.low) = (UInt64(bigEndian: words.0), UInt64(bigEndian: words.1))
        } else {
            self.high = 0
            self.low = unsafe 0xffff << 32 | UInt64(UInt32(bigEndian: address.raw.v4.sin_addr.s_addr))
        }
        self.port = address.port
    }
}

extension DatagramAddress {
    /// A client's address out of a frame, IPv4 as such.
    init(_ relayed: RelayAddress) {
        self.init()
        if relayed.isIPv4 {
            unsafe self.raw.v4.sin_family = sa_family_t(AF_INET)
            unsafe self.raw.v4.sin_addr.s_addr = UInt32(truncatingIfNeeded: relayed.low).bigEndian
        } else {
            unsafe self.raw.v6.sin6_family = sa_family_t(AF_INET6)
            let words = (relayed.high.bigEndian, relayed.low.bigEndian)
            unsafe withUnsafeMutableBytes(of: &self.raw.v6.sin6_addr) { octets in
                unsafe withUnsafeBytes(of: words) { unsafe octets.copyMemory(from: $0) }
            }
        }
        self.port = relayed.port
    }
}
