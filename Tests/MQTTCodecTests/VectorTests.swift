import MQTTCodec
import NIOCore
import Testing

/// Packets beside their octets, which read and write the same.
@Suite struct VectorTests {
    struct Vector: CustomTestStringConvertible, Sendable {
        let name: String
        let version: ProtocolVersion
        let reader: PacketDecoder.Role
        let packet: Packet
        let figure: String

        init(
            _ name: String,
            _ version: ProtocolVersion,
            _ reader: PacketDecoder.Role,
            _ packet: Packet,
            _ figure: String
        ) {
            self.name = name
            self.version = version
            self.reader = reader
            self.packet = packet
            self.figure = figure
        }

        var testDescription: String { "\(name), \(version)" }
    }

    @Test(arguments: Self.requests + Self.messages + Self.answers + Self.farewells)
    func readsAndWrites(_ vector: Vector) throws {
        var written = ByteBuffer()
        let size = written.write(vector.packet, version: vector.version)
        #expect(written.figure == octets(vector.figure).figure)
        #expect(size == written.readableBytes)

        var buffer = octets(vector.figure)
        let isConnect = if case .connect = vector.packet { true } else { false }
        var decoder = PacketDecoder(
            role: vector.reader,
            maximumPacketSize: 1024,
            version: isConnect ? nil : vector.version
        )
        #expect(try decoder.next(from: &buffer) == vector.packet)
        #expect(buffer.readableBytes == 0)
        #expect(decoder.version == vector.version)
    }

    static let requests: [Vector] = [
        // MQTT 5.0 §3.1.2.12, figure 3-6, with a payload.
        Vector(
            "CONNECT with all fields",
            .v5,
            .server,
            .connect(
                Connect(
                    clientIdentifier: "me",
                    keepAlive: 10,
                    userName: "u",
                    password: ByteBuffer(string: "pw"),
                    will: Connect.Will(
                        topic: ByteBuffer(string: "w"),
                        payload: ByteBuffer(string: "gone"),
                        qos: .atLeastOnce,
                        properties: properties { $0.willDelayInterval = 5 }
                    ),
                    properties: {
                        var properties = Connect.Properties()
                        properties.sessionExpiryInterval = 10
                        return properties
                    }()
                )
            ),
            """
            10 2A 00 04 'MQTT' 05 CE 00 0A 05 11 00 00 00 0A
            00 02 'me' 05 18 00 00 00 05 00 01 'w' 00 04 'gone' 00 01 'u' 00 02 'pw'
            """
        ),
        Vector(
            "CONNECT with every property",
            .v5,
            .server,
            .connect(
                Connect(
                    clientIdentifier: "",
                    cleanStart: false,
                    keepAlive: 0,
                    properties: {
                        var properties = Connect.Properties()
                        properties.sessionExpiryInterval = .max
                        properties.receiveMaximum = 20
                        properties.maximumPacketSize = 65_536
                        properties.topicAliasMaximum = 10
                        properties.requestResponseInformation = true
                        properties.requestProblemInformation = false
                        properties.userProperties = [UserProperty(name: "a", value: "b")]
                        properties.authenticationMethod = "m"
                        properties.authenticationData = ByteBuffer(bytes: [0, 255])
                        return properties
                    }()
                )
            ),
            """
            10 31 00 04 'MQTT' 05 00 00 00 24 11 FF FF FF FF 21 00 14 27 00 01 00 00 22 00 0A 19 01 17 00
            26 00 01 'a' 00 01 'b' 15 00 01 'm' 16 00 02 00 FF 00 00
            """
        ),
        Vector(
            "CONNECT",
            .v3_1_1,
            .server,
            .connect(Connect(version: .v3_1_1, clientIdentifier: "a", keepAlive: 60)),
            "10 0D 00 04 'MQTT' 04 02 00 3C 00 01 'a'"
        ),
        Vector(
            "CONNECT",
            .v3_1,
            .server,
            .connect(
                Connect(version: .v3_1, clientIdentifier: "a", userName: "u", password: ByteBuffer(string: "p"))
            ),
            "10 15 00 06 'MQIsdp' 03 C2 00 3C 00 01 'a' 00 01 'u' 00 01 'p'"
        ),
        // MQTT 5.0 §3.8.3, figure 3-22.
        Vector(
            "SUBSCRIBE",
            .v5,
            .server,
            .subscribe(
                Subscribe(
                    packetIdentifier: 10,
                    subscriptions: [
                        Subscribe.Subscription(
                            topicFilter: "a/b",
                            options: SubscriptionOptions(maximumQoS: .atLeastOnce)
                        ),
                        Subscribe.Subscription(
                            topicFilter: "c/d",
                            options: SubscriptionOptions(
                                maximumQoS: .exactlyOnce,
                                noLocal: true,
                                retainAsPublished: true,
                                retainHandling: .doNotSend
                            )
                        ),
                    ],
                    subscriptionIdentifier: 200
                )
            ),
            "82 12 00 0A 03 0B C8 01 00 03 'a/b' 01 00 03 'c/d' 2E"
        ),
        Vector(
            "SUBSCRIBE",
            .v3_1_1,
            .server,
            .subscribe(
                Subscribe(
                    packetIdentifier: 10,
                    subscriptions: [
                        Subscribe.Subscription(
                            topicFilter: "a/b",
                            options: SubscriptionOptions(maximumQoS: .exactlyOnce)
                        )
                    ]
                )
            ),
            "82 08 00 0A 00 03 'a/b' 02"
        ),
        Vector(
            "UNSUBSCRIBE",
            .v5,
            .server,
            .unsubscribe(Unsubscribe(packetIdentifier: 10, topicFilters: ["a/b", "c/d"])),
            "A2 0D 00 0A 00 00 03 'a/b' 00 03 'c/d'"
        ),
        Vector(
            "UNSUBSCRIBE",
            .v3_1,
            .server,
            .unsubscribe(Unsubscribe(packetIdentifier: 10, topicFilters: ["a/b"])),
            "A2 07 00 0A 00 03 'a/b'"
        ),
        Vector("PINGREQ", .v5, .server, .pingRequest, "C0 00"),
    ]

