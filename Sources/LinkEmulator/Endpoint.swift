/// An IPv4 address and a port, or the identifier of an ICMP echo.
package struct Endpoint: Sendable, Hashable {
    /// In host order.
    package var address: UInt32
    package var port: UInt16

    package init(address: UInt32, port: UInt16) {
        self.address = address
        self.port = port
    }
}

/// Protocols that a NAT tells apart by ports, with their numbers in IPv4.
package enum Transport: UInt8, Sendable, Hashable {
    case icmp = 1
    case tcp = 6
    case udp = 17
}

extension Endpoint: CustomStringConvertible {
    package var description: String { "\(Self.text(address)):\(port)" }

    package static func text(_ address: UInt32) -> String {
        "\(address >> 24).\(address >> 16 & 255).\(address >> 8 & 255).\(address & 255)"
    }

    /// - Parameter text: `10.0.0.1`.
    package static func address(_ text: some StringProtocol) -> UInt32? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var address: UInt32 = 0
        for part in parts {
            guard let octet = UInt8(part), part.utf8.first != UInt8(ascii: "+") else { return nil }
            address = address << 8 | UInt32(octet)
        }
        return address
    }
}
