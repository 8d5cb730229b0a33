import MQTTCodec
import NIOCore
import Testing

@testable import MQTTBroker

/// Where the client comes back: on the shard that has its session, on another one, with its home on a third.
private let places: [(shards: Int, first: Int, second: Int)] = [(1, 0, 0), (4, 2, 2), (4, 0, 3), (4, 3, 1), (2, 0, 1)]

@Suite struct SessionTests {
    @Test("A session outlives its connection and goes where the client comes back", arguments: places)
    func resumed(_ place: (shards: Int, first: Int, second: Int)) throws {  // [MQTT-3.1.2-5], [MQTT-3.2.2-3]
        let broker = SimulatedBroker(shards: place.shards)
        let client = broker.connect("s", on: place.first, expiry: 100)
        client.subscribe("a/+", qos: .atLeastOnce, identifier: 5)
        broker.drop(client)
        let publisher = broker.connect("p")
        for number in 0..<5 { publisher.publish("a/b", "\(number)", qos: .atLeastOnce, identifier: 1) }

        let back = broker.connect("s", on: place.second, cleanStart: false, expiry: 100)
        #expect(try back.connectAcknowledgement().sessionPresent)
        let received = back.takePublishes()
        #expect(received.map { String(buffer: $0.payload) } == ["0", "1", "2", "3", "4"])
        #expect(received.allSatisfy { $0.properties.values.subscriptionIdentifiers == [5] })
        publisher.publish("a/b", "live")
        #expect(back.takePayloads() == ["live"])
        #expect(broker.shards.reduce(0) { $0 + $1.shard.sessionCount } == 2)
        #expect(broker.shards.reduce(0) { $0 + $1.shard.subscriptionCount } == 1)
    }

    @Test("Clean Start ends the old session", arguments: places)
    func cleanStart(_ place: (shards: Int, first: Int, second: Int)) throws {  // [MQTT-3.1.2-4]
        let broker = SimulatedBroker(shards: place.shards)
        let client = broker.connect("s", on: place.first, expiry: 100)
        client.subscribe("a", qos: .atLeastOnce)
        broker.drop(client)
        let back = broker.connect("s", on: place.second, cleanStart: true, expiry: 100)
        #expect(try !back.connectAcknowledgement().sessionPresent)  // [MQTT-3.2.2-2]
        broker.connect("p").publish("a", "x")
        #expect(back.takePayloads().isEmpty)
        #expect(broker.shards.reduce(0) { $0 + $1.shard.subscriptionCount } == 0)
    }

    @Test("A second connection takes over from the first", arguments: places, ProtocolVersion.allCases)
    func takeOver(_ place: (shards: Int, first: Int, second: Int), version: ProtocolVersion) throws {  // [MQTT-3.1.4-3]
        let broker = SimulatedBroker(shards: place.shards)
        let first = broker.connect("s", on: place.first, version: version, cleanStart: false, expiry: 100)
        first.subscribe("a", qos: .atLeastOnce)
        let second = broker.connect("s", on: place.second, version: version, cleanStart: false, expiry: 100)
        #expect(first.isClosed)
        #expect(first.disconnectReason == (version == .v5 ? .sessionTakenOver : nil))
        #expect(try second.connectAcknowledgement().sessionPresent == (version != .v3_1))
        broker.connect("p").publish("a", "x", qos: .atLeastOnce, identifier: 1)
        #expect(second.takePayloads() == ["x"])
        #expect(broker.total(\.sessionsTakenOver) == 1)
    }

    @Test("Many connections with one identifier leave one", arguments: [1, 4]) func storm(shards: Int) {
        for seed in 0..<20 as Range<UInt64> {
            let broker = SimulatedBroker(shards: shards, seed: seed)
            let clients = (0..<12).map {
                broker.connect("same", on: $0 % shards, cleanStart: $0 % 3 == 0, expiry: 100, settles: false)
            }
            broker.settle()
            #expect(clients.filter { !$0.isClosed }.count == 1)
            #expect(broker.shards.reduce(0) { $0 + $1.shard.sessionCount } == 1)
        }
    }

    @Test("More connections than may wait for one identifier are refused") func pendingClaims() throws {
        var limits = Limits()
        limits.maximumPendingClaims = 2
        let broker = SimulatedBroker(shards: 2, limits: limits)
        let clients = (0..<8).map { _ in broker.connect("same", on: 0, settles: false) }
        broker.settle()
        let reasons = clients.compactMap { try? $0.connectAcknowledgement().reasonCode }
        #expect(reasons.count == 8)
        #expect(reasons.contains(.serverBusy))
        #expect(clients.filter { !$0.isClosed }.count == 1)
    }

