import MQTTClient
import MQTTCodec
import NIOCore
import Testing

@Suite("Messages to the server")
struct ClientSessionPublishTests {
    private let now = NIODeadline.seconds(0)

    @Test("QoS 1: PUBLISH, PUBACK", arguments: ProtocolVersion.allCases)
    func atLeastOnce(version: ProtocolVersion) throws {
        let configuration = ClientConfiguration(connect: Connect(version: version, clientIdentifier: "c"))
        var (session, server) = try Server.session(configuration)
        try session.publish(Publish("t", "x", .atLeastOnce), token: 7, now: now)
        #expect(try server.packets(from: &session) == [.publish(Publish("t", "x", .atLeastOnce, identifier: 1))])
        #expect(session.unacknowledged == 1)
        let events = try server.send([.acknowledgement(.received, 1)], to: &session)
        #expect(events.map(\.token) == [7])
        #expect(session.unacknowledged == 0)
    }

    @Test("QoS 2: PUBLISH, PUBREC, PUBREL, PUBCOMP; PUBREC's code is the answer", arguments: ProtocolVersion.allCases)
    func exactlyOnce(version: ProtocolVersion) throws {
        let configuration = ClientConfiguration(connect: Connect(version: version, clientIdentifier: "c"))
        var (session, server) = try Server.session(configuration)
        try session.publish(Publish("t", "x", .exactlyOnce), token: 7, now: now)
        _ = try server.packets(from: &session)
        let code: ReasonCode = version == .v5 ? .noMatchingSubscribers : .success
        #expect(try server.send([.acknowledgement(.recorded, 1, code)], to: &session).isEmpty)
        #expect(try server.packets(from: &session) == [.acknowledgement(.release, 1)])
        let events = try server.send([.acknowledgement(.complete, 1)], to: &session)
        #expect(events.map(\.token) == [7])
        #expect(events.map(\.publishedCode) == [code])
    }

    @Test("PUBREC with a code of failure ends the exchange [MQTT-4.3.3-4]")
    func refusedRecord() throws {
        var (session, server) = try Server.session()
        try session.publish(Publish("t", "x", .exactlyOnce), token: 7, now: now)
        _ = try server.packets(from: &session)
        let events = try server.send([.acknowledgement(.recorded, 1, .quotaExceeded)], to: &session)
        #expect(events.map(\.publishedCode) == [.quotaExceeded])
        #expect(try server.packets(from: &session).isEmpty)
    }

    @Test("PUBREC for an unknown message is answered with 0x92")
    func unknownRecord() throws {
        var (session, server) = try Server.session()
        #expect(try server.send([.acknowledgement(.recorded, 9)], to: &session).isEmpty)
        #expect(try server.packets(from: &session) == [.acknowledgement(.release, 9, .packetIdentifierNotFound)])
    }