    static let messages: [Vector] = [
        // MQTT 5.0 §3.3.2.4, figure 3-11.
        Vector(
            "PUBLISH",
            .v5,
            .server,
            .publish(publish("a/b", "", qos: .atLeastOnce, packetIdentifier: 10)),
            "32 08 00 03 'a/b' 00 0A 00"
        ),
        Vector(
            "PUBLISH",
            .v3_1_1,
            .client,
            .publish(
                publish("a/b", "hello", qos: .exactlyOnce, packetIdentifier: 0x1234, retain: true, isDuplicate: true)
            ),
            "3D 0C 00 03 'a/b' 12 34 'hello'"
        ),
        Vector("PUBLISH of QoS 0", .v5, .server, .publish(publish("a", "x")), "30 05 00 01 'a' 00 'x'"),
        Vector("PUBLISH of QoS 0", .v3_1, .server, .publish(publish("a", "x", retain: true)), "31 04 00 01 'a' 'x'"),
        Vector(
            "PUBLISH with every property",
            .v5,
            .client,
            .publish(
                publish(
                    "a",
                    "x",
                    properties: properties { values in
                        values.payloadIsUTF8 = true
                        values.messageExpiryInterval = 3600
                        values.contentType = "t"
                        values.responseTopic = "r"
                        values.correlationData = ByteBuffer(bytes: [0xDE, 0xAD])
                        values.userProperties = [
                            UserProperty(name: "k", value: "1"), UserProperty(name: "k", value: "2"),
                        ]
                        values.topicAlias = 7
                        values.subscriptionIdentifiers = [1, 268_435_455]
                    }
                )
            ),
            """
            30 31 00 01 'a' 2C 02 00 00 0E 10 01 01 03 00 01 't' 08 00 01 'r' 09 00 02 DE AD
            26 00 01 'k' 00 01 '1' 26 00 01 'k' 00 01 '2' 23 00 07 0B 01 0B FF FF FF 7F 'x'
            """
        ),
        Vector(
            "PUBLISH by topic alias",
            .v5,
            .server,
            .publish(publish("", "x", properties: properties { $0.topicAlias = 0xFFFF })),
            "30 07 00 00 03 23 FF FF 'x'"
        ),
        Vector(
            "PUBLISH with a topic of several scripts",
            .v5,
            .server,
            .publish(publish("ü/漢/🕊", "")),
            "30 0E 00 0B C3 BC 2F E6 BC A2 2F F0 9F 95 8A 00"
        ),
        Vector(
            "PUBACK",
            .v5,
            .server,
            .acknowledgement(PublishAcknowledgement(.received, 10)),
            "40 02 00 0A"
        ),
        Vector(
            "PUBREC with a reason code",
            .v5,
            .client,
            .acknowledgement(PublishAcknowledgement(.recorded, 10, reasonCode: .noMatchingSubscribers)),
            "50 03 00 0A 10"
        ),
        Vector(
            "PUBREL with properties",
            .v5,
            .server,
            .acknowledgement(
                PublishAcknowledgement(
                    .release,
                    10,
                    reasonCode: .packetIdentifierNotFound,
                    properties: ReasonProperties(
                        reasonString: "no",
                        userProperties: [UserProperty(name: "a", value: "b")]
                    )
                )
            ),
            "62 10 00 0A 92 0C 1F 00 02 'no' 26 00 01 'a' 00 01 'b'"
        ),
        Vector(
            "PUBREL",
            .v3_1_1,
            .server,
            .acknowledgement(PublishAcknowledgement(.release, 0xFFFF)),
            "62 02 FF FF"
        ),
        Vector(
            "PUBCOMP",
            .v3_1,
            .client,
            .acknowledgement(PublishAcknowledgement(.complete, 1)),
            "70 02 00 01"
        ),
    ]