    @Test("A session that ends with its connection leaves nothing") func ended() throws {
        let broker = SimulatedBroker(shards: 3)
        for version in ProtocolVersion.allCases {
            let client = broker.connect("s", version: version)
            client.subscribe("a")
            broker.drop(client)
            #expect(broker.shards.allSatisfy { $0.shard.sessionCount == 0 && $0.shard.subscriptionCount == 0 })
            #expect(broker.shards.allSatisfy { $0.shard.sessions.directory.count == 0 })
        }
        #expect(try !broker.connect("s", cleanStart: false).connectAcknowledgement().sessionPresent)
    }

    @Test("A session ends when its time is over, and not before") func expiry() throws {  // [MQTT-3.1.2-23]
        let broker = SimulatedBroker(shards: 2)
        broker.drop(broker.connect("s", expiry: 60))
        broker.advance(by: .seconds(59))
        #expect(broker.shards.reduce(0) { $0 + $1.shard.sessionCount } == 1)
        let back = broker.connect("s", on: 1, cleanStart: false, expiry: 60)
        #expect(try back.connectAcknowledgement().sessionPresent)
        broker.advance(by: .seconds(59))
        broker.drop(back)
        broker.advance(by: .seconds(61))
        #expect(broker.shards.allSatisfy { $0.shard.sessionCount == 0 && $0.shard.sessions.directory.count == 0 })
        #expect(broker.total(\.sessionsExpired) == 1)
    }

    @Test("MQTT 3 without Clean Session gets the configured expiry") func olderExpiry() throws {
        let broker = SimulatedBroker()
        broker.drop(broker.connect("s", version: .v3_1_1, cleanStart: false))
        broker.advance(by: .seconds(7199))
        #expect(broker.shards[0].shard.sessionCount == 1)
        broker.advance(by: .seconds(2))
        #expect(broker.shards[0].shard.sessionCount == 0)
    }

    @Test("DISCONNECT may change the expiry, but not begin one") func disconnectExpiry() {  // [MQTT-3.14.2-2]
        let broker = SimulatedBroker()
        let client = broker.connect("s", expiry: 60)
        client.disconnect(expiry: 0)
        #expect(broker.shards[0].shard.sessionCount == 0)
        let other = broker.connect("t")
        other.disconnect(expiry: 60)
        #expect(other.disconnectReason == .protocolError)
    }

    @Test("What was not acknowledged is sent again, in order, marked and with its identifier", arguments: places)
    func resent(_ place: (shards: Int, first: Int, second: Int)) throws {  // [MQTT-4.4.0-1]
        let broker = SimulatedBroker(shards: place.shards)
        let client = broker.connect("s", on: place.first, expiry: 100)
        client.subscribe("a", qos: .exactlyOnce)
        let publisher = broker.connect("p")
        publisher.publish("a", "one", qos: .atLeastOnce, identifier: 1)
        publisher.publish("a", "two", qos: .exactlyOnce, identifier: 2)
        publisher.publish("a", "three", qos: .exactlyOnce, identifier: 3)
        let first = client.takePublishes()
        client.send(.acknowledgement(PublishAcknowledgement(.recorded, first[1].packetIdentifier)))
        broker.drop(client)

        let back = broker.connect("s", on: place.second, cleanStart: false, expiry: 100)
        _ = try back.connectAcknowledgement()
        let packets = back.takeAll()
        #expect(packets.count == 3)
        guard case .publish(let one) = packets[0], case .acknowledgement(let two) = packets[1],
            case .publish(let three) = packets[2]
        else {
            Issue.record("\(packets)")
            return
        }
        #expect(one.isDuplicate && three.isDuplicate)  // [MQTT-3.3.1-1]
        #expect(one.packetIdentifier == first[0].packetIdentifier)
        #expect(two == PublishAcknowledgement(.release, first[1].packetIdentifier))
        #expect(three.packetIdentifier == first[2].packetIdentifier)
    }

    @Test("QoS 2 from a client stays once over its reconnection", arguments: places)
    func awaitingRelease(_ place: (shards: Int, first: Int, second: Int)) {
        let broker = SimulatedBroker(shards: place.shards)
        let subscriber = broker.connect("s")
        subscriber.subscribe("a")
        let publisher = broker.connect("p", on: place.first, expiry: 100)
        publisher.publish("a", "x", qos: .exactlyOnce, identifier: 8)
        broker.drop(publisher)
        let back = broker.connect("p", on: place.second, cleanStart: false, expiry: 100)
        back.publish("a", "x", qos: .exactlyOnce, identifier: 8, isDuplicate: true)
        #expect(subscriber.takePayloads() == ["x"])
    }

