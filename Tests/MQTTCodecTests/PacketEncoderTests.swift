import MQTTCodec
import NIOCore
import Testing

/// What one version says and another cannot.
@Suite struct PacketEncoderTests {
    @Test(
        "MQTT 3 has neither reason codes nor properties in acknowledgements",
        arguments: [ProtocolVersion.v3_1, .v3_1_1]
    )
    func leavesOutReasons(version: ProtocolVersion) {
        let reason = ReasonProperties(reasonString: "r")
        let packets: [(Packet, String)] = [
            (
                .acknowledgement(PublishAcknowledgement(.received, 1, reasonCode: .quotaExceeded, properties: reason)),
                "40 02 00 01"
            ),
            (
                .acknowledgement(PublishAcknowledgement(.release, 1, reasonCode: .packetIdentifierNotFound)),
                "62 02 00 01"
            ),
            (
                .subscribeAcknowledgement(
                    SubscribeAcknowledgement(
                        packetIdentifier: 1,
                        reasonCodes: [.grantedQoS2, .notAuthorized, .quotaExceeded],
                        properties: reason
                    )
                ), "90 05 00 01 02 80 80"
            ),
            (
                .unsubscribeAcknowledgement(
                    UnsubscribeAcknowledgement(packetIdentifier: 1, reasonCodes: [.noSubscriptionExisted])
                ), "B0 02 00 01"
            ),
            (.publish(publish("t", "x", properties: properties { $0.contentType = "c" })), "30 04 00 01 't' 'x'"),
        ]
        for (packet, figure) in packets {
            var buffer = ByteBuffer()
            buffer.write(packet, version: version)
            #expect(buffer.figure == octets(figure).figure)
        }
    }

    @Test(
        "Reason codes become the nearest return code of MQTT 3.1.1, table 3.1",
        arguments: [
            (ReasonCode.success, 0 as UInt8), (.unsupportedProtocolVersion, 1), (.clientIdentifierNotValid, 2),
            (.serverUnavailable, 3), (.serverBusy, 3), (.quotaExceeded, 3), (.unspecifiedError, 3), (.serverMoved, 3),
            (.badUserNameOrPassword, 4), (.notAuthorized, 5), (.banned, 5), (.badAuthenticationMethod, 5),
        ]
    )
    func mapsReturnCodes(reasonCode: ReasonCode, returnCode: UInt8) {
        var buffer = ByteBuffer()
        buffer.write(
            .connectAcknowledgement(ConnectAcknowledgement(sessionPresent: true, reasonCode: reasonCode)),
            version: .v3_1_1
        )
        #expect(buffer == ByteBuffer(bytes: [0x20, 0x02, reasonCode == .success ? 1 : 0, returnCode]))
    }

    @Test(
        "What a version has no packet for leaves no octet behind",
        arguments: [
            (Packet.authentication(Authentication()), ProtocolVersion.v3_1_1),
            (.disconnect(Disconnect(reasonCode: .serverShuttingDown)), .v3_1_1),
            (.disconnect(Disconnect(reasonCode: .disconnectWithWillMessage)), .v3_1),
            (.connect(Connect(version: .v3_1_1, clientIdentifier: "a", password: ByteBuffer(string: "p"))), .v3_1_1),
            (.subscribe(Subscribe(packetIdentifier: 1, subscriptions: [])), .v5),
            (.unsubscribe(Unsubscribe(packetIdentifier: 1, topicFilters: [])), .v5),
            (.authentication(Authentication(reasonCode: .continueAuthentication)), .v5),
            (.publish(publish(String(repeating: "t", count: 65_536), "")), .v5),
            (
                .unsubscribe(Unsubscribe(packetIdentifier: 1, topicFilters: [String(repeating: "f", count: 65_536)])),
                .v5
            ),
            (
                .publish(
                    publish(
                        "t",
                        "",
                        properties: properties { $0.correlationData = ByteBuffer(repeating: 0, count: 65_536) }
                    )
                ),
                .v5
            ),
            (
                .publish(
                    Publish(topic: ByteBuffer(string: "t"), payload: ByteBuffer(repeating: 0, count: 268_435_453))
                ), .v5
            ),
        ]
    )
    func writesNothing(packet: Packet, version: ProtocolVersion) {
        var buffer = ByteBuffer(string: "before")
        #expect(buffer.write(packet, version: version) == 0)
        #expect(buffer == ByteBuffer(string: "before"))
    }

    @Test("Sections and packets whose lengths take two and three octets")
    func writesLongLengths() throws {
        for length in [100, 126, 127, 128, 200, 16_370, 16_383, 16_384, 20_000] {
            var properties = Connect.Properties()
            properties.userProperties = [UserProperty(name: "", value: String(repeating: "v", count: length))]
            let connect = Connect(clientIdentifier: "a", properties: properties)
            var buffer = ByteBuffer(string: "before")
            let size = buffer.write(.connect(connect), version: .v5)
            #expect(buffer.readString(length: 6) == "before")
            #expect(buffer.readableBytes == size)
            var decoder = PacketDecoder(role: .server, maximumPacketSize: 1 << 16)
            #expect(try decoder.next(from: &buffer) == .connect(connect))
        }
    }

    @Test("Packets written without building them are the same")
    func writesDirectly() {
        for version in ProtocolVersion.allCases {
            for kind in [PublishAcknowledgement.Kind.received, .recorded, .release, .complete] {
                for code in [ReasonCode.success, .noMatchingSubscribers] {
                    var direct = ByteBuffer()
                    var built = ByteBuffer()
                    let size = direct.writePublishAcknowledgement(
                        kind,
                        packetIdentifier: 0x1234,
                        reasonCode: code,
                        version: version
                    )
                    built.write(
                        .acknowledgement(PublishAcknowledgement(kind, 0x1234, reasonCode: code)),
                        version: version
                    )
                    #expect(direct == built)
                    #expect(size == direct.readableBytes)
                }
            }
        }
        var ping = ByteBuffer()
        #expect(ping.writePingRequest() + ping.writePingResponse() == 4)
        #expect(ping.figure == "C0 00 D0 00")
    }
}
