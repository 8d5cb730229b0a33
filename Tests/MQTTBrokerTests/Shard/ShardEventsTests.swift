import MQTTCodec
import NIOCore
import Testing

@testable import MQTTBroker

@Suite struct ShardEventsTests {
    private let all = ShardEvent.Kinds(ShardEvent.Kind.allCases)

    private func broker(
        shards: Int = 1,
        limits: Limits = Limits(),
        authenticator: Authenticator = .everybody,
        wanting kinds: ShardEvent.Kinds,
        once: ShardEvent.Kinds = []
    ) -> SimulatedBroker {
        let broker = SimulatedBroker(shards: shards, limits: limits, authenticator: authenticator)
        for seat in broker.shards { seat.shard.wantEvents(kinds, once: once) }
        return broker
    }

    @Test("A client that comes and goes is told with its name and why it went") func comeAndGo() throws {
        let broker = broker(wanting: all)
        let client = broker.open()
        client.send(.connect(Connect(version: .v5, clientIdentifier: "a", cleanStart: true, userName: "u")))
        client.disconnect()
        broker.drop(broker.connect("b"))
        broker.connect("c", keepAlive: 1)
        broker.advance(by: .seconds(60))

        let events = broker.takeEvents()
        #expect(
            events.map(\.kind) == [.connected, .disconnected, .connected, .disconnected, .connected, .disconnected]
        )
        #expect(events.map(\.clientIdentifier) == ["a", "a", "b", "b", "c", "c"])
        #expect(events.map(\.reason) == [nil, .normalDisconnection, nil, nil, nil, .keepAliveTimeout])
        #expect(events[0].userName == "u")
        #expect(events.allSatisfy { $0.listener == "test" })
    }

    @Test("A client that the authenticator refuses is told with its reason") func refused() throws {
        let authenticator = Authenticator { _, _ in .refused(.badUserNameOrPassword) }
        let broker = broker(authenticator: authenticator, wanting: all)
        broker.connect("a")
        let events = broker.takeEvents()
        #expect(events.map(\.kind) == [.authenticationFailed, .refused])
        #expect(events.allSatisfy { $0.clientIdentifier == "a" && $0.reason == .badUserNameOrPassword })
    }

    @Test("A connection without CONNECT is told as refused when its time is over") func silent() {
        let broker = broker(wanting: all)
        _ = broker.open()
        broker.advance(by: .seconds(60))
        let events = broker.takeEvents()
        #expect(events.map(\.kind) == [.refused])
        #expect(events[0].clientIdentifier == nil && events[0].reason == nil)
    }

    @Test("Octets that are no packet are told with their sender", arguments: [true, false])
    func malformed(isConnected: Bool) {
        let broker = broker(wanting: all)
        let client = isConnected ? broker.connect("a") : broker.open()
        _ = broker.takeEvents()
        client.send(octets: [0x00, 0x00])
        let events = broker.takeEvents()
        #expect(events.map(\.kind) == [.malformedPacket, isConnected ? .disconnected : .refused])
        #expect(events.allSatisfy { $0.clientIdentifier == (isConnected ? "a" : nil) && $0.reason?.isError == true })
    }

    @Test("A take-over is told of the connection that ends", arguments: [1, 3]) func takeOver(shards: Int) {
        let broker = broker(shards: shards, wanting: all)
        broker.connect("a", expiry: 60)
        broker.connect("a", on: shards - 1, cleanStart: false, expiry: 60)
        let events = broker.takeEvents()
        #expect(events.map(\.kind) == [.connected, .sessionTakenOver, .disconnected, .connected])
        #expect(events[2].reason == .sessionTakenOver)
    }

    @Test("A message that is dropped is told with its client, which may be away") func dropped() {
        var limits = Limits()
        limits.maximumQueueLength = 2
        limits.queuesQoS0 = false
        let broker = broker(limits: limits, wanting: [.init([.messageDroppedQueueFull, .messageDroppedSlowReader])])
        let client = broker.connect("away", expiry: 60)
        client.subscribe("t", qos: .atLeastOnce)
        broker.drop(client)
        let publisher = broker.connect("p")
        for number in 1...3 { publisher.publish("t", "x", qos: .atLeastOnce, identifier: UInt16(number)) }
        publisher.publish("t", "x")
        let events = broker.takeEvents()
        #expect(events.map(\.kind) == [.messageDroppedQueueFull, .messageDroppedSlowReader])
        #expect(events.allSatisfy { $0.clientIdentifier == "away" && $0.listener == nil })
    }

    @Test("Data streams come and go untold, and what is wrong on one is told with its client") func streams() throws {
        let broker = broker(wanting: all)
        let client = broker.connect("a")
        let stream = try broker.openStream(of: client)
        broker.drop(try broker.openStream(of: client))
        stream.send(octets: [0x00, 0x00])
        let events = broker.takeEvents()
        #expect(events.map(\.kind) == [.connected, .malformedPacket])
        #expect(events[1].clientIdentifier == "a")
    }

    @Test("Nothing is collected or counted that nobody wants") func unwanted() {
        let broker = broker(wanting: .init([.malformedPacket]))
        let client = broker.connect("a")
        client.disconnect()
        #expect(broker.takeEvents().isEmpty)
        #expect(broker.shards[0].shard.takeSuppressedEvents().isEmpty)
    }

    @Test("Of a kind that is told once a window, the others are counted") func once() {
        let broker = broker(wanting: all, once: .init([.malformedPacket]))
        for _ in 0..<5 { broker.open().send(octets: [0x00, 0x00]) }
        #expect(broker.takeEvents().count { $0.kind == .malformedPacket } == 1)
        let suppressed = broker.shards[0].shard.takeSuppressedEvents()
        #expect(suppressed.map(\.kind) == [.malformedPacket] && suppressed.map(\.count) == [4])

        for _ in 0..<2 { broker.open().send(octets: [0x00, 0x00]) }
        #expect(broker.takeEvents().count { $0.kind == .malformedPacket } == 1)
        #expect(broker.shards[0].shard.takeSuppressedEvents().map(\.count) == [1])
        #expect(broker.shards[0].shard.takeSuppressedEvents().isEmpty)
    }

    @Test("Events of one burst are bounded") func bounded() {
        var events = ShardEvents()
        events.want(all, once: [])
        var collected = 0
        for _ in 0..<ShardEvents.maximumCount + 3 where events.admits(.connected) {
            collected += 1
            events.append(
                ShardEvent(
                    kind: .connected,
                    clientIdentifier: nil,
                    userName: nil,
                    address: nil,
                    listener: nil,
                    reason: nil
                )
            )
        }
        #expect(collected == ShardEvents.maximumCount)
        #expect(events.takeSuppressed().map(\.count) == [3])
        #expect(events.take().count == collected)
        #expect(events.isEmpty && events.admits(.connected))
    }
}