    @Test("Identifiers that are in use are passed over when the count comes round")
    func identifiers() {  // [MQTT-2.2.1-4]
        var window = DeliveryWindow()
        let message = Message(
            copying: EncodedPublish(Publish(topic: ByteBuffer(string: "a"), payload: ByteBuffer())),
            qos: .atLeastOnce,
            now: Instant(monotonic: .now(), wall: 0)
        )
        func append() -> UInt16 {
            let identifier = window.takeIdentifier()
            let entry = MessageQueue.Entry(message: message, qos: .atLeastOnce, retain: false, identifiers: [])
            window.append(entry, identifier, logged: nil)
            return identifier
        }
        #expect(append() == 1)
        #expect(append() == 2)
        #expect(append() == 3)
        #expect(window.acknowledge(2) != nil)
        for expected in 4...UInt16.max {
            #expect(append() == expected)
            #expect(window.acknowledge(expected) != nil)
        }
        #expect(append() == 2)
        #expect(append() == 4)
        #expect(window.entries.map(\.identifier) == [1, 3, 2, 4])
    }

    @Suite struct Wills {
        private func will(_ payload: String = "gone", delay: UInt32? = nil, retain: Bool = false) -> Connect.Will {
            var values = PublishProperties.Values()
            values.willDelayInterval = delay
            return Connect.Will(
                topic: ByteBuffer(string: "will"),
                payload: ByteBuffer(string: payload),
                qos: .atLeastOnce,
                retain: retain,
                properties: PublishProperties(values)
            )
        }

        private func watched(shards: Int = 2) -> (SimulatedBroker, SimulatedClient) {
            let broker = SimulatedBroker(shards: shards)
            let watcher = broker.connect("watcher", on: shards - 1)
            watcher.subscribe("will", qos: .atLeastOnce)
            return (broker, watcher)
        }

        @Test("A connection that breaks publishes it") func broken() {  // [MQTT-3.1.2-8]
            let (broker, watcher) = watched()
            broker.drop(broker.connect("c", will: will()))
            #expect(watcher.takePayloads() == ["gone"])
        }

        @Test("So does silence, and a protocol error") func failed() {
            let (broker, watcher) = watched()
            broker.connect("c", keepAlive: 10, will: will("silent"))
            broker.advance(by: .seconds(16))
            broker.connect("d", will: will("wrong")).send(.connect(Connect(clientIdentifier: "d")))
            #expect(watcher.takePayloads() == ["silent", "wrong"])
        }

        @Test("DISCONNECT lets go of it, unless it says otherwise") func disconnected() {  // [MQTT-3.14.4-3]
            let (broker, watcher) = watched()
            broker.connect("c", will: will()).disconnect()
            #expect(watcher.takePayloads().isEmpty)
            broker.connect("c", will: will()).disconnect(.disconnectWithWillMessage)
            #expect(watcher.takePayloads() == ["gone"])
        }

        @Test("Its delay runs from the connection's end") func delayed() {  // [MQTT-3.1.3-9]
            let (broker, watcher) = watched()
            broker.drop(broker.connect("c", expiry: 100, will: will(delay: 10)))
            broker.advance(by: .seconds(9))
            #expect(watcher.takePayloads().isEmpty)
            broker.advance(by: .seconds(2))
            #expect(watcher.takePayloads() == ["gone"])
            broker.advance(by: .seconds(200))
            #expect(watcher.takePayloads().isEmpty)
        }

        @Test("A client that is back in time cancels it", arguments: places)
        func cancelled(_ place: (shards: Int, first: Int, second: Int)) {
            let (broker, watcher) = watched(shards: place.shards)
            broker.drop(broker.connect("c", on: place.first, expiry: 100, will: will(delay: 10)))
            broker.advance(by: .seconds(5))
            broker.connect("c", on: place.second, cleanStart: false, expiry: 100)
            broker.advance(by: .seconds(50))
            #expect(watcher.takePayloads().isEmpty)
        }

        @Test("The session's end comes first") func sessionEnds() {
            let (broker, watcher) = watched()
            broker.drop(broker.connect("c", expiry: 5, will: will(delay: 1000)))
            broker.advance(by: .seconds(6))
            #expect(watcher.takePayloads() == ["gone"])
            broker.drop(broker.connect("c", will: will("at once", delay: 1000)))
            #expect(watcher.takePayloads() == ["at once"])
        }

        @Test("A clean start publishes the one that was delayed") func cleanStart() {
            let (broker, watcher) = watched()
            broker.drop(broker.connect("c", expiry: 100, will: will(delay: 10)))
            broker.connect("c", cleanStart: true)
            #expect(watcher.takePayloads() == ["gone"])
        }

        @Test("It is retained where it says so") func retained() {  // [MQTT-3.1.2-15]
            let (broker, _) = watched()
            broker.drop(broker.connect("c", will: will(retain: true)))
            let late = broker.connect("late")
            late.subscribe("will")
            #expect(late.takePublishes().map(\.retain) == [true])
        }
    }
}
