package import NIOCore

extension ByteBuffer {
    /// Appends a packet in the form of `version` and returns its size in octets. If that version has no such packet (AUTH,
    /// or DISCONNECT from a server, in MQTT 3) or a field is too long, appends nothing and returns 0.
    ///
    /// CONNECT is written in the version that it names. Fields that MQTT 3 does not have are left out, and reason codes
    /// become the nearest return codes. A PUBLISH for several subscribers is an `EncodedPublish`.
    @discardableResult
    package mutating func write(_ packet: Packet, version: ProtocolVersion) -> Int {
        switch packet {
        case .connect(let connect): append(.connect, connect.version, connect.write)
        case .connectAcknowledgement(let answer): append(.connectAcknowledgement, version, answer.write)
        case .publish(let publish):
            EncodedPublish(publish, place: .publish).write(
                into: &self,
                version: version,
                qos: publish.qos,
                packetIdentifier: publish.packetIdentifier,
                retain: publish.retain,
                isDuplicate: publish.isDuplicate
            )
        case .acknowledgement(let answer): write(answer, version: version)
        case .subscribe(let request): append(.subscribe, version, request.write)
        case .subscribeAcknowledgement(let answer): append(.subscribeAcknowledgement, version, answer.write)
        case .unsubscribe(let request): append(.unsubscribe, version, request.write)
        case .unsubscribeAcknowledgement(let answer): append(.unsubscribeAcknowledgement, version, answer.write)
        case .pingRequest: writePingRequest()
        case .pingResponse: writePingResponse()
        case .disconnect(let farewell): append(.disconnect, version, farewell.write)
        case .authentication(let exchange):
            version == .v5 ? append(.authentication, version, exchange.write) : 0
        }
    }

    /// Appends PUBLISH up to its payload, which the caller sends behind it, and returns the number of octets. If no packet can
    /// hold the message, appends nothing and returns 0.
    @discardableResult
    package mutating func writeHead(of publish: Publish, version: ProtocolVersion) -> Int {
        EncodedPublish(publish, place: .publish).write(
            into: &self,
            version: version,
            qos: publish.qos,
            packetIdentifier: publish.packetIdentifier,
            retain: publish.retain,
            isDuplicate: publish.isDuplicate,
            withPayload: false
        )
    }

    /// Appends PUBACK, PUBREC, PUBREL or PUBCOMP in its shortest form and returns the number of octets. The reason code is
    /// left out in MQTT 3.
    @discardableResult
    package mutating func writePublishAcknowledgement(
        _ kind: PublishAcknowledgement.Kind,
        packetIdentifier: UInt16,
        reasonCode: ReasonCode = .success,
        version: ProtocolVersion
    ) -> Int {
        if reasonCode == .success || version != .v5 {
            writeInteger(UInt32(kind.firstOctet) << 24 | 2 << 16 | UInt32(packetIdentifier))
            return 4
        }
        writeInteger(UInt32(kind.firstOctet) << 24 | 3 << 16 | UInt32(packetIdentifier))
        writeInteger(reasonCode.rawValue)
        return 5
    }

    private mutating func write(_ acknowledgement: PublishAcknowledgement, version: ProtocolVersion) -> Int {
        guard version == .v5, acknowledgement.properties?.nonEmpty != nil else {
            return writePublishAcknowledgement(
                acknowledgement.kind,
                packetIdentifier: acknowledgement.packetIdentifier,
                reasonCode: acknowledgement.reasonCode,
                version: version
            )
        }
        return append(acknowledgement.kind.type, version, acknowledgement.write)
    }

    /// Appends PINGREQ, two octets.
    @discardableResult
    package mutating func writePingRequest() -> Int {
        writeInteger(UInt16(PacketType.pingRequest.rawValue) << 12)
    }

    /// Appends PINGRESP, two octets.
    @discardableResult
    package mutating func writePingResponse() -> Int {
        writeInteger(UInt16(PacketType.pingResponse.rawValue) << 12)
    }

    private mutating func append(
        _ type: PacketType,
        _ version: ProtocolVersion,
        _ body: (inout PacketWriter) -> Void
    ) -> Int {
        PacketWriter.append(type, to: &self, version: version, body)
    }
}
