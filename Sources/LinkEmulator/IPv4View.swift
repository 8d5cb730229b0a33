/// The header fields of an IPv4 packet that a NAT reads and rewrites; checksums are updated by RFC 1624.
///
/// A view is valid for as long as its octets are.
struct IPv4View {
    private let octets: UnsafeMutableRawBufferPointer
    /// Octets of the IPv4 header.
    private let header: Int
    /// Nil for protocols that have no ports.
    let transport: Transport?
    /// The packet in an ICMP error that caused it, by the offset of its header.
    private let quoted: Int?

    private static let minimumHeader = 20
    private static let source = 12
    private static let destination = 16
    private static let headerChecksum = 10

    /// - Returns: nil if the octets are not an IPv4 packet.
    init?(_ octets: UnsafeMutableRawBufferPointer) {
        self.octets = octets
        guard let header = Self.headerLength(octets, at: 0) else { return nil }
        self.header = header
        var quoted: Int?
        transport = Self.transport(octets, at: 0, header)
        if transport == .icmp, Self.isError(octets[header]) {
            quoted = header + 8
        }
        self.quoted = quoted
    }

    private static func headerLength(_ octets: UnsafeMutableRawBufferPointer, at start: Int) -> Int? {
        guard octets.count >= start + minimumHeader, octets[start] >> 4 == 4 else { return nil }
        let length = Int(octets[start] & 15) * 4
        return length >= minimumHeader && octets.count >= start + length ? length : nil
    }

    /// The protocol of the packet that begins at `start`; nil if its ports are not within the octets.
    private static func transport(
        _ octets: UnsafeMutableRawBufferPointer,
        at start: Int,
        _ header: Int
    ) -> Transport? {
        let fragment = UInt16(octets[start + 6]) << 8 | UInt16(octets[start + 7])
        // Only the first fragment has ports: the others could not be assigned to a binding.
        guard fragment & 0x3FFF == 0, octets.count >= start + header + 8 else { return nil }
        return Transport(rawValue: octets[start + 9])
    }

    /// Destination unreachable, time exceeded, parameter problem.
    private static func isError(_ type: UInt8) -> Bool { type == 3 || type == 11 || type == 12 }

    /// Echo request or reply.
    private static func isEcho(_ type: UInt8) -> Bool { type == 8 || type == 0 }

    // MARK: Endpoints

    var sourceAddress: UInt32 { word(at: Self.source) }
    var destinationAddress: UInt32 { word(at: Self.destination) }

    /// The inside endpoint whose binding a packet from a client uses; nil without ports.
    var inner: (transport: Transport, endpoint: Endpoint)? {
        guard let transport else { return nil }
        if quoted != nil { return quotedEndpoint(Self.destination, portOffset: 2) }
        guard let port = port(transport, isSource: true) else { return nil }
        return (transport, Endpoint(address: sourceAddress, port: port))
    }

    /// The outside endpoint whose binding a packet to a client uses.
    var outer: (transport: Transport, endpoint: Endpoint)? {
        guard let transport else { return nil }
        if quoted != nil { return quotedEndpoint(Self.source, portOffset: 0) }
        guard let port = port(transport, isSource: false) else { return nil }
        return (transport, Endpoint(address: destinationAddress, port: port))
    }

    private func port(_ transport: Transport, isSource: Bool) -> UInt16? {
        switch transport {
        case .tcp, .udp: half(at: header + (isSource ? 0 : 2))
        case .icmp: Self.isEcho(octets[header]) ? half(at: header + 4) : nil
        }
    }

    /// An ICMP error quotes a packet that went in the other direction.
    private func quotedEndpoint(_ address: Int, portOffset: Int) -> (transport: Transport, endpoint: Endpoint)? {
        guard let quoted, let length = Self.headerLength(octets, at: quoted),
            let transport = Self.transport(octets, at: quoted, length), transport != .icmp
        else { return nil }
        let port = half(at: quoted + length + portOffset)
        return (transport, Endpoint(address: word(at: quoted + address), port: port))
    }

    // MARK: Rewriting

    /// Replaces the source of a packet from a client by the outside endpoint of its binding.
    func rewriteSource(to endpoint: Endpoint) {
        rewrite(Self.source, to: endpoint, portOffset: 0, quotedAddress: Self.destination, quotedPortOffset: 2)
    }

    /// Replaces the destination of a packet to a client by the inside endpoint.
    func rewriteDestination(to endpoint: Endpoint) {
        rewrite(Self.destination, to: endpoint, portOffset: 2, quotedAddress: Self.source, quotedPortOffset: 0)
    }

    private func rewrite(
        _ address: Int,
        to endpoint: Endpoint,
        portOffset: Int,
        quotedAddress: Int,
        quotedPortOffset: Int
    ) {
        guard let transport else { return }
        var transportSum: Int? = checksumOffset(transport, at: header)
        if transport == .udp, let offset = transportSum, half(at: offset) == 0 { transportSum = nil }
        let coversAddress = transport != .icmp
        setWord(endpoint.address, at: address, sums: [Self.headerChecksum, coversAddress ? transportSum : nil])
        switch transport {
        case .tcp, .udp:
            setHalf(endpoint.port, at: header + portOffset, sums: [transportSum])
        case .icmp:
            if let quoted, let length = Self.headerLength(octets, at: quoted) {
                // The checksum of ICMP covers the quoted packet, including the quoted header's own checksum.
                let sum = header + 2
                let quotedSum = quoted + Self.headerChecksum
                let before = half(at: quotedSum)
                setWord(endpoint.address, at: quoted + quotedAddress, sums: [quotedSum, sum])
                mend(sum, from: before, to: half(at: quotedSum))
                setHalf(endpoint.port, at: quoted + length + quotedPortOffset, sums: [sum])
            } else {
                setHalf(endpoint.port, at: header + 4, sums: [header + 2])
            }
        }
        if transport == .udp, let offset = transportSum, half(at: offset) == 0 { store(0xFFFF, at: offset) }
    }

    private func checksumOffset(_ transport: Transport, at start: Int) -> Int? {
        switch transport {
        case .tcp: octets.count >= start + 18 ? start + 16 : nil
        case .udp: start + 6
        case .icmp: start + 2
        }
    }

    private func setWord(_ value: UInt32, at offset: Int, sums: [Int?]) {
        setHalf(UInt16(value >> 16), at: offset, sums: sums)
        setHalf(UInt16(value & 0xFFFF), at: offset + 2, sums: sums)
    }

    private func setHalf(_ value: UInt16, at offset: Int, sums: [Int?]) {
        let old = half(at: offset)
        store(value, at: offset)
        for case let sum? in sums { mend(sum, from: old, to: value) }
    }

    /// RFC 1624, equation 3: HC' = ~(~HC + ~m + m').
    private func mend(_ sum: Int, from old: UInt16, to new: UInt16) {
        var folded = UInt32(~half(at: sum)) + UInt32(~old) + UInt32(new)
        folded = (folded & 0xFFFF) + (folded >> 16)
        folded = (folded & 0xFFFF) + (folded >> 16)
        store(~UInt16(folded), at: sum)
    }

    private func half(at offset: Int) -> UInt16 { UInt16(octets[offset]) << 8 | UInt16(octets[offset + 1]) }

    private func word(at offset: Int) -> UInt32 { UInt32(half(at: offset)) << 16 | UInt32(half(at: offset + 2)) }

    private func store(_ value: UInt16, at offset: Int) {
        octets[offset] = UInt8(value >> 8)
        octets[offset + 1] = UInt8(value & 255)
    }
}
