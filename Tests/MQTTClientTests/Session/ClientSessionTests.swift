import MQTTClient
import MQTTCodec
import NIOCore
import Testing

@Suite("The session on its connection")
struct ClientSessionTests {
    private let now = NIODeadline.seconds(0)

    @Test("CONNECT is what was configured", arguments: ProtocolVersion.allCases)
    func connect(version: ProtocolVersion) throws {
        let connect = Connect(version: version, clientIdentifier: "c", keepAlive: 7, userName: "u")
        var session = ClientSession(configuration: ClientConfiguration(connect: connect))
        var server = Server(version)
        session.transportOpened(now: now)
        #expect(try server.packets(from: &session) == [.connect(connect)])
        #expect(session.phase == .connecting)
    }

    @Test("CONNACK with a code of failure")
    func refusal() throws {
        var session = ClientSession(configuration: ClientConfiguration(connect: Connect(clientIdentifier: "c")))
        session.transportOpened(now: now)
        let answer = ConnectAcknowledgement(reasonCode: .notAuthorized)
        #expect(throws: ClientError.refused(.notAuthorized, nil)) {
            try Server().send([.connectAcknowledgement(answer)], to: &session)
        }
    }

    @Test("No CONNACK in time")
    func connectTimeout() throws {
        let configuration = ClientConfiguration(connect: Connect(clientIdentifier: "c"), responseTimeout: .seconds(3))
        var session = ClientSession(configuration: configuration)
        session.transportOpened(now: now)
        #expect(session.deadline == .seconds(3))
        try session.advance(to: .seconds(2))
        #expect(throws: ClientError.connectTimeout) { try session.advance(to: .seconds(3)) }
    }

    @Test("PINGREQ after the keep alive without a packet [MQTT-3.1.2-20], and the end without an answer")
    func ping() throws {
        let configuration = ClientConfiguration(
            connect: Connect(clientIdentifier: "c", keepAlive: 10),
            responseTimeout: .seconds(3)
        )
        var (session, server) = try Server.session(configuration)
        try session.publish(Publish("t", "", .atMostOnce), now: .seconds(4))
        _ = try server.packets(from: &session)
        #expect(session.deadline == .seconds(14))
        try session.advance(to: .seconds(13))
        #expect(try server.packets(from: &session).isEmpty)
        try session.advance(to: .seconds(14))
        #expect(try server.packets(from: &session) == [.pingRequest])
        _ = try server.send([.pingResponse], to: &session, at: .seconds(15))
        #expect(session.deadline == .seconds(24))
        try session.advance(to: .seconds(24))
        #expect(throws: ClientError.pingTimeout) { try session.advance(to: .seconds(27)) }
    }

    @Test("The server's keep alive counts [MQTT-3.1.2-21]")
    func serverKeepAlive() throws {
        var answer = ConnectAcknowledgement(reasonCode: .success)
        answer.properties.serverKeepAlive = 5
        let (session, _) = try Server.session(answer: answer)
        #expect(session.deadline == .seconds(5))
    }

    @Test("QoS 2 from the server: delivered once, acknowledged each time (4.3.3)")
    func receivedExactlyOnce() throws {
        var (session, server) = try Server.session()
        let message = Packet.publish(Publish("t", "x", .exactlyOnce, identifier: 5))
        let again = Packet.publish(Publish("t", "x", .exactlyOnce, identifier: 5, duplicate: true))
        #expect(try server.send([message, again], to: &session).map(\.payload) == ["x"])
        #expect(try server.packets(from: &session) == [.acknowledgement(.recorded, 5), .acknowledgement(.recorded, 5)])
        _ = try server.send([.acknowledgement(.release, 5), .acknowledgement(.release, 5)], to: &session)
        #expect(
            try server.packets(from: &session)
                == [.acknowledgement(.complete, 5), .acknowledgement(.complete, 5, .packetIdentifierNotFound)]
        )
        #expect(try server.send([message], to: &session).map(\.payload) == ["x"])
    }

    @Test("A message at QoS 2 that comes again on a new connection of the session is not delivered again")
    func receivedAcrossConnections() throws {
        var (session, server) = try Server.session()
        let message = Packet.publish(Publish("t", "x", .exactlyOnce, identifier: 5))
        _ = try server.send([message], to: &session)
        _ = try server.reconnect(&session, sessionPresent: true)
        #expect(try server.send([message], to: &session).isEmpty)
        _ = try server.reconnect(&session, sessionPresent: false)
        #expect(try server.send([message], to: &session).map(\.payload) == ["x"])
    }

    @Test("QoS 1 from the server is acknowledged and delivered")
    func receivedAtLeastOnce() throws {
        var (session, server) = try Server.session()
        let events = try server.send([.publish(Publish("t", "x", .atLeastOnce, identifier: 5))], to: &session)
        #expect(events.map(\.payload) == ["x"])
        #expect(try server.packets(from: &session) == [.acknowledgement(.received, 5)])
    }

    @Test("More unreleased messages than our Receive Maximum end the connection with 0x93 [MQTT-3.3.4-9]")
    func receiveMaximumExceeded() throws {
        var connect = Connect(clientIdentifier: "c")
        connect.properties.receiveMaximum = 1
        var (session, server) = try Server.session(ClientConfiguration(connect: connect))
        let messages = [1, 2].map { Packet.publish(Publish("t", "", .exactlyOnce, identifier: $0)) }
        #expect(throws: ClientError.self) { try server.send(messages, to: &session) }
        let sent = try server.packets(from: &session)
        #expect(sent.last == .disconnect(Disconnect(reasonCode: .receiveMaximumExceeded)))
    }

    @Test("SUBSCRIBE and UNSUBSCRIBE with their answers", arguments: ProtocolVersion.allCases)
    func subscriptions(version: ProtocolVersion) throws {
        let configuration = ClientConfiguration(connect: Connect(version: version, clientIdentifier: "c"))
        var (session, server) = try Server.session(configuration)
        let request = Subscribe(packetIdentifier: 0, subscriptions: [.init(topicFilter: "a/+")])
        try session.subscribe(request, token: 3, now: now)
        #expect(
            try server.packets(from: &session)
                == [.subscribe(Subscribe(packetIdentifier: 1, subscriptions: [.init(topicFilter: "a/+")]))]
        )
        let subscribed = SubscribeAcknowledgement(packetIdentifier: 1, reasonCodes: [.grantedQoS0])
        #expect(try server.send([.subscribeAcknowledgement(subscribed)], to: &session).map(\.token) == [3])
        try session.unsubscribe(Unsubscribe(packetIdentifier: 0, topicFilters: ["a/+"]), token: 4, now: now)
        _ = try server.packets(from: &session)
        let answer = UnsubscribeAcknowledgement(packetIdentifier: 1, reasonCodes: version == .v5 ? [.success] : [])
        let events = try server.send([.unsubscribeAcknowledgement(answer)], to: &session)
        guard case .unsubscribed(4, let received)? = events.first else {
            Issue.record("no answer to UNSUBSCRIBE")
            return
        }
        #expect(received.reasonCodes == [.success])
    }

    @Test(
        "What a server must not send ends the connection with 0x82",
        arguments: [
            Packet.connectAcknowledgement(ConnectAcknowledgement(reasonCode: .success)),
            .subscribeAcknowledgement(SubscribeAcknowledgement(packetIdentifier: 1, reasonCodes: [.grantedQoS0])),
            .unsubscribeAcknowledgement(UnsubscribeAcknowledgement(packetIdentifier: 1, reasonCodes: [.success])),
            .authentication(Authentication(reasonCode: .continueAuthentication, method: "m")),
        ]
    )
    func violation(packet: Packet) throws {
        var (session, server) = try Server.session()
        #expect(throws: ClientError.self) { try server.send([packet], to: &session) }
        #expect(try server.packets(from: &session) == [.disconnect(Disconnect(reasonCode: .protocolError))])
    }

    @Test("A packet before CONNACK")
    func earlyPacket() throws {
        var session = ClientSession(configuration: ClientConfiguration(connect: Connect(clientIdentifier: "c")))
        session.transportOpened(now: now)
        #expect(throws: ClientError.self) { try Server().send([.pingResponse], to: &session) }
    }

    @Test("DISCONNECT from the server says why")
    func disconnected() throws {
        var (session, server) = try Server.session()
        let packet = Disconnect(reasonCode: .sessionTakenOver, properties: ReasonProperties(reasonString: "elsewhere"))
        #expect(throws: ClientError.disconnected(.sessionTakenOver, "elsewhere")) {
            try server.send([.disconnect(packet)], to: &session)
        }
    }

    @Test("Bytes come in any pieces")
    func pieces() throws {
        var (session, _) = try Server.session()
        var bytes = ByteBuffer()
        for number in 1...3 as ClosedRange<UInt16> {
            bytes.write(.publish(Publish("t", "\(number)", .atLeastOnce, identifier: number)), version: .v5)
        }
        var input = ByteBuffer()
        var payloads: [String?] = []
        while var octet = bytes.readSlice(length: 1) {
            input.writeBuffer(&octet)
            while let event = try session.next(from: &input, now: now) { payloads.append(event.payload) }
        }
        #expect(payloads == ["1", "2", "3"])
    }
}