    static let answers: [Vector] = [
        Vector(
            "CONNACK",
            .v5,
            .client,
            .connectAcknowledgement(ConnectAcknowledgement(sessionPresent: true, reasonCode: .success)),
            "20 03 01 00 00"
        ),
        Vector(
            "CONNACK with every property",
            .v5,
            .client,
            .connectAcknowledgement(
                ConnectAcknowledgement(
                    reasonCode: .success,
                    properties: {
                        var properties = ConnectAcknowledgement.Properties()
                        properties.sessionExpiryInterval = 1
                        properties.receiveMaximum = 2
                        properties.maximumQoS = .atLeastOnce
                        properties.retainAvailable = false
                        properties.maximumPacketSize = 3
                        properties.assignedClientIdentifier = "i"
                        properties.topicAliasMaximum = 4
                        properties.reasonString = "r"
                        properties.userProperties = [UserProperty(name: "a", value: "b")]
                        properties.wildcardSubscriptionAvailable = true
                        properties.subscriptionIdentifiersAvailable = false
                        properties.sharedSubscriptionAvailable = true
                        properties.serverKeepAlive = 5
                        properties.responseInformation = "s"
                        properties.serverReference = "t"
                        properties.authenticationMethod = "m"
                        properties.authenticationData = ByteBuffer(string: "d")
                        return properties
                    }()
                )
            ),
            """
            20 3F 00 00 3C 11 00 00 00 01 21 00 02 24 01 25 00 27 00 00 00 03 12 00 01 'i' 22 00 04 1F 00 01 'r'
            26 00 01 'a' 00 01 'b' 28 01 29 00 2A 01 13 00 05 1A 00 01 's' 1C 00 01 't' 15 00 01 'm' 16 00 01 'd'
            """
        ),
        // MQTT 3.1.1 §3.2.2.3, table 3.1.
        Vector(
            "CONNACK that refuses",
            .v3_1_1,
            .client,
            .connectAcknowledgement(ConnectAcknowledgement(reasonCode: .notAuthorized)),
            "20 02 00 05"
        ),
        Vector(
            "CONNACK with a session",
            .v3_1_1,
            .client,
            .connectAcknowledgement(ConnectAcknowledgement(sessionPresent: true, reasonCode: .success)),
            "20 02 01 00"
        ),
        Vector(
            "SUBACK",
            .v5,
            .client,
            .subscribeAcknowledgement(
                SubscribeAcknowledgement(
                    packetIdentifier: 10,
                    reasonCodes: [.grantedQoS2, .notAuthorized],
                    properties: ReasonProperties(reasonString: "r")
                )
            ),
            "90 09 00 0A 04 1F 00 01 'r' 02 87"
        ),
        Vector(
            "SUBACK",
            .v3_1_1,
            .client,
            .subscribeAcknowledgement(
                SubscribeAcknowledgement(packetIdentifier: 10, reasonCodes: [.grantedQoS1, .unspecifiedError])
            ),
            "90 04 00 0A 01 80"
        ),
        Vector(
            "UNSUBACK",
            .v5,
            .client,
            .unsubscribeAcknowledgement(
                UnsubscribeAcknowledgement(packetIdentifier: 10, reasonCodes: [.success, .noSubscriptionExisted])
            ),
            "B0 05 00 0A 00 00 11"
        ),
        Vector(
            "UNSUBACK",
            .v3_1_1,
            .client,
            .unsubscribeAcknowledgement(UnsubscribeAcknowledgement(packetIdentifier: 10, reasonCodes: [])),
            "B0 02 00 0A"
        ),
        Vector("PINGRESP", .v3_1, .client, .pingResponse, "D0 00"),
    ]

