import MQTTCodec
import NIOCore
import Testing

@testable import MQTTBroker

/// What a data stream leaves to its client's session when it ends.
@Suite struct StreamMergeTests {
    /// How a stream ends: in order, by a reset, by a violation, with its connection.
    enum End: CaseIterable, Sendable { case finish, reset, violation, connection }

    private func end(_ stream: SimulatedClient, of client: SimulatedClient, _ end: End) {
        switch end {
        case .finish: client.broker.finish(stream)
        case .reset: client.broker.drop(stream)
        case .violation: stream.send(octets: [0xF0, 0x00])
        case .connection: client.broker.drop(client)
        }
    }

    @Test(
        "Deliveries without acknowledgement, and those that wait, go out on the control stream with new identifiers",
        arguments: End.allCases,
        [QualityOfService.atLeastOnce, .exactlyOnce]
    )
    func deliveries(_ end: End, qos: QualityOfService) throws {
        let broker = SimulatedBroker(shards: 2)
        let client = broker.connect("c", expiry: 100, receiveMaximum: 3)
        let stream = try broker.openStream(of: client)
        client.subscribe("control", qos: qos)
        stream.subscribe("a", qos: qos, identifier: 9)
        for all in [client, stream] { _ = all.takeAll() }
        let publisher = broker.connect("p", on: 1)
        publisher.publish("control", "first", qos: qos, identifier: 100)
        for number in 1...6 as ClosedRange<UInt16> {
            publisher.publish("a", "\(number)", qos: qos, identifier: number)
        }
        #expect(stream.takePayloads() == ["1", "2", "3"])
        let kind = qos == .atLeastOnce ? PublishAcknowledgement.Kind.received : .recorded
        stream.send(.acknowledgement(PublishAcknowledgement(kind, 2)))
        _ = stream.takeAll()  // at QoS 1 message 4 among them

        self.end(stream, of: client, end)
        let reader = end == .connection ? broker.connect("c", on: 1, cleanStart: false, expiry: 100) : client
        var received: [String] = []
        var messages = client.takePublishes() + (reader === client ? [] : reader.takePublishes())
        while !messages.isEmpty {
            for message in messages where !(message.isDuplicate && received.contains(String(buffer: message.payload))) {
                received.append(String(buffer: message.payload))
                reader.send(.acknowledgement(PublishAcknowledgement(kind, message.packetIdentifier)))
                if qos == .exactlyOnce {
                    reader.send(.acknowledgement(PublishAcknowledgement(.complete, message.packetIdentifier)))
                }
            }
            messages = reader.takePublishes()
        }
        #expect(received == ["first", "1", "3", "4", "5", "6"])
        publisher.publish("a", "no more", qos: qos, identifier: 200)
        #expect(reader.takePayloads().isEmpty)
        #expect(broker.shards.reduce(0) { $0 + $1.shard.subscriptionCount } == 1)
    }

    @Test("What is left respects the bounds of the session's queue, and the newest stay") func queueBound() throws {
        var limits = Limits()
        limits.maximumQueueLength = 5
        limits.maximumInflight = 2
        let broker = SimulatedBroker(limits: limits)
        let client = broker.connect("c")
        let stream = try broker.openStream(of: client)
        stream.subscribe("a", qos: .atLeastOnce)
        let publisher = broker.connect("p")
        for number in 1...7 as ClosedRange<UInt16> {
            publisher.publish("a", "\(number)", qos: .atLeastOnce, identifier: number)
        }
        #expect(broker.counters.messagesDroppedQueueFull == 0)
        broker.setBlocked(true, client)
        broker.finish(stream)
        #expect(broker.counters.messagesDroppedQueueFull == 2)
        broker.setBlocked(false, client)
        #expect(client.takePayloads() == ["3", "4"])
    }

    @Test("Retained messages that a stream was owed go out on the control stream") func retained() throws {
        var limits = Limits()
        limits.maximumInflight = 2
        let broker = SimulatedBroker(limits: limits)
        let publisher = broker.connect("p")
        for number in 1...5 as ClosedRange<UInt16> {
            publisher.publish("r/\(number)", "\(number)", qos: .atLeastOnce, identifier: number, retain: true)
        }
        let client = broker.connect("c")
        let stream = try broker.openStream(of: client)
        stream.subscribe("r/+", qos: .atLeastOnce)
        var received = Set(stream.takePublishes().map { String(buffer: $0.payload) })
        #expect(received.count == 2)
        broker.finish(stream)
        var messages = client.takePublishes()
        while !messages.isEmpty {
            for message in messages {
                #expect(message.retain)
                received.insert(String(buffer: message.payload))
                client.send(.acknowledgement(PublishAcknowledgement(.received, message.packetIdentifier)))
            }
            messages = client.takePublishes()
        }
        #expect(received.count == 5)
    }

    // MARK: - QoS 2 towards the broker

    /// A client that sent `a` at QoS 2 as message 7 on a stream, which then ended; its place is on another shard if asked.
    private struct Orphaned {
        let broker: SimulatedBroker
        let subscriber: SimulatedClient
        let client: SimulatedClient

        init(_ end: End, limits: Limits = Limits()) throws {
            broker = SimulatedBroker(shards: 2, limits: limits)
            subscriber = broker.connect("s")
            subscriber.subscribe("a")
            var client = broker.connect("c", expiry: 100)
            let stream = try broker.openStream(of: client)
            stream.publish("a", "once", qos: .exactlyOnce, identifier: 7)
            StreamMergeTests().end(stream, of: client, end)
            if end == .connection { client = broker.connect("c", on: 1, cleanStart: false, expiry: 100) }
            self.client = client
            _ = client.takeAll()
            #expect(subscriber.takePayloads() == ["once"])
        }
    }

