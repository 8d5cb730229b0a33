package import NIOCore

/// Decodes the octets of one connection, as they arrive, into packets.
///
/// The decoder checks type, flags and size as soon as it has the fixed header. It copies and reserves nothing for a packet
/// that is incomplete, and another attempt costs the same however many octets have arrived. `maximumPacketSize` bounds the
/// memory of a packet.
package struct PacketDecoder {
    /// The side that receives: each packet type is allowed in one direction or in both.
    package enum Role: Sendable { case server, client }

    package let role: Role
    /// Octets of a whole packet with its fixed header; a larger packet is refused with 0x95 before it is buffered.
    package var maximumPacketSize: Int
    /// The protocol version. A client knows it from the start; a server learns it from CONNECT, also from a CONNECT that is
    /// refused, so that CONNACK has the form that the client understands.
    package private(set) var version: ProtocolVersion? {
        didSet { receivable = PacketTypes.receivable(by: role, version: version) }
    }
    private var receivable: PacketTypes

    /// - Parameter version: for a client, MQTT 5.0 unless given; for a server, given only for a data stream, which has no
    ///   CONNECT.
    package init(role: Role, maximumPacketSize: Int, version: ProtocolVersion? = nil) {
        self.role = role
        self.maximumPacketSize = maximumPacketSize
        let version = version ?? (role == .client ? .v5 : nil)
        self.version = version
        receivable = PacketTypes.receivable(by: role, version: version)
    }

    /// The next whole packet. While it is incomplete, returns `nil` and leaves the reader index at its first octet.
    ///
    /// Topics, payloads and other binary fields are slices of `buffer`. After an error the connection has no next packet,
    /// since the place where it starts is unknown.
    package mutating func next(from buffer: inout ByteBuffer) throws(CodecError) -> Packet? {
        guard let (packet, size) = try first(of: buffer) else { return nil }
        buffer.moveReaderIndex(forwardBy: size)
        return packet
    }

    /// Octets of the whole packet that `buffer` begins with; `nil` while its fixed header is incomplete.
    package func sizeOfFirst(in buffer: ByteBuffer) throws(CodecError) -> Int? {
        guard let header = try header(buffer.readableBytesSpan) else { return nil }
        return header.size + header.remainingLength
    }

    /// The first packet of `buffer` and its size.
    @inline(__always)
    private mutating func first(of buffer: ByteBuffer) throws(CodecError) -> (packet: Packet, size: Int)? {
        // Taken once: the span costs as much as reading a whole fixed header.
        let bytes = buffer.readableBytesSpan
        guard let header = try header(bytes) else { return nil }
        let body = header.size..<(header.size + header.remainingLength)
        guard body.upperBound <= bytes.byteCount else { return nil }
        return (try packet(header, body, bytes, of: buffer), body.upperBound)
    }

    /// The fixed header (MQTT 5.0 §2.1), or `nil` while it is incomplete.
    @inline(__always)
    private func header(_ bytes: borrowing RawSpan) throws(CodecError) -> FixedHeader? {
        guard !bytes.isEmpty else { return nil }
        let first = bytes.unsafeLoad(as: UInt8.self)
        guard receivable.contains(firstOctet: first), let type = PacketType(rawValue: first >> 4) else {
            throw refusal(firstOctet: first)
        }
        if type != .publish {
            // MQTT 3.1 has the DUP flag in requests too (MQTT 3.1 §2.1).
            let ignored: UInt8 = version == .v3_1 && type.fixedFlags != 0 ? 0x08 : 0
            guard first & 0x0F & ~ignored == type.fixedFlags else {
                throw .malformed("reserved flags")  // [MQTT-2.1.3-1]
            }
        }
        guard let (length, lengthSize) = try VariableByteInteger.read(from: bytes, at: 1) else { return nil }
        // MQTT 3 does not forbid a Remaining Length in more octets than necessary.
        guard lengthSize == 1 || version != .v5 || lengthSize == VariableByteInteger.size(of: length) else {
            throw .overlongInteger
        }
        guard 1 + lengthSize + length <= maximumPacketSize else {
            throw CodecError(.packetTooLarge, "packet over the maximum packet size")  // [MQTT-3.1.2-24]
        }
        return FixedHeader(type: type, flags: first & 0x0F, size: 1 + lengthSize, remainingLength: length)
    }

    /// The error of a packet that starts with this octet and is not accepted.
    @inline(never)
    private func refusal(firstOctet: UInt8) -> CodecError {
        guard let type = PacketType(rawValue: firstOctet >> 4) else { return .malformed("packet type 0") }
        if version == nil { return .protocolError("a packet before CONNECT") }  // [MQTT-3.1.0-1]
        if role == .server, type == .connect { return .protocolError("a second CONNECT") }  // [MQTT-3.1.0-2]
        if version != .v5, type == .authentication { return .malformed("packet type 15 in MQTT 3") }
        return .protocolError("a packet that this side does not receive")
    }

    @inline(__always)
    private mutating func packet(
        _ header: FixedHeader,
        _ body: Range<Int>,
        _ bytes: borrowing RawSpan,
        of buffer: ByteBuffer
    ) throws(CodecError) -> Packet {
        switch header.type {
        case .publish:
            .publish(
                try Publish(header.flags, body, bytes, of: buffer, version: version ?? .v5, role: role)
            )
        case .publishReceived: .acknowledgement(try acknowledgement(.received, body, bytes, of: buffer))
        case .publishRecorded: .acknowledgement(try acknowledgement(.recorded, body, bytes, of: buffer))
        case .publishRelease: .acknowledgement(try acknowledgement(.release, body, bytes, of: buffer))
        case .publishComplete: .acknowledgement(try acknowledgement(.complete, body, bytes, of: buffer))
        case .connect: .connect(try connect(body, of: buffer))
        case .connectAcknowledgement: .connectAcknowledgement(try read(body, of: buffer))
        case .subscribe: .subscribe(try read(body, of: buffer))
        case .subscribeAcknowledgement: .subscribeAcknowledgement(try read(body, of: buffer))
        case .unsubscribe: .unsubscribe(try read(body, of: buffer))
        case .unsubscribeAcknowledgement: .unsubscribeAcknowledgement(try read(body, of: buffer))
        case .pingRequest: try ping(.pingRequest, body)
        case .pingResponse: try ping(.pingResponse, body)
        case .disconnect: .disconnect(try read(body, of: buffer))
        case .authentication: .authentication(try read(body, of: buffer))
        }
    }

    /// PUBACK, PUBREC, PUBREL or PUBCOMP; nearly all have a packet identifier and nothing else.
    @inline(__always)
    private func acknowledgement(
        _ kind: PublishAcknowledgement.Kind,
        _ body: Range<Int>,
        _ bytes: borrowing RawSpan,
        of buffer: ByteBuffer
    ) throws(CodecError) -> PublishAcknowledgement {
        if body.count == 2 {
            let packetIdentifier = bytes.bigEndian(at: body.lowerBound)
            guard packetIdentifier != 0 else { throw .packetIdentifierZero }
            return PublishAcknowledgement(kind, packetIdentifier)
        }
        return try read(body, of: buffer) { (reader) throws(CodecError) in
            try PublishAcknowledgement(kind, from: &reader)
        }
    }

    private mutating func connect(_ body: Range<Int>, of buffer: ByteBuffer) throws(CodecError) -> Connect {
        var version: ProtocolVersion?
        defer { self.version = version }
        return try read(body, of: buffer) { (reader) throws(CodecError) in
            let level = try ProtocolLevel(from: &reader)
            reader.version = level.version
            version = level.version
            var connect = try Connect(from: &reader)
            connect.isBridge = level.isBridge
            return connect
        }
    }

    private func ping(_ packet: Packet, _ body: Range<Int>) throws(CodecError) -> Packet {
        guard body.isEmpty else { throw .surplus }
        return packet
    }

    private func read<Body: PacketBody>(_ body: Range<Int>, of buffer: ByteBuffer) throws(CodecError) -> Body {
        try read(body, of: buffer) { (reader) throws(CodecError) in try Body(from: &reader) }
    }

    /// Reads a body from its first octet to its last.
    @inline(never)
    private func read<Body>(
        _ body: Range<Int>,
        of buffer: ByteBuffer,
        _ content: (inout PacketReader) throws(CodecError) -> Body
    ) throws(CodecError) -> Body {
        var reader = try PacketReader(body, of: buffer, version: version ?? .v5, role: role)
        let content = try content(&reader)
        guard reader.isEmpty else { throw .surplus }
        return content
    }
}

/// The first octets of a packet (MQTT 5.0 §2.1.1).
private struct FixedHeader {
    let type: PacketType
    let flags: UInt8
    /// Octets of this header.
    let size: Int
    /// Octets that follow it.
    let remainingLength: Int
}

/// The variable header and payload of a packet. The reader knows the version and the side that receives.
protocol PacketBody {
    init(from reader: inout PacketReader) throws(CodecError)
}