    static let farewells: [Vector] = [
        Vector("DISCONNECT", .v5, .server, .disconnect(Disconnect()), "E0 00"),
        Vector("DISCONNECT", .v3_1_1, .server, .disconnect(Disconnect()), "E0 00"),
        Vector(
            "DISCONNECT with a reason code",
            .v5,
            .client,
            .disconnect(Disconnect(reasonCode: .serverShuttingDown)),
            "E0 01 8B"
        ),
        Vector(
            "DISCONNECT from a client with properties",
            .v5,
            .server,
            .disconnect(
                Disconnect(
                    sessionExpiryInterval: 0,
                    properties: ReasonProperties(userProperties: [UserProperty(name: "a", value: "b")])
                )
            ),
            "E0 0E 00 0C 11 00 00 00 00 26 00 01 'a' 00 01 'b'"
        ),
        Vector(
            "DISCONNECT to another server",
            .v5,
            .client,
            .disconnect(
                Disconnect(
                    reasonCode: .serverMoved,
                    serverReference: "h",
                    properties: ReasonProperties(reasonString: "r")
                )
            ),
            "E0 0A 9D 08 1C 00 01 'h' 1F 00 01 'r'"
        ),
        Vector("AUTH that succeeds", .v5, .server, .authentication(Authentication()), "F0 00"),
        Vector(
            "AUTH",
            .v5,
            .client,
            .authentication(
                Authentication(
                    reasonCode: .continueAuthentication,
                    method: "m",
                    data: ByteBuffer(string: "d"),
                    properties: ReasonProperties(reasonString: "r")
                )
            ),
            "F0 0E 18 0C 15 00 01 'm' 16 00 01 'd' 1F 00 01 'r'"
        ),
    ]
}

func publish(
    _ topic: String,
    _ payload: String,
    qos: QualityOfService = .atMostOnce,
    packetIdentifier: UInt16 = 0,
    retain: Bool = false,
    isDuplicate: Bool = false,
    properties: PublishProperties = PublishProperties()
) -> Publish {
    Publish(
        topic: ByteBuffer(string: topic),
        payload: ByteBuffer(string: payload),
        qos: qos,
        packetIdentifier: packetIdentifier,
        retain: retain,
        isDuplicate: isDuplicate,
        properties: properties
    )
}

func properties(_ set: (inout PublishProperties.Values) -> Void) -> PublishProperties {
    var values = PublishProperties.Values()
    set(&values)
    return PublishProperties(values)
}