    @Test("No more than Receive Maximum at once; the rest follows in order [MQTT-3.3.4-7]")
    func receiveMaximum() throws {
        var answer = ConnectAcknowledgement(reasonCode: .success)
        answer.properties.receiveMaximum = 2
        var (session, server) = try Server.session(answer: answer)
        for token in 1...4 as ClosedRange<UInt64> {
            try session.publish(Publish("t", "\(token)", .atLeastOnce), token: token, now: now)
        }
        #expect(try server.packets(from: &session).count == 2)
        #expect(session.availableQuota == 0)
        #expect(try server.send([.acknowledgement(.received, 2)], to: &session).map(\.token) == [2])
        #expect(try server.packets(from: &session) == [.publish(Publish("t", "3", .atLeastOnce, identifier: 2))])
        #expect(
            try server.send([.acknowledgement(.received, 1), .acknowledgement(.received, 2)], to: &session).map(\.token)
                == [1, 3]
        )
        #expect(try server.packets(from: &session).count == 1)
    }

    @Test("As many wait as may, and no more")
    func queueBound() throws {
        let configuration = ClientConfiguration(
            connect: Connect(clientIdentifier: "c"),
            maximumInflight: 1,
            maximumQueued: 1
        )
        var (session, _) = try Server.session(configuration)
        try session.publish(Publish("t", "1", .atLeastOnce), now: now)
        try session.publish(Publish("t", "2", .atLeastOnce), now: now)
        #expect(throws: ClientError.queueFull) { try session.publish(Publish("t", "3", .atLeastOnce), now: now) }
    }

    @Test("A session that goes on: PUBLISH with DUP and PUBREL again, in their first order [MQTT-4.4.0-1]")
    func resumption() throws {
        var (session, server) = try Server.session()
        for token in 1...3 as ClosedRange<UInt64> {
            try session.publish(Publish("t", "\(token)", .exactlyOnce), token: token, now: now)
        }
        _ = try server.packets(from: &session)
        _ = try server.send([.acknowledgement(.recorded, 2)], to: &session)
        let again = try server.reconnect(&session, sessionPresent: true)
        #expect(
            again.sent == [
                .acknowledgement(.release, 2),
                .publish(Publish("t", "1", .exactlyOnce, identifier: 1, duplicate: true)),
                .publish(Publish("t", "3", .exactlyOnce, identifier: 3, duplicate: true)),
            ]
        )
        #expect(try server.send([.acknowledgement(.complete, 2)], to: &session).map(\.token) == [2])
    }

    @Test("Repetition keeps to a smaller Receive Maximum of the new connection")
    func resumptionWithSmallerWindow() throws {
        var (session, server) = try Server.session()
        for token in 1...3 as ClosedRange<UInt64> {
            try session.publish(Publish("t", "\(token)", .atLeastOnce), token: token, now: now)
        }
        let again = try server.reconnect(&session, sessionPresent: true, receiveMaximum: 1)
        #expect(again.sent == [.publish(Publish("t", "1", .atLeastOnce, identifier: 1, duplicate: true))])
        _ = try server.send([.acknowledgement(.received, 1)], to: &session)
        #expect(
            try server.packets(from: &session)
                == [.publish(Publish("t", "2", .atLeastOnce, identifier: 2, duplicate: true))]
        )
    }

    @Test("A session that the server lost: nothing is sent again, and the owner is told [MQTT-3.2.2-5]")
    func lostSession() throws {
        var (session, server) = try Server.session()
        try session.publish(Publish("t", "1", .atLeastOnce), token: 1, now: now)
        try session.publish(Publish("t", "2", .exactlyOnce), token: 2, now: now)
        let again = try server.reconnect(&session, sessionPresent: false)
        #expect(again.sent.isEmpty)
        #expect(again.events.compactMap(\.token) == [1, 2])
        #expect(session.unacknowledged == 0)
    }

    @Test("Messages of a time without connection follow once there is one")
    func offline() throws {
        var session = ClientSession(configuration: ClientConfiguration(connect: Connect(clientIdentifier: "c")))
        try session.publish(Publish("t", "1", .atLeastOnce), token: 1, now: now)
        #expect(throws: ClientError.notConnected) { try session.publish(Publish("t", "2", .atMostOnce), now: now) }
        var server = Server()
        let connected = try server.reconnect(&session, sessionPresent: false)
        #expect(connected.sent == [.publish(Publish("t", "1", .atLeastOnce, identifier: 1))])
    }

    @Test("What the server does not support is refused here")
    func serverLimits() throws {
        var answer = ConnectAcknowledgement(reasonCode: .success)
        answer.properties.maximumQoS = .atLeastOnce
        answer.properties.retainAvailable = false
        answer.properties.maximumPacketSize = 20
        var (session, server) = try Server.session(answer: answer)
        #expect(throws: ClientError.qosNotSupported) { try session.publish(Publish("t", "", .exactlyOnce), now: now) }
        var retained = Publish("t", "", .atMostOnce)
        retained.retain = true
        #expect(throws: ClientError.retainNotSupported) { try session.publish(retained, now: now) }
        // Two octets of fixed header, three of topic, one of properties, and the payload.
        let fits = Publish("t", String(repeating: "x", count: 14), .atMostOnce)
        try session.publish(fits, now: now)
        #expect(try server.packets(from: &session) == [.publish(fits)])
        let large = Publish("t", String(repeating: "x", count: 15), .atMostOnce)
        #expect(throws: ClientError.packetTooLarge) { try session.publish(large, now: now) }
    }

    @Test(
        "MQTT 3 repeats what was not acknowledged in time; MQTT 5 must not [MQTT-4.4.0-1]",
        arguments: ProtocolVersion.allCases
    )
    func retry(version: ProtocolVersion) throws {
        let configuration = ClientConfiguration(
            connect: Connect(version: version, clientIdentifier: "c", keepAlive: 0),
            retryInterval: .seconds(5)
        )
        var (session, server) = try Server.session(configuration)
        try session.publish(Publish("t", "1", .atLeastOnce), token: 1, now: now)
        _ = try server.packets(from: &session)
        #expect(session.deadline == (version == .v5 ? nil : .seconds(5)))
        try session.advance(to: .seconds(5))
        let expected = Packet.publish(Publish("t", "1", .atLeastOnce, identifier: 1, duplicate: true))
        #expect(try server.packets(from: &session) == (version == .v5 ? [] : [expected]))
    }
}
