import MQTTCodec
import NIOCore
import Testing

@testable import MQTTBroker

/// What a client finds that comes back, and what it leaves behind that does not.
@Suite struct ComingBackTests {
    @Test("A new session does not end with the time of an earlier one") func staleExpiry() throws {
        let broker = SimulatedBroker()
        broker.drop(broker.connect("s", expiry: 5))
        broker.drop(broker.connect("s", cleanStart: true, expiry: 100))
        broker.advance(by: .seconds(50))
        #expect(try broker.connect("s", cleanStart: false, expiry: 100).connectAcknowledgement().sessionPresent)
    }

    @Test("What is sent again keeps to the new connection's Receive Maximum, in order")
    func resentWithinReceiveMaximum() {  // [MQTT-3.3.4-9], [MQTT-4.4.0-1], [MQTT-4.6.0-1]
        let broker = SimulatedBroker()
        let client = broker.connect("s", expiry: 100)
        client.subscribe("a", qos: .exactlyOnce)
        let publisher = broker.connect("p")
        for number in 0..<6 {
            let qos: QualityOfService = number < 3 ? .atLeastOnce : .exactlyOnce
            publisher.publish("a", "\(number)", qos: qos, identifier: UInt16(number + 1))
        }
        let first = client.takePublishes().map(\.packetIdentifier)
        broker.drop(client)
        publisher.publish("a", "6", qos: .atLeastOnce, identifier: 9)

        let back = broker.connect("s", cleanStart: false, expiry: 100, receiveMaximum: 2)
        var received: [Publish] = []
        while case let publishes = back.takePublishes(), !publishes.isEmpty {
            #expect(publishes.count <= 2)
            received += publishes
            for publish in publishes {
                if publish.qos == .atLeastOnce {
                    back.send(.acknowledgement(PublishAcknowledgement(.received, publish.packetIdentifier)))
                } else {
                    back.send(.acknowledgement(PublishAcknowledgement(.recorded, publish.packetIdentifier)))
                    back.send(.acknowledgement(PublishAcknowledgement(.complete, publish.packetIdentifier)))
                }
            }
        }
        #expect(received.map { String(buffer: $0.payload) } == (0..<7).map(String.init))
        #expect(received.prefix(6).map(\.packetIdentifier) == first)
        #expect(received.map(\.isDuplicate) == [true, true, true, true, true, true, false])
    }

    @Test("What the new connection would not take counts as sent") func resentTooLarge() {  // [MQTT-3.1.2-25]
        let broker = SimulatedBroker()
        let client = broker.connect("s", expiry: 100)
        client.subscribe("a", qos: .atLeastOnce)
        let publisher = broker.connect("p")
        publisher.publish("a", String(repeating: "x", count: 200), qos: .atLeastOnce, identifier: 1)
        publisher.publish("a", "small", qos: .atLeastOnce, identifier: 2)
        broker.drop(client)
        let back = broker.connect("s", cleanStart: false, expiry: 100, receiveMaximum: 1, maximumPacketSize: 100)
        #expect(back.takePayloads() == ["small"])
        #expect(broker.counters.messagesDroppedTooLarge == 1)
        #expect(broker.sessions.contains { $0.outgoing.window.count == 1 })
    }

    @Test("An acknowledgement that comes before its message is sent again holds nothing up")
    func acknowledgedBeforeResent() {
        let broker = SimulatedBroker()
        let client = broker.connect("s", expiry: 100)
        client.subscribe("a", qos: .atLeastOnce)
        let publisher = broker.connect("p")
        for number in 0..<4 { publisher.publish("a", "\(number)", qos: .atLeastOnce, identifier: 1) }
        let identifiers = client.takePublishes().map(\.packetIdentifier)
        broker.drop(client)
        let back = broker.connect("s", cleanStart: false, expiry: 100, receiveMaximum: 1)
        for identifier in [identifiers[2], identifiers[3], identifiers[0], identifiers[1]] {
            back.send(.acknowledgement(PublishAcknowledgement(.received, identifier)))
        }
        #expect(back.takePayloads() == ["0", "1"])
        publisher.publish("a", "new", qos: .atLeastOnce, identifier: 1)
        #expect(back.takePayloads() == ["new"])
    }

