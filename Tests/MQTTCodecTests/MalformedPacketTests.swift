import MQTTCodec
import NIOCore
import Testing

/// Octets that are refused, each beside its statement and the reason code that goes on the wire.
@Suite struct MalformedPacketTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let statement: String
        let reader: PacketDecoder.Role
        /// `nil` before CONNECT.
        let version: ProtocolVersion?
        let figure: String
        let reasonCode: ReasonCode

        init(
            _ statement: String,
            _ reader: PacketDecoder.Role,
            _ version: ProtocolVersion?,
            _ figure: String,
            _ reasonCode: ReasonCode
        ) {
            self.statement = statement
            self.reader = reader
            self.version = version
            self.figure = figure
            self.reasonCode = reasonCode
        }

        var testDescription: String { "\(statement): \(figure)" }
    }

    @Test(arguments: Self.headers + Self.connects + Self.connectProperties)
    func refusesConnect(_ wrong: Case) { Self.check(wrong) }

    @Test(arguments: Self.publishes + Self.publishProperties + Self.text)
    func refusesPublish(_ wrong: Case) { Self.check(wrong) }

    @Test(arguments: Self.requests + Self.acknowledgements + Self.farewells + Self.connectAcknowledgements)
    func refusesOther(_ wrong: Case) { Self.check(wrong) }

    private static func check(_ wrong: Case) {
        let all = octets(wrong.figure)
        var whole = all
        var decoder = PacketDecoder(role: wrong.reader, maximumPacketSize: 1024, version: wrong.version)
        let error = #expect(throws: CodecError.self) { try decoder.next(from: &whole) }
        #expect(error?.reasonCode == wrong.reasonCode, "\(error?.detail ?? "no error")")
        #expect(error?.detail.isEmpty == false)

        // Octet by octet it is the same refusal, with the last octet at the latest.
        decoder = PacketDecoder(role: wrong.reader, maximumPacketSize: 1024, version: wrong.version)
        #expect(throws: error ?? .malformed("no error")) { try drip(all, into: &decoder) }
    }

    private static func drip(_ octets: ByteBuffer, into decoder: inout PacketDecoder) throws(CodecError) {
        var arrived = ByteBuffer()
        for octet in octets.readableBytesView {
            arrived.writeInteger(octet)
            _ = try decoder.next(from: &arrived)
        }
    }

    static let headers: [Case] = [
        Case("MQTT-3.1.0-1 first packet is CONNECT", .server, nil, "30 05 00 01 'a' 00 'x'", .protocolError),
        Case("MQTT-3.1.0-1 already by its first octet", .server, nil, "C0", .protocolError),
        Case("MQTT-3.1.0-2 second CONNECT", .server, .v5, "10", .protocolError),
        Case("2.1.2 packet type 0", .server, .v5, "00 00", .malformedPacket),
        Case("2.1.2 packet type 0 to a client", .client, .v5, "00 00", .malformedPacket),
        Case("MQTT 3.1.1 2.2.1 packet type 15", .server, .v3_1_1, "F0 00", .malformedPacket),
        Case("2.1.2 CONNACK to a server", .server, .v5, "20 03 00 00 00", .protocolError),
        Case("2.1.2 SUBACK to a server", .server, .v5, "90", .protocolError),
        Case("2.1.2 UNSUBACK to a server", .server, .v5, "B0", .protocolError),
        Case("2.1.2 PINGRESP to a server", .server, .v5, "D0", .protocolError),
        Case("2.1.2 CONNECT to a client", .client, .v5, "10", .protocolError),
        Case("2.1.2 SUBSCRIBE to a client", .client, .v5, "82", .protocolError),
        Case("2.1.2 UNSUBSCRIBE to a client", .client, .v5, "A2", .protocolError),
        Case("2.1.2 PINGREQ to a client", .client, .v5, "C0", .protocolError),
        Case("MQTT 3.1.1 2.2.1 DISCONNECT to a client", .client, .v3_1_1, "E0 00", .protocolError),
        Case("MQTT-2.1.3-1 flags of CONNECT", .server, nil, "11", .malformedPacket),
        Case("MQTT-2.1.3-1 flags of CONNACK", .client, .v5, "21", .malformedPacket),
        Case("MQTT-2.1.3-1 flags of PUBACK", .server, .v5, "42", .malformedPacket),
        Case("MQTT-3.6.1-1 flags of PUBREL", .server, .v5, "60", .malformedPacket),
        Case("MQTT 3.1.1 MQTT-3.6.1-1 DUP in PUBREL", .server, .v3_1_1, "6A", .malformedPacket),
        Case("MQTT-3.8.1-1 flags of SUBSCRIBE", .server, .v5, "80", .malformedPacket),
        Case("MQTT-3.10.1-1 flags of UNSUBSCRIBE", .server, .v5, "A0", .malformedPacket),
        Case("MQTT-3.14.1-1 flags of DISCONNECT", .server, .v5, "E1", .malformedPacket),
        Case("MQTT-3.15.1-1 flags of AUTH", .server, .v5, "F8", .malformedPacket),
        Case("1.5.5 remaining length of five octets", .server, .v5, "30 80 80 80 80 01", .malformedPacket),
        Case("1.5.5 already by its fourth octet", .server, nil, "10 FF FF FF FF", .malformedPacket),
        Case("MQTT-1.5.5-1 longer than need be", .server, .v5, "C0 80 00", .malformedPacket),
        Case("MQTT-3.1.2-24 by the fixed header alone", .server, .v5, "30 FE 07", .packetTooLarge),
        Case("MQTT-3.1.2-24 largest length there is", .server, nil, "10 FF FF FF 7F", .packetTooLarge),
    ]

    static let connects: [Case] = [
        Case(
            "MQTT-3.1.2-1 protocol name",
            .server,
            nil,
            "10 0D 00 04 'MQTX' 04 02 00 3C 00 01 'a'",
            .unsupportedProtocolVersion
        ),
        Case(
            "MQTT-3.1.2-1 name of MQTT 3.1 with level 4",
            .server,
            nil,
            "10 0F 00 06 'MQIsdp' 04 02 00 3C 00 01 'a'",
            .unsupportedProtocolVersion
        ),
        Case(
            "MQTT-3.1.2-2 level 6",
            .server,
            nil,
            "10 0D 00 04 'MQTT' 06 02 00 3C 00 01 'a'",
            .unsupportedProtocolVersion
        ),
        Case(
            "MQTT-3.1.2-2 level 3 with the newer name",
            .server,
            nil,
            "10 0D 00 04 'MQTT' 03 02 00 3C 00 01 'a'",
            .unsupportedProtocolVersion
        ),
        Case(
            "MQTT-3.1.2-2 a bridge of MQTT 5",
            .server,
            nil,
            "10 0D 00 04 'MQTT' 85 02 00 3C 00 01 'a'",
            .unsupportedProtocolVersion
        ),
        Case("3.1.2.1 nothing", .server, nil, "10 00", .malformedPacket),
        Case("3.1.2.1 name beyond the end", .server, nil, "10 06 00 05 'MQTT'", .malformedPacket),
        Case("3.1.2.2 no level", .server, nil, "10 06 00 04 'MQTT'", .malformedPacket),
        Case("3.1.2.10 no keep alive", .server, nil, "10 08 00 04 'MQTT' 04 02", .malformedPacket),
        Case("MQTT-3.1.2-3 reserved flag", .server, nil, "10 0D 00 04 'MQTT' 04 03 00 3C 00 01 'a'", .malformedPacket),
        Case(
            "MQTT-3.1.2-11 will QoS without a will",
            .server,
            nil,
            "10 0D 00 04 'MQTT' 04 0A 00 3C 00 01 'a'",
            .malformedPacket
        ),
        Case(
            "MQTT-3.1.2-13 will retain without a will",
            .server,
            nil,
            "10 0E 00 04 'MQTT' 05 22 00 3C 00 00 01 'a'",
            .malformedPacket
        ),
        Case(
            "MQTT-3.1.2-12 will QoS 3",
            .server,
            nil,
            "10 13 00 04 'MQTT' 04 1E 00 3C 00 01 'a' 00 01 'w' 00 01 'x'",
            .malformedPacket
        ),
        Case(
            "MQTT 3.1.1 MQTT-3.1.2-22 password without user name",
            .server,
            nil,
            "10 10 00 04 'MQTT' 04 42 00 3C 00 01 'a' 00 01 'p'",
            .malformedPacket
        ),
        Case("MQTT-3.1.3-3 no client identifier", .server, nil, "10 0A 00 04 'MQTT' 04 02 00 3C", .malformedPacket),
        Case(
            "MQTT-3.1.3-4 client identifier",
            .server,
            nil,
            "10 0E 00 04 'MQTT' 04 02 00 3C 00 02 C3 28",
            .malformedPacket
        ),
        Case(
            "3.1.3.3 empty will topic",
            .server,
            nil,
            "10 12 00 04 'MQTT' 04 06 00 3C 00 01 'a' 00 00 00 01 'x'",
            .malformedPacket
        ),
        Case(
            "MQTT-4.7.1-1 wildcard in the will topic",
            .server,
            nil,
            "10 15 00 04 'MQTT' 04 06 00 3C 00 01 'a' 00 03 'w/#' 00 01 'x'",
            .topicNameInvalid
        ),
        Case(
            "MQTT-3.1.3-11 will topic",
            .server,
            nil,
            "10 13 00 04 'MQTT' 04 06 00 3C 00 01 'a' 00 01 FF 00 01 'x'",
            .malformedPacket
        ),
        Case("MQTT-3.1.2-9 no will", .server, nil, "10 0D 00 04 'MQTT' 04 06 00 3C 00 01 'a'", .malformedPacket),
        Case("MQTT-3.1.2-17 no user name", .server, nil, "10 0D 00 04 'MQTT' 04 82 00 3C 00 01 'a'", .malformedPacket),
        Case(
            "MQTT-3.1.3-12 user name",
            .server,
            nil,
            "10 10 00 04 'MQTT' 04 82 00 3C 00 01 'a' 00 01 80",
            .malformedPacket
        ),
        Case(
            "MQTT-3.1.2-19 no password",
            .server,
            nil,
            "10 10 00 04 'MQTT' 04 C2 00 3C 00 01 'a' 00 01 'u'",
            .malformedPacket
        ),
        Case("octets after the end", .server, nil, "10 0E 00 04 'MQTT' 04 02 00 3C 00 01 'a' 00", .malformedPacket),
    ]

    /// A CONNECT of MQTT 5.0 whose section of properties is `section`.
    private static func connect(_ section: String, _ statement: String, _ code: ReasonCode) -> Case {
        let length = octets(section).readableBytes
        let header = "10 " + hexadecimal(10 + 1 + length + 3) + " 00 04 'MQTT' 05 02 00 3C " + hexadecimal(length)
        return Case(statement, .server, nil, header + " " + section + " 00 01 'a'", code)
    }

    private static func hexadecimal(_ value: Int) -> String {
        (value < 16 ? "0" : "") + String(value, radix: 16, uppercase: true)
    }

    static let connectProperties: [Case] = [
        connect("11 00 00 00 01 11 00 00 00 01", "3.1.2.11.2 session expiry twice", .protocolError),
        connect("21 00 01 21 00 01", "3.1.2.11.3 receive maximum twice", .protocolError),
        connect("21 00 00", "3.1.2.11.3 receive maximum 0", .protocolError),
        connect("27 00 00 00 01 27 00 00 00 01", "3.1.2.11.4 maximum packet size twice", .protocolError),
        connect("27 00 00 00 00", "3.1.2.11.4 maximum packet size 0", .protocolError),
        connect("22 00 01 22 00 01", "3.1.2.11.5 topic alias maximum twice", .protocolError),
        connect("19 01 19 01", "3.1.2.11.6 request response information twice", .protocolError),
        connect("19 02", "3.1.2.11.6 request response information 2", .protocolError),
        connect("17 01 17 01", "3.1.2.11.7 request problem information twice", .protocolError),
        connect("17 FF", "3.1.2.11.7 request problem information 255", .protocolError),
        connect("15 00 01 'm' 15 00 01 'm'", "3.1.2.11.9 method twice", .protocolError),
        connect("15 00 01 'm' 16 00 01 'd' 16 00 01 'd'", "3.1.2.11.10 data twice", .protocolError),
        connect("16 00 01 'd'", "3.1.2.11.10 data without a method", .protocolError),
        connect("01 01", "2.2.2.2 payload format in CONNECT", .malformedPacket),
        connect("23 00 01", "2.2.2.2 topic alias in CONNECT", .malformedPacket),
        connect("18 00 00 00 01", "2.2.2.2 will delay outside the will", .malformedPacket),
        connect("04 00", "2.2.2.2 no such property", .malformedPacket),
        connect("80 11 00 00 00 01", "2.2.2.2 property identifier of two octets", .malformedPacket),
        connect("11 00 00", "2.2.2.1 value beyond the section", .malformedPacket),
        connect("26 00 01 'a'", "3.1.2.11.8 user property without a value", .malformedPacket),
        connect("26 00 01 00 00 00", "MQTT-1.5.4-2 U+0000 in a user property", .malformedPacket),
        Case("2.2.2.1 section beyond the end", .server, nil, "10 0C 00 04 'MQTT' 05 02 00 3C 05 11", .malformedPacket),
        Case("2.2.2.1 no section", .server, nil, "10 0A 00 04 'MQTT' 05 02 00 3C", .malformedPacket),
        Case(
            "MQTT-1.5.5-1 length of the section",
            .server,
            nil,
            "10 0F 00 04 'MQTT' 05 02 00 3C 80 00 00 01 'a'",
            .malformedPacket
        ),
        Case(
            "3.1.3.2.2 will delay twice",
            .server,
            nil,
            "10 1D 00 04 'MQTT' 05 06 00 3C 00 00 01 'a' 0A 18 00 00 00 01 18 00 00 00 01 00 01 'w' 00 00",
            .protocolError
        ),
        Case(
            "2.2.2.2 topic alias in a will",
            .server,
            nil,
            "10 16 00 04 'MQTT' 05 06 00 3C 00 00 01 'a' 03 23 00 01 00 01 'w' 00 00",
            .malformedPacket
        ),
    ]

    static let publishes: [Case] = [
        Case("MQTT-3.3.1-4 QoS 3", .server, .v5, "36 07 00 01 'a' 00 01 00 'x'", .malformedPacket),
        Case("MQTT-3.3.1-2 DUP at QoS 0", .server, .v5, "38 05 00 01 'a' 00 'x'", .malformedPacket),
        Case("MQTT-2.2.1-3 packet identifier 0", .server, .v5, "32 07 00 01 'a' 00 00 00 'x'", .protocolError),
        Case("MQTT-3.3.2-1 empty", .server, .v5, "30 00", .malformedPacket),
        Case("MQTT-3.3.2-1 half a length", .server, .v5, "30 01 00", .malformedPacket),
        Case("MQTT-3.3.2-1 topic beyond the end", .server, .v5, "30 03 00 02 'a'", .malformedPacket),
        Case("2.2.1 no packet identifier", .server, .v3_1_1, "32 04 00 01 'a' 00", .malformedPacket),
        Case("3.3.2.3.1 no section of properties", .server, .v5, "30 03 00 01 'a'", .malformedPacket),
        Case("3.3.2.1 neither topic nor alias", .server, .v5, "30 04 00 00 00 'x'", .protocolError),
        Case("3.3.2.1 no alias among the properties", .server, .v5, "30 06 00 00 02 01 01 'x'", .protocolError),
        Case("MQTT-4.7.3-1 empty topic", .server, .v3_1_1, "30 03 00 00 'x'", .malformedPacket),
        Case("MQTT-3.3.2-2 wildcard", .server, .v5, "30 04 00 01 '#' 00", .topicNameInvalid),
        Case(
            "MQTT-3.3.2-2 wildcard in a long topic",
            .server,
            .v3_1_1,
            "30 14 00 12 'sensors/+/temperat'",
            .topicNameInvalid
        ),
        Case(
            "MQTT-3.3.2-2 wildcard behind other scripts",
            .client,
            .v3_1,
            "30 09 00 07 C3 BC 2F E2 82 AC '+'",
            .topicNameInvalid
        ),
    ]

    /// A PUBLISH of MQTT 5.0 whose section of properties is `section`.
    private static func publish(
        _ section: String,
        _ statement: String,
        _ code: ReasonCode,
        to reader: PacketDecoder.Role = .server
    ) -> Case {
        let length = octets(section).readableBytes
        let header = "30 " + hexadecimal(3 + 1 + length + 1) + " 00 01 'a' " + hexadecimal(length)
        return Case(statement, reader, .v5, header + " " + section + " 'x'", code)
    }

    static let publishProperties: [Case] = [
        publish("01 02", "3.3.2.3.2 payload format 2", .protocolError),
        publish("01 01 01 01", "3.3.2.3.2 payload format twice", .protocolError),
        publish("02 00 00 00 01 02 00 00 00 01", "3.3.2.3.3 message expiry twice", .protocolError),
        publish("23 00 00", "MQTT-3.3.2-8 topic alias 0", .topicAliasInvalid),
        publish("23 00 01 23 00 01", "3.3.2.3.4 topic alias twice", .protocolError),
        publish("08 00 03 'r/+'", "MQTT-3.3.2-14 wildcard in the response topic", .topicNameInvalid),
        publish("08 00 01 FF", "MQTT-3.3.2-13 response topic", .malformedPacket),
        publish("08 00 01 'r' 08 00 01 'r'", "3.3.2.3.5 response topic twice", .protocolError),
        publish("09 00 01 'c' 09 00 01 'c'", "3.3.2.3.6 correlation data twice", .protocolError),
        publish("26 00 02 C0 AF 00 00", "3.3.2.3.7 user property", .malformedPacket),
        publish("0B 01", "MQTT-3.3.4-6 subscription identifier from a client", .protocolError),
        publish("0B 00", "3.3.2.3.8 subscription identifier 0", .protocolError, to: .client),
        publish("0B 81 00", "MQTT-1.5.5-1 subscription identifier", .malformedPacket, to: .client),
        publish("0B FF FF FF FF 01", "1.5.5 subscription identifier of five octets", .malformedPacket, to: .client),
        publish("03 00 01 't' 03 00 01 't'", "3.3.2.3.9 content type twice", .protocolError),
        publish("18 00 00 00 01", "2.2.2.2 will delay in PUBLISH", .malformedPacket),
        publish("11 00 00 00 01", "2.2.2.2 session expiry in PUBLISH", .malformedPacket),
        publish("09 00 05 'c'", "3.3.2.3.6 correlation data beyond the section", .malformedPacket),
        Case("2.2.2.1 section beyond the end", .server, .v5, "30 06 00 01 'a' 05 01 01", .malformedPacket),
        Case("1.5.5 length beyond the end", .server, .v5, "30 04 00 01 'a' 80", .malformedPacket),
    ]

    /// The topic of a PUBLISH (MQTT 5.0 §1.5.4).
    static let text: [Case] = [
        "00", "41 00 42", "80", "BF 41", "C0 80", "C1 BF", "C3", "C3 41", "E0 9F BF", "E2 82", "E2 82 41", "ED A0 80",
        "ED BF BF", "F0 8F BF BF", "F0 90 80", "F4 90 80 80", "F5 80 80 80", "FE", "FF", "41 42 43 44 45 46 47 48 00",
        "41 42 43 44 45 46 47 C3", "41 42 43 44 45 00 46 47", "41 42 43 44 45 46 47 48 49 ED A0 80",
    ].map { text in
        let length = octets(text).readableBytes
        let figure = "30 " + hexadecimal(length + 2) + " 00 " + hexadecimal(length) + " " + text
        return Case("MQTT-1.5.4-1, MQTT-1.5.4-2", .server, .v3_1_1, figure, .malformedPacket)
    }

    static let requests: [Case] = [
        Case("MQTT-3.8.3-2 SUBSCRIBE without a filter", .server, .v5, "82 03 00 01 00", .protocolError),
        Case("MQTT-3.8.3-3 SUBSCRIBE without a filter", .server, .v3_1_1, "82 02 00 01", .protocolError),
        Case("MQTT-2.2.1-3 packet identifier 0", .server, .v5, "82 07 00 00 00 00 01 'a' 00", .protocolError),
        Case("3.8.3.1 no options", .server, .v5, "82 06 00 01 00 00 01 'a'", .malformedPacket),
        Case("MQTT-4.7.3-1 empty filter", .server, .v5, "82 06 00 01 00 00 00 00", .malformedPacket),
        Case("MQTT-3.8.3-1 filter", .server, .v5, "82 07 00 01 00 00 01 FF 00", .malformedPacket),
        Case("MQTT-3.8.3-5 reserved option", .server, .v5, "82 07 00 01 00 00 01 'a' 40", .malformedPacket),
        Case("MQTT 3.1.1 MQTT-3.8.3-4 reserved option", .server, .v3_1_1, "82 06 00 01 00 01 'a' 04", .malformedPacket),
        Case("3.8.3.1 maximum QoS 3", .server, .v5, "82 07 00 01 00 00 01 'a' 03", .protocolError),
        Case("3.8.3.1 retain handling 3", .server, .v5, "82 07 00 01 00 00 01 'a' 30", .protocolError),
        Case("MQTT-3.8.3-4 no local when shared", .server, .v5, "82 10 00 01 00 00 0A '$share/g/a' 04", .protocolError),
        Case("3.8.2.1.2 subscription identifier 0", .server, .v5, "82 09 00 01 02 0B 00 00 01 'a' 00", .protocolError),
        Case(
            "3.8.2.1.2 subscription identifier twice",
            .server,
            .v5,
            "82 0B 00 01 04 0B 01 0B 01 00 01 'a' 00",
            .protocolError
        ),
        Case(
            "2.2.2.2 reason string in SUBSCRIBE",
            .server,
            .v5,
            "82 0B 00 01 04 1F 00 01 'r' 00 01 'a' 00",
            .malformedPacket
        ),
        Case("MQTT-3.10.3-2 UNSUBSCRIBE without a filter", .server, .v5, "A2 03 00 01 00", .protocolError),
        Case("MQTT-2.2.1-3 packet identifier 0", .server, .v5, "A2 06 00 00 00 00 01 'a'", .protocolError),
        Case("MQTT-4.7.3-1 empty filter", .server, .v3_1_1, "A2 04 00 01 00 00", .malformedPacket),
        Case(
            "2.2.2.2 subscription identifier in UNSUBSCRIBE",
            .server,
            .v5,
            "A2 08 00 01 02 0B 01 00 01 'a'",
            .malformedPacket
        ),
        Case("3.12 PINGREQ with content", .server, .v5, "C0 01 00", .malformedPacket),
        Case("3.13 PINGRESP with content", .client, .v3_1_1, "D0 01 00", .malformedPacket),
    ]

    static let acknowledgements: [Case] = [
        Case("MQTT-2.2.1-3 packet identifier 0", .server, .v5, "40 02 00 00", .protocolError),
        Case("MQTT-2.2.1-3 packet identifier 0", .server, .v5, "50 03 00 00 10", .protocolError),
        Case("3.4 PUBACK of one octet", .server, .v5, "40 01 00", .malformedPacket),
        Case("3.4 PUBACK of nothing", .client, .v3_1_1, "40 00", .malformedPacket),
        Case("MQTT 3.1.1 3.4.1 remaining length is 2", .server, .v3_1_1, "40 03 00 01 00", .malformedPacket),
        Case(
            "3.6.2.2.2 reason string twice",
            .server,
            .v5,
            "62 0C 00 01 00 08 1F 00 01 'r' 1F 00 01 'r'",
            .protocolError
        ),
        Case("2.2.2.2 topic alias in PUBREC", .server, .v5, "50 07 00 01 00 03 23 00 01", .malformedPacket),
        Case("3.4.2.2 octets behind the properties", .server, .v5, "40 05 00 01 00 00 00", .malformedPacket),
        Case("3.9.3 SUBACK without a reason code", .client, .v5, "90 03 00 01 00", .protocolError),
        Case("MQTT 3.1.1 MQTT-3.9.3-2 reserved return code", .client, .v3_1_1, "90 03 00 01 03", .malformedPacket),
        Case("3.11.3 UNSUBACK without a reason code", .client, .v5, "B0 03 00 01 00", .protocolError),
        Case("MQTT 3.1.1 3.11.1 remaining length is 2", .client, .v3_1_1, "B0 03 00 01 00", .malformedPacket),
    ]

    static let farewells: [Case] = [
        Case("MQTT-3.14.2-2 session expiry from a server", .client, .v5, "E0 07 00 05 11 00 00 00 01", .protocolError),
        Case("MQTT 3.1.1 3.14.1 remaining length is 0", .server, .v3_1_1, "E0 01 00", .malformedPacket),
        Case("2.2.2.2 receive maximum in DISCONNECT", .server, .v5, "E0 05 00 03 21 00 01", .malformedPacket),
        Case(
            "3.14.2.2.2 session expiry twice",
            .server,
            .v5,
            "E0 0C 00 0A 11 00 00 00 01 11 00 00 00 01",
            .protocolError
        ),
        Case("3.15.2.2.2 AUTH without a method", .server, .v5, "F0 02 18 00", .protocolError),
        Case("3.15.2.2.2 AUTH with a reason code alone", .server, .v5, "F0 01 18", .malformedPacket),
        Case("3.15.2.2.3 data twice", .client, .v5, "F0 0D 18 0B 15 00 01 'm' 16 00 01 'd' 16 00 00", .protocolError),
    ]

    static let connectAcknowledgements: [Case] = [
        Case("MQTT-3.2.2-1 reserved flags", .client, .v5, "20 03 02 00 00", .malformedPacket),
        Case("MQTT-3.2.2-6 session in a refusal", .client, .v5, "20 03 01 87 00", .protocolError),
        Case("MQTT 3.1.1 3.2.2.3 return code 6", .client, .v3_1_1, "20 02 00 06", .malformedPacket),
        Case("MQTT 3.1.1 3.2.1 remaining length is 2", .client, .v3_1_1, "20 03 00 00 00", .malformedPacket),
        Case("3.2.2.3.3 receive maximum 0", .client, .v5, "20 06 00 00 03 21 00 00", .protocolError),
        Case("3.2.2.3.4 maximum QoS 2", .client, .v5, "20 05 00 00 02 24 02", .protocolError),
        Case("3.2.2.3.5 retain available 2", .client, .v5, "20 05 00 00 02 25 02", .protocolError),
        Case("3.2.2.3.6 maximum packet size 0", .client, .v5, "20 08 00 00 05 27 00 00 00 00", .protocolError),
        Case("3.2.2.3.11 wildcards available 2", .client, .v5, "20 05 00 00 02 28 02", .protocolError),
        Case("3.2.2.3.14 server keep alive twice", .client, .v5, "20 09 00 00 06 13 00 01 13 00 01", .protocolError),
        Case("2.2.2.2 request problem information in CONNACK", .client, .v5, "20 05 00 00 02 17 01", .malformedPacket),
    ]
}