    @Test("A repeated PUBLISH on the control stream is recognised, and so is what follows", arguments: End.allCases)
    func repeated(_ end: End) throws {  // [MQTT-4.3.3-10]
        let scene = try Orphaned(end)
        for _ in 0..<2 {
            scene.client.publish("a", "once", qos: .exactlyOnce, identifier: 7, isDuplicate: true)
            #expect(scene.client.takeAll() == [.acknowledgement(PublishAcknowledgement(.recorded, 7))])
        }
        #expect(scene.subscriber.takePublishes().isEmpty)
        scene.client.send(.acknowledgement(PublishAcknowledgement(.release, 7)))
        #expect(scene.client.takeAll() == [.acknowledgement(PublishAcknowledgement(.complete, 7))])
        scene.client.publish("a", "new", qos: .exactlyOnce, identifier: 7)
        #expect(scene.subscriber.takePayloads() == ["new"])
    }

    @Test("PUBREL on the control stream ends what began on another", arguments: End.allCases)
    func released(_ end: End) throws {
        let scene = try Orphaned(end)
        scene.client.send(.acknowledgement(PublishAcknowledgement(.release, 7)))
        scene.client.send(.acknowledgement(PublishAcknowledgement(.release, 7)))
        #expect(
            scene.client.takeAll() == [
                .acknowledgement(PublishAcknowledgement(.complete, 7)),
                .acknowledgement(PublishAcknowledgement(.complete, 7, reasonCode: .packetIdentifierNotFound)),
            ]
        )
        #expect(scene.broker.session(of: "c")?.orphans.isEmpty == true)
    }

    @Test("One without DUP on the control stream is a new message, and the old exchange is over") func fresh() throws {
        let scene = try Orphaned(.finish)
        scene.client.publish("a", "new", qos: .exactlyOnce, identifier: 7)
        #expect(scene.subscriber.takePayloads() == ["new"])
        scene.client.send(.acknowledgement(PublishAcknowledgement(.release, 7)))
        scene.client.publish("a", "another", qos: .exactlyOnce, identifier: 7, isDuplicate: true)
        #expect(scene.subscriber.takePayloads() == ["another"])
    }

    @Test("Another data stream recognises a repetition too, and numbers its own messages apart") func elsewhere() throws
    {
        let scene = try Orphaned(.reset)
        let stream = try scene.broker.openStream(of: scene.client)
        stream.publish("a", "own", qos: .exactlyOnce, identifier: 7)
        #expect(scene.subscriber.takePayloads() == ["own"])
        stream.send(.acknowledgement(PublishAcknowledgement(.release, 7)))
        let next = try scene.broker.openStream(of: scene.client)
        next.publish("a", "once", qos: .exactlyOnce, identifier: 7, isDuplicate: true)
        #expect(scene.subscriber.takePublishes().isEmpty)
    }

    @Test("One identifier on two streams is two messages, also when both have ended") func twice() throws {
        let broker = SimulatedBroker()
        let subscriber = broker.connect("s")
        subscriber.subscribe("a")
        let client = broker.connect("c")
        for _ in 0..<2 {
            let stream = try broker.openStream(of: client)
            stream.publish("a", "x", qos: .exactlyOnce, identifier: 7)
            broker.drop(stream)
        }
        #expect(subscriber.takePayloads().count == 2)
        for _ in 0..<2 {
            client.publish("a", "x", qos: .exactlyOnce, identifier: 7, isDuplicate: true)
            client.send(.acknowledgement(PublishAcknowledgement(.release, 7)))
        }
        #expect(subscriber.takePublishes().isEmpty)
        client.publish("a", "x", qos: .exactlyOnce, identifier: 7, isDuplicate: true)
        #expect(subscriber.takePayloads().count == 1)
    }

    @Test("The identifiers that ended streams leave are bounded: the oldest is forgotten") func orphanBound() throws {
        var limits = Limits()
        limits.maximumOrphans = 3
        let broker = SimulatedBroker(limits: limits)
        let client = broker.connect("c")
        for identifier in 1...5 as ClosedRange<UInt16> {
            let stream = try broker.openStream(of: client)
            stream.publish("a", "x", qos: .exactlyOnce, identifier: identifier)
            broker.drop(stream)
        }
        #expect(broker.counters.orphansForgotten == 2)
        _ = client.takeAll()
        for identifier in [2, 3] as [UInt16] {
            client.send(.acknowledgement(PublishAcknowledgement(.release, identifier)))
        }
        #expect(
            client.takeAll() == [
                .acknowledgement(PublishAcknowledgement(.complete, 2, reasonCode: .packetIdentifierNotFound)),
                .acknowledgement(PublishAcknowledgement(.complete, 3)),
            ]
        )
    }

    @Test("What a crash merges into the client's session is merged for every later run") func mergedByACrash() throws {
        let broker = SimulatedBroker(hasStore: true)
        let reader = broker.connect("reader", cleanStart: false, expiry: 600)
        let stream = try broker.openStream(of: reader)
        stream.subscribe("load", qos: .exactlyOnce)
        broker.connect("writer").publish("load", "once", qos: .exactlyOnce, identifier: 1)
        #expect(stream.takePayloads() == ["once"])
        broker.crash(shards: 2)
        broker.settle()
        let back = broker.connect("reader", cleanStart: false, expiry: 600)
        let message = try #require(back.takePublishes().first)
        back.send(.acknowledgement(PublishAcknowledgement(.recorded, message.packetIdentifier)))
        back.send(.acknowledgement(PublishAcknowledgement(.complete, message.packetIdentifier)))
        try broker.expectLogIsTrue()
        broker.crash(shards: 3)
        broker.settle()
        #expect(broker.connect("reader", cleanStart: false, expiry: 600).takePayloads().isEmpty)
    }
}