    @Test("The Receive Maximum counts what this connection brought") func quota() {  // [MQTT-3.3.4-7]
        var limits = Limits()
        limits.maximumAwaitingRelease = 2
        let broker = SimulatedBroker(limits: limits)
        let first = broker.connect("p", expiry: 100)
        for identifier in 1...2 as ClosedRange<UInt16> {
            first.publish("a", "x", qos: .exactlyOnce, identifier: identifier)
        }
        broker.drop(first)
        let second = broker.connect("p", cleanStart: false, expiry: 100)
        for identifier in 3...4 as ClosedRange<UInt16> {
            second.publish("a", "x", qos: .exactlyOnce, identifier: identifier)
        }
        #expect(!second.isClosed)
        for identifier in 1...4 as ClosedRange<UInt16> {
            second.send(.acknowledgement(PublishAcknowledgement(.release, identifier)))
        }
        for identifier in 5...7 as ClosedRange<UInt16> {
            second.publish("a", "x", qos: .exactlyOnce, identifier: identifier)
        }
        #expect(second.disconnectReason == .receiveMaximumExceeded)
    }

    @Test("A client that comes and goes leaves nothing behind that lasts") func flapping() {
        let broker = SimulatedBroker()
        let will = Connect.Will(topic: ByteBuffer(string: "w"), payload: ByteBuffer(string: "w"))
        for _ in 0..<5000 {
            broker.drop(broker.connect("s", cleanStart: Bool.random(), keepAlive: 60, expiry: .max - 1, will: will))
        }
        #expect(broker.shards[0].shard.deadlineCount == 1)
        #expect(broker.shards[0].shard.sessionCount == 1)
    }

    @Test("A connection has one deadline at a time") func oneLook() {
        let broker = SimulatedBroker()
        let client = broker.connect("s", keepAlive: 60)
        for _ in 0..<10 {
            broker.advance(by: .seconds(31))
            client.send(.pingRequest)
            #expect(broker.shards[0].shard.deadlineCount == 1)
        }
        #expect(!client.isClosed)
    }

    @Test("Nothing that follows a refused CONNECT is answered [MQTT-3.1.4-6]") func nothingAfterRefusal() throws {
        var limits = Limits()
        limits.maximumSessions = 1
        let broker = SimulatedBroker(limits: limits)
        broker.connect("a", expiry: 100)
        let client = broker.open()
        client.send(.connect(Connect(version: .v5, clientIdentifier: "b")), .pingRequest)
        #expect(try client.connectAcknowledgement().reasonCode == .quotaExceeded)
        #expect(client.takeAll().isEmpty)
        #expect(client.isClosed)
        #expect(client.connection.inbound.pending.readableBytes == 0)
    }

    @Test("More sessions than a shard may have are refused") func maximumSessions() throws {
        var limits = Limits()
        limits.maximumSessions = 2
        let broker = SimulatedBroker(limits: limits)
        let first = broker.connect("a")
        broker.connect("b")
        #expect(try broker.connect("c").connectAcknowledgement().reasonCode == .quotaExceeded)
        #expect(try broker.connect("b").connectAcknowledgement().reasonCode == .success)
        broker.drop(first)
        #expect(try broker.connect("c").connectAcknowledgement().reasonCode == .success)
    }

    @Test("A delayed will outlasts a claimant that is gone before it has the session", arguments: [0, 1, 2])
    func willOfFailedMove(to shard: Int) {
        let broker = SimulatedBroker(shards: 3)
        let watcher = broker.connect("w")
        watcher.subscribe("will")
        var will = Connect.Will(topic: ByteBuffer(string: "will"), payload: ByteBuffer(string: "gone"))
        will.properties.values.willDelayInterval = 10
        broker.drop(broker.connect("s", on: 0, expiry: 100, will: will))
        broker.advance(by: .seconds(5))
        let claimant = broker.connect("s", on: shard, cleanStart: false, expiry: 100, settles: false)
        broker.drop(claimant)
        // On its own shard's loop the session may have been had at once; then there is no will any more.
        let expected = claimant.inbox.isEmpty ? ["gone"] : []
        broker.advance(by: .seconds(6))
        #expect(watcher.takePayloads() == expected)
        #expect(broker.shards.reduce(0) { $0 + $1.shard.sessionCount } == 2)
        broker.advance(by: .seconds(100))
        #expect(broker.shards.reduce(0) { $0 + $1.shard.sessionCount } == 1)
    }

    @Test("A client that publishes its own will does not hear it where No Local is set") func ownWill() {
        let broker = SimulatedBroker()
        let will = Connect.Will(topic: ByteBuffer(string: "a"), payload: ByteBuffer(string: "gone"))
        let client = broker.connect("s", expiry: 100, will: will)
        client.subscribe("a", noLocal: true)
        broker.drop(client)
        #expect(broker.connect("s", cleanStart: false, expiry: 100).takePayloads().isEmpty)
    }

    @Test("A transport that comes up after the goodbye is closed at once") func tooLate() {
        let broker = SimulatedBroker()
        broker.shutDown()
        let late = broker.open()
        broker.settle()
        #expect(late.isClosed)
        #expect(broker.shards[0].shard.connectionCount == 0)
    }
}
