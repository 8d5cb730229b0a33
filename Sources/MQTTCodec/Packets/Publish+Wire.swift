import NIOCore

extension Publish {
    /// Reads the variable header and payload at `body` within `bytes`, the readable octets of `buffer`.
    ///
    /// The broker spends most of its time here: a message without properties needs no allocation.
    @inline(__always)
    init(
        _ flags: UInt8,
        _ body: Range<Int>,
        _ bytes: borrowing RawSpan,
        of buffer: ByteBuffer,
        version: ProtocolVersion,
        role: PacketDecoder.Role
    ) throws(CodecError) {
        guard let qos = QualityOfService(rawValue: flags >> 1 & 3) else { throw .malformed("QoS 3") }  // [MQTT-3.3.1-4]
        let isDuplicate = flags & 0x08 != 0
        guard qos != .atMostOnce || !isDuplicate else { throw .malformed("DUP at QoS 0") }  // [MQTT-3.3.1-2]

        guard body.count >= 2 else { throw .truncated }
        let topicStart = body.lowerBound + 2
        let topicEnd = topicStart + Int(bytes.bigEndian(at: body.lowerBound))
        var end = qos == .atMostOnce ? topicEnd : topicEnd + 2
        guard end <= body.upperBound else { throw .truncated }

        switch UTF8Text(bytes, topicStart..<topicEnd) {
        case .plain: break
        case .wildcards: throw .wildcardInTopic  // [MQTT-3.3.2-2]
        case .invalid: throw .notUTF8  // [MQTT-3.3.2-1]
        }
        var packetIdentifier: UInt16 = 0
        if qos != .atMostOnce {
            packetIdentifier = bytes.bigEndian(at: topicEnd)
            guard packetIdentifier != 0 else { throw .packetIdentifierZero }  // [MQTT-2.2.1-3]
        }

        var properties = PublishProperties()
        if version == .v5 {
            guard end < body.upperBound else { throw .truncated }
            if bytes.unsafeLoad(fromByteOffset: end, as: UInt8.self) == 0 {
                end += 1
            } else {
                properties = try Self.properties(in: buffer, at: &end, before: body.upperBound, role: role)
            }
        }
        if topicStart == topicEnd { try Self.checkEmptyTopic(version: version, properties: properties) }

        let base = buffer.readerIndex
        guard
            let topic = buffer.getSlice(at: base + topicStart, length: topicEnd - topicStart),
            let payload = buffer.getSlice(at: base + end, length: body.upperBound - end)
        else { throw .truncated }
        self.init(
            topic: topic,
            payload: payload,
            qos: qos,
            packetIdentifier: packetIdentifier,
            retain: flags & 0x01 != 0,
            isDuplicate: isDuplicate,
            properties: properties
        )
    }

    /// Reads the properties that start at `offset`, and moves `offset` behind them.
    @inline(never)
    private static func properties(
        in buffer: ByteBuffer,
        at offset: inout Int,
        before end: Int,
        role: PacketDecoder.Role
    ) throws(CodecError) -> PublishProperties {
        var reader = try PacketReader(offset..<end, of: buffer, version: .v5, role: role)
        let properties = try PublishProperties(from: &reader, in: .publish)
        offset = end - reader.count
        return properties
    }

    /// An empty topic name is allowed only with a topic alias (MQTT 5.0 §3.3.2.1).
    @inline(never)
    private static func checkEmptyTopic(version: ProtocolVersion, properties: PublishProperties) throws(CodecError) {
        guard version == .v5 else { throw .malformed("empty topic name") }  // [MQTT-4.7.3-1]
        guard properties.values.topicAlias != nil else { throw .protocolError("neither topic name nor topic alias") }
    }
}

extension RawSpan {
    /// The two octets at `offset`.
    @inline(__always)
    func bigEndian(at offset: Int) -> UInt16 {
        UInt16(bigEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: UInt16.self))
    }
}
