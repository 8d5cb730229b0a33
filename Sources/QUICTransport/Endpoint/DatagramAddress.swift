internal import CDatagrams
import Glibc
internal import NIOCore

/// An IP address with port in the form that system calls take, without storage of its own on the heap.
struct DatagramAddress {
    var raw: datagram_address

    init() {
        self.raw = datagram_address()
    }

    init(_ raw: datagram_address) {
        self.raw = raw
    }

    /// `nil` for addresses that are not IP.
    init?(_ address: SocketAddress) {
        self.raw = datagram_address()
        switch address {
        case .v4(let v4): unsafe self.raw.v4 = v4.address
        case .v6(let v6): unsafe self.raw.v6 = v6.address
        case .unixDomainSocket: return nil
        }
    }

    /// The same address as a peer of a dual-stack IPv6 socket sees it.
    var mappedToIPv6: DatagramAddress {
        guard !self.isIPv6 else { return self }
        let v4 = unsafe self.raw.v4
        var mapped = sockaddr_in6()
        mapped.sin6_family = sa_family_t(AF_INET6)
        mapped.sin6_port = v4.sin_port
        unsafe withUnsafeMutableBytes(of: &mapped.sin6_addr) { bytes in
            unsafe bytes[10] = 0xff
            unsafe bytes[11] = 0xff
            unsafe withUnsafeBytes(of: v4.sin_addr) { unsafe bytes[12...].copyBytes(from: $0) }
        }
        var address = DatagramAddress()
        unsafe address.raw.v6 = mapped
        return address
    }

    /// Family, address, port and scope, and zeros elsewhere.
    var plain: DatagramAddress {
        var plain = DatagramAddress()
        if self.isIPv6 {
            unsafe plain.raw.v6.sin6_family = self.raw.v6.sin6_family
            unsafe plain.raw.v6.sin6_addr = self.raw.v6.sin6_addr
            unsafe plain.raw.v6.sin6_port = self.raw.v6.sin6_port
            unsafe plain.raw.v6.sin6_scope_id = self.raw.v6.sin6_scope_id
        } else {
            unsafe plain.raw.v4.sin_family = self.raw.v4.sin_family
            unsafe plain.raw.v4.sin_addr = self.raw.v4.sin_addr
            unsafe plain.raw.v4.sin_port = self.raw.v4.sin_port
        }
        return plain
    }

    /// The address as a `SocketAddress`. IPv4-mapped IPv6 addresses become IPv4 (RFC 4291 §2.5.5.2).
    var socketAddress: SocketAddress {
        guard self.isIPv6 else { return unsafe SocketAddress(self.raw.v4, host: "") }
        guard self.isMappedIPv4 else { return unsafe SocketAddress(self.raw.v6, host: "") }
        var v4 = sockaddr_in()
        v4.sin_family = sa_family_t(AF_INET)
        v4.sin_port = unsafe self.raw.v6.sin6_port
        unsafe self.withAddressBytes { bytes in
            unsafe withUnsafeMutableBytes(of: &v4.sin_addr) { unsafe $0.copyBytes(from: bytes[12...]) }
        }
        return SocketAddress(v4, host: "")
    }

    var isIPv6: Bool { unsafe self.raw.any.sa_family == sa_family_t(AF_INET6) }

    var length: Int { self.isIPv6 ? MemoryLayout<sockaddr_in6>.size : MemoryLayout<sockaddr_in>.size }

    var port: UInt16 {
        get { UInt16(bigEndian: unsafe self.isIPv6 ? self.raw.v6.sin6_port : self.raw.v4.sin_port) }
        set {
            if self.isIPv6 {
                unsafe self.raw.v6.sin6_port = newValue.bigEndian
            } else {
                unsafe self.raw.v4.sin_port = newValue.bigEndian
            }
        }
    }

    /// The address with port 0.
    var withoutPort: DatagramAddress {
        var address = self
        address.port = 0
        return address
    }

    /// An address of the same family and port at which nobody is: the n-th of 240.0.0.0/4 (RFC 1112 §4), mapped to IPv6 for
    /// an IPv6 address.
    func withoutHost(_ number: UInt32) -> DatagramAddress {
        var address = DatagramAddress()
        unsafe address.raw.v4.sin_family = sa_family_t(AF_INET)
        unsafe address.raw.v4.sin_addr.s_addr = (0xF000_0000 | number & 0x0FFF_FFFF).bigEndian
        address.port = self.port
        return self.isIPv6 ? address.mappedToIPv6 : address
    }

    /// 0.0.0.0 or ::.
    var isWildcard: Bool {
        unsafe self.withAddressBytes { unsafe $0.allSatisfy { $0 == 0 } }
    }

    /// True if nothing must be sent to the address: port 0, multicast, broadcast, or the unspecified address.
    var isUnanswerable: Bool {
        self.port == 0 || self.isWildcard || self.isMulticastOrBroadcast
    }

    var isMulticastOrBroadcast: Bool {
        unsafe self.withAddressBytes { bytes in
            if bytes.count == 16 && !self.isMappedIPv4 { return unsafe bytes[0] == 0xff }
            let v4 = unsafe bytes.suffix(4)
            guard let first = unsafe v4.first else { return true }
            return unsafe first & 0xf0 == 0xe0 || v4.allSatisfy { $0 == 0xff }
        }
    }

    var isMappedIPv4: Bool {
        unsafe self.isIPv6
            && self.withAddressBytes { bytes in
                unsafe bytes[..<10].allSatisfy { $0 == 0 } && bytes[10] == 0xff && bytes[11] == 0xff
            }
    }

    func withAddressBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        if self.isIPv6 {
            unsafe withUnsafeBytes(of: self.raw.v6.sin6_addr) { unsafe body($0) }
        } else {
            unsafe withUnsafeBytes(of: self.raw.v4.sin_addr) { unsafe body($0) }
        }
    }
}

extension DatagramAddress: Equatable {
    static func == (left: DatagramAddress, right: DatagramAddress) -> Bool {
        guard left.isIPv6 == right.isIPv6, left.port == right.port else { return false }
        guard left.isIPv6 else { return unsafe left.raw.v4.sin_addr.s_addr == right.raw.v4.sin_addr.s_addr }
        return unsafe left.raw.v6.sin6_scope_id == right.raw.v6.sin6_scope_id
            && left.withAddressBytes { bytes in
                unsafe right.withAddressBytes { unsafe bytes.elementsEqual($0) }
            }
    }
}
