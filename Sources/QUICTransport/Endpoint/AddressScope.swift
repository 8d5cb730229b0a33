/// How far away an address can be used.
enum AddressScope: Int, Comparable {
    /// On this machine.
    case machine
    /// On one link (RFC 3927, RFC 4291 §2.5.6).
    case link
    /// In one organization's network (RFC 1918, RFC 4193, RFC 6598).
    case site
    case global

    static func < (left: AddressScope, right: AddressScope) -> Bool { left.rawValue < right.rawValue }
}

extension DatagramAddress {
    var scope: AddressScope {
        unsafe self.withAddressBytes { bytes in
            guard bytes.count == 4 || self.isMappedIPv4 else {
                if unsafe bytes.last == 1, unsafe bytes.dropLast().allSatisfy({ $0 == 0 }) { return .machine }
                if unsafe bytes[0] == 0xfe, unsafe bytes[1] & 0xc0 == 0x80 { return .link }
                return unsafe bytes[0] & 0xfe == 0xfc ? .site : .global
            }
            let v4 = unsafe bytes.suffix(4).map { $0 }
            switch (v4[0], v4[1]) {
            case (127, _): return .machine
            case (169, 254): return .link
            case (10, _), (192, 168), (172, 16...31), (100, 64...127): return .site
            default: return .global
            }
        }
    }
}
