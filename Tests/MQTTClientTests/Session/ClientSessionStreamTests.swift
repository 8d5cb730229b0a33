import MQTTCodec
import NIOCore
import Testing

@testable import MQTTClient

@Suite("Data streams beside a session")
struct ClientSessionStreamTests {
    private let now = NIODeadline.seconds(0)

    @Test("A stream's messages are numbered and acknowledged on it, and no two of a client's share an identifier")
    func identifiers() throws {
        var (control, server) = try Server.session()
        var stream = control.makeStream()
        var streamServer = try server.beside()
        try control.publish(Publish("t", "0", .atLeastOnce), token: 10, now: now)
        try stream.publish(Publish("t", "1", .exactlyOnce), token: 11, now: now)
        try stream.subscribe(Subscribe(packetIdentifier: 0, subscriptions: []), token: 12, now: now)
        #expect(try server.packets(from: &control) == [.publish(Publish("t", "0", .atLeastOnce, identifier: 1))])
        #expect(
            try streamServer.packets(from: &stream).first == .publish(Publish("t", "1", .exactlyOnce, identifier: 2))
        )
        #expect(try server.send([.acknowledgement(.recorded, 2)], to: &control).isEmpty)
        _ = try streamServer.send([.acknowledgement(.recorded, 2)], to: &stream)
        #expect(try streamServer.packets(from: &stream) == [.acknowledgement(.release, 2)])
        #expect(try streamServer.send([.acknowledgement(.complete, 2)], to: &stream).map(\.token) == [11])
        #expect(try server.send([.acknowledgement(.received, 1)], to: &control).map(\.token) == [10])
    }

    @Test("A stream has a Receive Maximum of its own, and what it received does not concern the others")
    func windows() throws {
        var answer = ConnectAcknowledgement(reasonCode: .success)
        answer.properties.receiveMaximum = 1
        var (control, server) = try Server.session(answer: answer)
        var stream = control.makeStream()
        var streamServer = try server.beside()
        for token in 1...2 as ClosedRange<UInt64> {
            try control.publish(Publish("t", "\(token)", .atLeastOnce), token: token, now: now)
            try stream.publish(Publish("t", "\(token)", .atLeastOnce), token: token, now: now)
        }
        #expect(try server.packets(from: &control).count == 1)
        #expect(try streamServer.packets(from: &stream).count == 1)
        // One identifier of the server's on two streams is two messages.
        let message = Packet.publish(Publish("t", "x", .exactlyOnce, identifier: 5))
        #expect(try server.send([message], to: &control).count == 1)
        #expect(try streamServer.send([message, message], to: &stream).count == 1)
    }

    @Test("A stream that ends leaves its messages to the control stream, which repeats them under their identifiers")
    func ended() throws {
        var (control, server) = try Server.session()
        var stream = control.makeStream()
        let streamServer = try server.beside()
        for (token, qos) in [(1, .atLeastOnce), (2, .exactlyOnce), (3, .exactlyOnce)] as [(UInt64, QualityOfService)] {
            try stream.publish(Publish("t", "\(token)", qos), token: token, now: now)
        }
        try stream.subscribe(Subscribe(packetIdentifier: 0, subscriptions: []), token: 4, now: now)
        _ = try streamServer.send([.acknowledgement(.recorded, 2)], to: &stream)
        control.adopt(stream.takeUnacknowledged(), now: now)
        #expect(
            Set(try server.packets(from: &control).map { "\($0)" })
                == Set(
                    [
                        Packet.acknowledgement(.release, 2),
                        .publish(Publish("t", "1", .atLeastOnce, identifier: 1, duplicate: true)),
                        .publish(Publish("t", "3", .exactlyOnce, identifier: 3, duplicate: true)),
                    ].map { "\($0)" }
                )
        )
        let answers: [Packet] = [
            .acknowledgement(.received, 1), .acknowledgement(.complete, 2), .acknowledgement(.recorded, 3),
            .acknowledgement(.complete, 3),
        ]
        #expect(try server.send(answers, to: &control).map(\.token) == [1, 2, 3])
        #expect(control.unacknowledged == 0)
        // The SUBSCRIBE's identifier is free again, too.
        try control.publish(Publish("t", "new", .atLeastOnce), token: 5, now: now)
        #expect(control.inflight.identifiers(where: { _ in true }).allSatisfy { $0 <= 4 })
    }

    @Test("Messages of a stream outlive the connection, too, unless the server forgot the session")
    func reconnected() throws {
        for isPresent in [true, false] {
            var (control, server) = try Server.session()
            var stream = control.makeStream()
            try stream.publish(Publish("t", "x", .exactlyOnce), token: 1, now: now)
            control.transportClosed()
            control.adopt(stream.takeUnacknowledged(), now: now)
            let (sent, events) = try server.reconnect(&control, sessionPresent: isPresent)
            if isPresent {
                #expect(sent == [.publish(Publish("t", "x", .exactlyOnce, identifier: 1, duplicate: true))])
            } else {
                #expect(sent.isEmpty)
                #expect(events.map(\.token) == [nil, 1] || events.map(\.token) == [1, nil])
            }
        }
    }

    @Test("A stream whose end this side has sent takes acknowledgements, and leaves what would need one")
    func finished() throws {
        var (control, server) = try Server.session()
        var stream = control.makeStream()
        var streamServer = try server.beside()
        try stream.publish(Publish("t", "1", .atLeastOnce), token: 1, now: now)
        try stream.publish(Publish("t", "2", .exactlyOnce), token: 2, now: now)
        _ = try streamServer.packets(from: &stream)
        stream.finishSending()
        #expect(throws: ClientError.notConnected) { try stream.publish(Publish("t", "3", .atMostOnce), now: now) }
        let packets: [Packet] = [
            .acknowledgement(.received, 1), .acknowledgement(.recorded, 2),
            .publish(Publish("a", "now", .atMostOnce)), .publish(Publish("a", "later", .atLeastOnce, identifier: 1)),
        ]
        let events = try streamServer.send(packets, to: &stream)
        #expect(events.map(\.token) == [1, nil])
        #expect(events.map(\.payload) == [nil, "now"])
        #expect(stream.output.readableBytes == 0)
        control.adopt(stream.takeUnacknowledged(), now: now)
        #expect(try server.packets(from: &control) == [.acknowledgement(.release, 2)])
    }

    @Test("A stream opened before CONNACK sends at once, and takes the server's limits from it")
    func early() throws {
        var control = ClientSession(configuration: ClientConfiguration(connect: Connect(clientIdentifier: "c")))
        control.transportOpened(now: now)
        var stream = control.makeStream()
        try stream.publish(Publish("t", "1", .atLeastOnce), now: now)
        #expect(stream.output.readableBytes > 0)
        var answer = ConnectAcknowledgement(reasonCode: .success)
        answer.properties.receiveMaximum = 1
        control.accepted(answer, now: now)
        stream.take(control.limits, now: now)
        #expect(stream.availableQuota == 0)
    }

    @Test("What a server must not send on a data stream is a violation, and nothing is written")
    func violations() throws {
        for packet in [
            Packet.disconnect(Disconnect(reasonCode: .serverBusy)),
            .connectAcknowledgement(ConnectAcknowledgement(reasonCode: .success)),
        ] {
            var (control, server) = try Server.session()
            _ = control.output
            var stream = control.makeStream()
            #expect(throws: ClientError.self) { try server.send([packet], to: &stream) }
            #expect(stream.output.readableBytes == 0)
            control.adopt(stream.takeUnacknowledged(), now: now)
        }
    }
}

extension Server {
    /// The server's side of a data stream: it knows the version from CONNECT.
    fileprivate func beside() throws -> Server {
        var server = Server()
        var session = ClientSession(configuration: ClientConfiguration(connect: Connect(clientIdentifier: "c")))
        session.transportOpened(now: .uptimeNanoseconds(0))
        _ = try server.packets(from: &session)
        return server
    }
}
