import MQTTCodec
import NIOCore
import Testing

/// What older clients send and the newer standards no longer allow, and what is left to others to judge.
@Suite struct LenientReadingTests {
    @Test(
        "Bridges of mosquitto set the high bit of the level in MQTT 3",
        arguments: [
            ("10 0D 00 04 'MQTT' 84 02 00 3C 00 01 'a'", ProtocolVersion.v3_1_1),
            ("10 0F 00 06 'MQIsdp' 83 02 00 3C 00 01 'a'", .v3_1),
        ]
    )
    func readsBridges(figure: String, version: ProtocolVersion) throws {
        let connect = try connect(figure)
        #expect(connect.version == version)
        #expect(connect.clientIdentifier == "a")
    }

    @Test("MQTT 3.1 §3.1: the length of the packet counts for more than the flags of user name and password")
    func readsMissingCredentials() throws {
        let neither = try connect("10 0F 00 06 'MQIsdp' 03 C2 00 3C 00 01 'a'")
        #expect(neither.userName == nil)
        #expect(neither.password == nil)
        let name = try connect("10 12 00 06 'MQIsdp' 03 C2 00 3C 00 01 'a' 00 01 'u'")
        #expect(name.userName == "u")
        #expect(name.password == nil)
    }

    @Test("MQTT 3.1 §3.1: will bits without a will and the reserved bit have no meaning")
    func readsLooseConnectFlags() throws {
        #expect(try connect("10 0F 00 06 'MQIsdp' 03 3B 00 3C 00 01 'a'").will == nil)
    }

    @Test("MQTT 3.1 §2.1: requests may have the DUP flag")
    func readsRepeatedRequests() throws {
        var decoder = PacketDecoder(role: .server, maximumPacketSize: 64, version: .v3_1)
        var buffer = octets("6A 02 00 01 8A 06 00 01 00 01 'a' 02 AA 05 00 02 00 01 'a'")
        #expect(try decoder.next(from: &buffer) == .acknowledgement(PublishAcknowledgement(.release, 1)))
        #expect(try decoder.next(from: &buffer) != nil)
        #expect(try decoder.next(from: &buffer) == .unsubscribe(Unsubscribe(packetIdentifier: 2, topicFilters: ["a"])))
    }

    @Test("MQTT 3 does not forbid a remaining length longer than need be")
    func readsLongLengths() throws {
        #expect(try connect("10 8D 80 00 00 04 'MQTT' 04 02 00 3C 00 01 'a'").clientIdentifier == "a")
    }

    @Test("Reason codes are an open set")
    func keepsUnknownReasonCodes() throws {
        var decoder = PacketDecoder(role: .server, maximumPacketSize: 64, version: .v5)
        var buffer = octets("40 03 00 01 FE")
        let code = ReasonCode(rawValue: 0xFE)
        #expect(
            try decoder.next(from: &buffer) == .acknowledgement(PublishAcknowledgement(.received, 1, reasonCode: code))
        )
    }

    @Test("Filters are the broker's to judge, since SUBACK answers each apart")
    func leavesFiltersToTheBroker() throws {
        var decoder = PacketDecoder(role: .server, maximumPacketSize: 64, version: .v5)
        var buffer = octets("82 0A 00 01 00 00 04 'a#b+' 04")
        guard case .subscribe(let subscribe) = try decoder.next(from: &buffer) else {
            Issue.record("not a SUBSCRIBE")
            return
        }
        #expect(subscribe.subscriptions.map(\.topicFilter) == ["a#b+"])
    }

    @Test("The version is known even where the rest of CONNECT is refused, for the answer to be in it")
    func knowsVersionOfRefusedConnect() {
        var decoder = PacketDecoder(role: .server, maximumPacketSize: 64)
        var buffer = octets("10 0D 00 04 'MQTT' 05 03 00 3C 00 00 00")
        #expect(throws: CodecError.malformed("reserved connect flag")) { try decoder.next(from: &buffer) }
        #expect(decoder.version == .v5)
    }

    private func connect(_ figure: String) throws -> Connect {
        var decoder = PacketDecoder(role: .server, maximumPacketSize: 64)
        var buffer = octets(figure)
        guard case .connect(let connect) = try #require(try decoder.next(from: &buffer)) else {
            throw CodecError.malformed("not a CONNECT")
        }
        #expect(buffer.readableBytes == 0)
        return connect
    }
}
