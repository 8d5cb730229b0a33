import MQTTCodec
import NIOCore

// Fields of messages between nodes. A reader returns `nil` for octets that are no such field.
extension ByteBuffer {
    mutating func writeFlag(_ flag: Bool) { writeInteger(UInt8(flag ? 1 : 0)) }

    mutating func readFlag() -> Bool? {
        guard let octet: UInt8 = readInteger(), octet <= 1 else { return nil }
        return octet == 1
    }

    mutating func writeOctets(_ octets: ByteBuffer) {
        writeLEB128(UInt64(octets.readableBytes))
        writeImmutableBuffer(octets)
    }

    /// The next of the packets that lie behind each other, encoded; what is left if it is not whole, and `nil` at the end.
    mutating func readPacketSlice() -> ByteBuffer? {
        if readableBytes == 0 { return nil }
        var length = 0
        for place in 0..<4 {
            guard let octet: UInt8 = getInteger(at: readerIndex + 1 + place) else { break }
            length |= Int(octet & 0x7F) << (7 * place)
            if octet & 0x80 == 0 { return readSlice(length: min(2 + place + length, readableBytes)) }
        }
        return readSlice(length: readableBytes)
    }

    mutating func readOctets() -> ByteBuffer? { readSize().flatMap { readSlice(length: $0) } }

    mutating func writeShard(_ shard: ShardReference) { writeMultipleIntegers(shard.node, shard.shard) }

    mutating func readShard() -> ShardReference? {
        guard let (node, shard) = readMultipleIntegers(as: (UInt8, UInt8).self),
            Int(node) < Neighbours.maximumNodes, Int(shard) < Shard.maximumCount
        else { return nil }
        return ShardReference(node: Int(node), shard: Int(shard))
    }

    mutating func writeRequester(_ requester: Requester) {
        writeReference(requester.connection)
        writeLEB128(requester.number)
    }

    mutating func readRequester() -> Requester? {
        guard let connection = readReference(), let number = readLEB128() else { return nil }
        return Requester(connection: connection, number: number)
    }

    mutating func writeReference(_ reference: ConnectionReference) {
        writeShard(reference.shard)
        writeLEB128(UInt64(max(0, reference.slot)))
        writeLEB128(reference.number)
    }

    mutating func readReference() -> ConnectionReference? {
        guard let shard = readShard(), let slot = readSize(), let number = readLEB128() else { return nil }
        return ConnectionReference(shard: shard, slot: slot, number: number)
    }

    /// - Parameter number: of the outbox; 0 for a message that comes from none.
    mutating func readOrigin(_ number: UInt64) -> (value: LoggedMessage.Origin?, Void)? {
        if number == 0 { return (nil, ()) }
        guard let lane = readInteger().flatMap({ Lane(number: $0) }) else { return nil }
        return (LoggedMessage.Origin(lane: lane, number: number), ())
    }

    mutating func writeOrigin(_ origin: LoggedMessage.Origin) {
        writeLEB128(origin.number)
        writeInteger(origin.lane.number)
    }

    /// The place in an outbox that a message comes from, or none; `nil` for octets that are no such place.
    mutating func readOrigin(if isPresent: Bool) -> (value: LoggedMessage.Origin?, Void)? {
        if !isPresent { return (nil, ()) }
        guard let number = readCount() else { return nil }
        return readOrigin(number)
    }

    /// A PUBLISH packet of MQTT 5.0, which holds whatever is within the bound of a cluster's messages. One that it cannot hold is left out,
    /// with its head.
    mutating func writePublish(_ publish: Publish, behindHeadAt start: Int) {
        let size = EncodedPublish(publish).write(
            into: &self,
            version: .v5,
            qos: publish.qos,
            packetIdentifier: 1,
            retain: publish.retain
        )
        if size == 0 { moveWriterIndex(to: start) }
    }

    /// A retained message with what is left of its time, since the clocks of nodes may differ.
    mutating func writeFound(_ message: Message, now: Instant) {
        message.encoded.write(
            into: &self,
            version: .v5,
            qos: message.qos,
            packetIdentifier: 1,
            retain: true,
            messageExpiryInterval: message.remainingExpiry(now: now)
        )
    }

    mutating func readFound(now: Instant) -> Message? {
        readPublish().map { Message(copying: EncodedPublish($0), qos: $0.qos, now: now) }
    }

    /// Packet identifiers.
    mutating func writeIdentifiers(_ identifiers: [UInt16]) {
        writeLEB128(UInt64(identifiers.count))
        for identifier in identifiers { writeInteger(identifier) }
    }

    mutating func readIdentifiers() -> [UInt16]? {
        guard let count = readSize(), count <= readableBytes / 2 else { return nil }
        return (0..<count).compactMap { _ in readInteger() }
    }

    // MARK: - Claims

    mutating func writeClaim(_ claim: Claim) {
        writeReference(claim.connection)
        writeText(claim.client.string)
        writeFlag(claim.cleanStart)
        writeInteger(claim.expiryInterval)
        writeAddress(claim.peer.address)
        writeText(claim.peer.listener)
        writeFlag(claim.peer.certificate != nil)
        if let certificate = claim.peer.certificate {
            writeText(certificate.subject)
            writeFlag(certificate.commonName != nil)
            if let name = certificate.commonName { writeText(name) }
        }
        writeFlag(claim.isBridge)
        writeInteger(claim.version.rawValue)
        writeLEB128(UInt64(max(0, claim.receiveMaximum)))
        writeLEB128(UInt64(clamping: claim.maximumPacketSize))
        writeWill(claim.will)
    }

    mutating func readClaim() -> Claim? {
        guard let connection = readReference(), let client = readText(), let cleanStart = readFlag(),
            let expiryInterval: UInt32 = readInteger(), let address = readAddress(), let listener = readText(),
            let hasCertificate = readFlag()
        else { return nil }
        var certificate: Peer.Certificate?
        if hasCertificate {
            guard let subject = readText(), let hasName = readFlag() else { return nil }
            let name = hasName ? readText() : nil
            guard hasName == (name != nil) else { return nil }
            certificate = Peer.Certificate(subject: subject, commonName: name)
        }
        guard let isBridge = readFlag(), let version = readInteger().flatMap({ ProtocolVersion(rawValue: $0) }),
            let receiveMaximum = readSize(), let size = readLEB128(), let will = readWill()
        else { return nil }
        return Claim(
            UTF8Key(client),
            of: connection,
            cleanStart: cleanStart,
            expiryInterval: expiryInterval,
            peer: Peer(address: address.value, listener: listener, certificate: certificate),
            isBridge: isBridge,
            version: version,
            receiveMaximum: receiveMaximum,
            maximumPacketSize: Int(clamping: size),
            will: will.value
        )
    }

    /// An IP address and a port; an empty text for none.
    mutating func writeAddress(_ address: SocketAddress?) {
        writeText(address?.ipAddress ?? "")
        writeInteger(UInt16(truncatingIfNeeded: address?.port ?? 0))
    }

    mutating func readAddress() -> (value: SocketAddress?, Void)? {
        guard let text = readText(), let port: UInt16 = readInteger() else { return nil }
        if text.isEmpty { return (nil, ()) }
        guard let address = try? SocketAddress(ipAddress: text, port: Int(port)) else { return nil }
        return (address, ())
    }
}

extension Output {
    /// All octets in one buffer.
    var octets: ByteBuffer {
        if parts.isEmpty { return buffer }
        var all = ByteBufferAllocator().buffer(capacity: count)
        for part in parts { all.writeImmutableBuffer(part) }
        all.writeImmutableBuffer(buffer)
        return all
    }
}
