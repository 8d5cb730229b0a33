@testable import LinkEmulator

/// IPv4 packets for tests, with right checksums, and the sums to check them by.
enum Octets {
    static let server = Endpoint(address: 0x0A48_0001, port: 14567)

    static func udp(_ source: Endpoint, _ destination: Endpoint, payload: [UInt8] = Array("payload".utf8)) -> [UInt8] {
        packet(.udp, source, destination, Array(repeating: 0, count: 2) + payload, checksumAt: 6) {
            $0.replaceSubrange(4..<6, with: half(UInt16(8 + payload.count)))
        }
    }

    static func tcp(_ source: Endpoint, _ destination: Endpoint, payload: [UInt8] = Array("payload".utf8)) -> [UInt8] {
        let rest: [UInt8] = [0, 0, 0, 1, 0, 0, 0, 2, 0x50, 0x18, 1, 0, 0, 0, 0, 0]
        return packet(.tcp, source, destination, rest + payload, checksumAt: 16)
    }

    static func echo(_ source: UInt32, _ destination: UInt32, type: UInt8, identifier: UInt16) -> [UInt8] {
        icmp(source, destination, [type, 0, 0, 0] + half(identifier) + [0, 1, 1, 2, 3])
    }

    /// Port unreachable, about a packet that went from the receiver to somebody.
    static func unreachable(_ source: UInt32, _ destination: UInt32, about packet: [UInt8]) -> [UInt8] {
        icmp(source, destination, [3, 3, 0, 0, 0, 0, 0, 0] + packet.prefix(28))
    }

    private static func icmp(_ source: UInt32, _ destination: UInt32, _ message: [UInt8]) -> [UInt8] {
        var message = message
        message.replaceSubrange(2..<4, with: half(~sum(message)))
        return header(.icmp, source, destination, message.count) + message
    }

    private static func packet(
        _ transport: Transport,
        _ source: Endpoint,
        _ destination: Endpoint,
        _ rest: [UInt8],
        checksumAt offset: Int,
        finish: (inout [UInt8]) -> Void = { _ in }
    ) -> [UInt8] {
        var segment = half(source.port) + half(destination.port) + rest
        if transport == .udp { segment.insert(contentsOf: [0, 0], at: 4) }
        finish(&segment)
        let pseudo =
            word(source.address) + word(destination.address) + [0, transport.rawValue] + half(UInt16(segment.count))
        segment.replaceSubrange(offset..<offset + 2, with: half(~sum(pseudo + segment)))
        return header(transport, source.address, destination.address, segment.count) + segment
    }

    private static func header(_ transport: Transport, _ source: UInt32, _ destination: UInt32, _ length: Int)
        -> [UInt8]
    {
        var header: [UInt8] = [0x45, 0] + half(UInt16(20 + length)) + [0, 1, 0x40, 0, 64, transport.rawValue, 0, 0]
        header += word(source) + word(destination)
        header.replaceSubrange(10..<12, with: half(~sum(header)))
        return header
    }

    /// Whether all checksums of a packet are right, summed up anew.
    static func hasRightSums(_ packet: [UInt8]) -> Bool {
        guard sum(Array(packet[..<20])) == 0xFFFF, let transport = Transport(rawValue: packet[9]) else { return false }
        let segment = Array(packet[20...])
        if transport == .icmp { return sum(segment) == 0xFFFF }
        if transport == .udp, packet[26] == 0, packet[27] == 0 { return true }
        return sum(Array(packet[12..<20]) + [0, transport.rawValue] + half(UInt16(segment.count)) + segment) == 0xFFFF
    }

    static func source(_ packet: [UInt8]) -> Endpoint { endpoint(packet, 12, 20) }
    static func destination(_ packet: [UInt8]) -> Endpoint { endpoint(packet, 16, 22) }

    private static func endpoint(_ packet: [UInt8], _ address: Int, _ port: Int) -> Endpoint {
        let number = packet[address..<address + 4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        return Endpoint(address: number, port: UInt16(packet[port]) << 8 | UInt16(packet[port + 1]))
    }

    static func half(_ value: UInt16) -> [UInt8] { [UInt8(value >> 8), UInt8(value & 255)] }
    static func word(_ value: UInt32) -> [UInt8] { half(UInt16(value >> 16)) + half(UInt16(value & 0xFFFF)) }

    /// The one's complement sum of RFC 1071.
    static func sum(_ octets: [UInt8]) -> UInt16 {
        var sum: UInt32 = 0
        for index in stride(from: 0, to: octets.count, by: 2) {
            sum += UInt32(octets[index]) << 8 | (index + 1 < octets.count ? UInt32(octets[index + 1]) : 0)
        }
        while sum > 0xFFFF { sum = (sum & 0xFFFF) + (sum >> 16) }
        return UInt16(sum)
    }
}
