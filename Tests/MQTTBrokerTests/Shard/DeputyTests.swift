import MQTTCodec
import NIOCore
import Testing

@testable import MQTTBroker

/// Clients whose durable session is at home in another shard than their connection.
@Suite struct DeputyTests {
    /// A client identifier whose home is shard `home` of `count`.
    private static func name(home: Int, of count: Int) -> String {
        for number in 0... {
            let name = "client \(number)"
            let lane = Lane(clientHash: Session.identity(of: UTF8Key(name)))
            if lane.leader(among: count) == home { return name }
        }
        return ""
    }

    @Test("A take-over across loops costs three messages between shards [MQTT-3.1.4-3]") func takeOver() throws {
        let broker = SimulatedBroker(shards: 3)
        let name = Self.name(home: 0, of: 3)
        let old = broker.connect(name, on: 1, expiry: 100)
        #expect(try old.connectAcknowledgement().sessionPresent == false)
        let before = broker.messagesBetweenShards
        let new = broker.connect(name, on: 2, cleanStart: false, expiry: 100)
        #expect(try new.connectAcknowledgement().sessionPresent)
        #expect(broker.messagesBetweenShards - before == 3)
        #expect(old.disconnectReason == .sessionTakenOver && old.isClosed)
        broker.drop(new)
        broker.advance(by: .seconds(101))
        broker.expectNothingLeft()
    }

    @Test("No Local holds wherever the session is [MQTT-3.8.3-3]", arguments: QualityOfService.allCases)
    func noLocal(_ qos: QualityOfService) {
        let broker = SimulatedBroker(shards: 3)
        let client = broker.connect(Self.name(home: 0, of: 3), on: 1, expiry: 100)
        client.subscribe("a", qos: .exactlyOnce, noLocal: true)
        client.publish("a", "own", qos: qos, identifier: 1)
        #expect(client.takePayloads().isEmpty)
        broker.connect("other", on: 2).publish("a", "other", qos: qos, identifier: 1)
        #expect(client.takePayloads() == ["other"])
    }

    @Test("What one burst asks for is done in its order") func order() throws {
        let broker = SimulatedBroker(shards: 2)
        let client = broker.connect(Self.name(home: 0, of: 2), on: 1, expiry: 100)
        _ = try client.connectAcknowledgement()
        func subscribe(_ identifier: UInt16) -> Packet {
            let options = SubscriptionOptions(maximumQoS: .exactlyOnce)
            return .subscribe(
                Subscribe(packetIdentifier: identifier, subscriptions: [.init(topicFilter: "a", options: options)])
            )
        }
        func publish(_ payload: String) -> Packet {
            .publish(Publish(topic: ByteBuffer(string: "a"), payload: ByteBuffer(string: payload)))
        }
        let unsubscribe = Packet.unsubscribe(Unsubscribe(packetIdentifier: 2, topicFilters: ["a"]))
        client.send(publish("0"), subscribe(1), publish("1"), unsubscribe, publish("2"), subscribe(3), publish("3"))
        let order = client.takeAll().map { packet -> String in
            switch packet {
            case .publish(let publish): String(buffer: publish.payload)
            case .subscribeAcknowledgement: "SUBACK"
            case .unsubscribeAcknowledgement: "UNSUBACK"
            default: "\(packet)"
            }
        }
        #expect(order == ["SUBACK", "1", "UNSUBACK", "SUBACK", "3"])
    }

    @Test("A message at QoS 2 with a topic alias is delivered once, and its packet identifier outlives the connection")
    func exactlyOnce() throws {
        let broker = SimulatedBroker(shards: 2)
        let name = Self.name(home: 0, of: 2)
        let reader = broker.connect("reader", on: 1)
        reader.subscribe("long/topic", qos: .exactlyOnce)
        let writer = broker.connect(name, on: 1, expiry: 100)
        var properties = PublishProperties()
        properties.values.topicAlias = 3
        writer.publish("long/topic", "1", qos: .exactlyOnce, identifier: 1, properties: properties)
        writer.publish("", "2", qos: .exactlyOnce, identifier: 2, properties: properties)
        #expect(reader.takePayloads() == ["1", "2"])
        broker.drop(writer)
        let back = broker.connect(name, on: 1, cleanStart: false, expiry: 100)
        back.publish("long/topic", "2", qos: .exactlyOnce, identifier: 2, isDuplicate: true)
        back.send(.acknowledgement(PublishAcknowledgement(.release, 2)))
        #expect(reader.takePayloads().isEmpty)
        #expect(
            back.takeAll().suffix(2) == [
                .acknowledgement(PublishAcknowledgement(.recorded, 2)),
                .acknowledgement(PublishAcknowledgement(.complete, 2)),
            ]
        )
        #expect(broker.total(\.messagesReceived) == 3)
    }

    @Test("Messages wait at home while the transport takes nothing, and arrive in their order afterwards")
    func backPressure() {
        var limits = Limits()
        limits.outputHighWaterMark = 2_000
        let broker = SimulatedBroker(shards: 2, limits: limits)
        let reader = broker.connect(Self.name(home: 0, of: 2), on: 1, expiry: 100)
        reader.subscribe("a", qos: .atLeastOnce)
        _ = reader.takeAll()
        broker.setBlocked(true, reader)
        var underWay = 0
        broker.inspectOutput = { connection, count in
            if connection === reader.connection { underWay += count }
        }
        let writer = broker.connect("writer", on: 0)
        let payload = String(repeating: "x", count: 100)
        for identifier in 1...500 as ClosedRange<UInt16> {
            writer.publish("a", "\(identifier) \(payload)", qos: .atLeastOnce, identifier: identifier)
        }
        // What the transport is given without having taken anything is bounded.
        #expect(underWay < 2_000 + 200)
        broker.setBlocked(false, reader)
        var received: [String] = []
        while case let publishes = reader.takePublishes(), !publishes.isEmpty {
            received += publishes.map { String(buffer: $0.payload) }
            for publish in publishes {
                reader.send(.acknowledgement(PublishAcknowledgement(.received, publish.packetIdentifier)))
            }
        }
        #expect(received == (1...500).map { "\($0) \(payload)" })
    }

    @Test("A client that is gone before its session is attached leaves the delayed will of the connection before")
    func abandoned() {
        let broker = SimulatedBroker(shards: 2)
        let name = Self.name(home: 0, of: 2)
        let watcher = broker.connect("watcher", on: 0)
        watcher.subscribe("w")
        var will = Connect.Will(topic: ByteBuffer(string: "w"), payload: ByteBuffer(string: "gone"))
        will.properties.values.willDelayInterval = 10
        broker.drop(broker.connect(name, on: 1, expiry: 100, will: will))
        broker.drop(broker.connect(name, on: 1, cleanStart: false, expiry: 100, settles: false))
        #expect(watcher.takePayloads().isEmpty)
        broker.advance(by: .seconds(11))
        #expect(watcher.takePayloads() == ["gone"])
    }
}
