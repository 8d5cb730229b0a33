import MQTTCodec
import NIOCore
import Testing

@testable import MQTTBroker

/// A data stream is a second reader and writer of its client: what it carries stays on it.
@Suite struct StreamTests {
    @Test("Acknowledgements go on the stream that the message came on", arguments: ProtocolVersion.allCases)
    func acknowledgements(version: ProtocolVersion) throws {
        let broker = SimulatedBroker()
        let client = broker.connect("c", version: version)
        _ = client.takeAll()
        let streams = [try broker.openStream(of: client), try broker.openStream(of: client)]
        for stream in streams {
            stream.publish("a", "0")
            stream.publish("a", "1", qos: .atLeastOnce, identifier: 7)
            stream.publish("a", "2", qos: .exactlyOnce, identifier: 7)
            stream.send(.acknowledgement(PublishAcknowledgement(.release, 7)))
            let nobody: ReasonCode = version == .v5 ? .noMatchingSubscribers : .success
            #expect(
                stream.takeAll() == [
                    .acknowledgement(PublishAcknowledgement(.received, 7, reasonCode: nobody)),
                    .acknowledgement(PublishAcknowledgement(.recorded, 7, reasonCode: nobody)),
                    .acknowledgement(PublishAcknowledgement(.complete, 7)),
                ]
            )
        }
        #expect(client.takeAll().isEmpty)
        #expect(broker.counters.messagesReceived == 6)
    }

    @Test(
        "Messages come on the stream of the subscription, and their acknowledgements are taken there",
        arguments: [1, 3],
        QualityOfService.allCases
    )
    func deliveries(shards: Int, qos: QualityOfService) throws {
        let broker = SimulatedBroker(shards: shards)
        let client = broker.connect("c", on: shards - 1)
        _ = client.takeAll()
        let stream = try broker.openStream(of: client)
        stream.subscribe("a", qos: qos)
        #expect(
            stream.takeAll() == [
                .subscribeAcknowledgement(
                    SubscribeAcknowledgement(
                        packetIdentifier: 1,
                        reasonCodes: [ReasonCode(rawValue: qos.rawValue)]
                    )
                )
            ]
        )
        broker.connect("p").publish("a", "x", qos: qos, identifier: 1)
        let message = try #require(stream.takePublishes().first)
        #expect(message.qos == qos)
        let session = try #require(stream.connection.session)
        switch qos {
        case .atMostOnce: break
        case .atLeastOnce:
            #expect(session.outgoing.window.count == 1)
            stream.send(.acknowledgement(PublishAcknowledgement(.received, message.packetIdentifier)))
        case .exactlyOnce:
            stream.send(.acknowledgement(PublishAcknowledgement(.recorded, message.packetIdentifier)))
            #expect(
                stream.takeAll() == [.acknowledgement(PublishAcknowledgement(.release, message.packetIdentifier))]
            )
            stream.send(.acknowledgement(PublishAcknowledgement(.complete, message.packetIdentifier)))
        }
        #expect(session.outgoing.window.isEmpty)
        #expect(client.takeAll().isEmpty)
    }

    @Test("Streams number their messages apart") func packetIdentifiers() throws {
        let broker = SimulatedBroker()
        let client = broker.connect("c")
        let streams = [client, try broker.openStream(of: client), try broker.openStream(of: client)]
        for stream in streams { stream.subscribe("a", qos: .exactlyOnce) }
        for stream in streams { _ = stream.takeAll() }
        broker.connect("p").publish("a", "x", qos: .exactlyOnce, identifier: 1)
        for stream in streams {
            #expect(stream.takePublishes().map(\.packetIdentifier) == [1])  // one copy each
            stream.send(.acknowledgement(PublishAcknowledgement(.recorded, 1)))
            #expect(stream.takeAll() == [.acknowledgement(PublishAcknowledgement(.release, 1))])
        }
        // And so do those of the client: one identifier on each stream is three messages.
        for stream in streams { stream.publish("b", "x", qos: .exactlyOnce, identifier: 9) }
        #expect(broker.counters.duplicatesSuppressed == 0)
        for stream in streams { #expect(stream.connection.session?.awaitingRelease == [9]) }
    }

    @Test("Streams have topic aliases of their own") func topicAliases() throws {  // [MQTT-3.3.2-12]
        let broker = SimulatedBroker()
        let subscriber = broker.connect("s")
        subscriber.subscribe("#")
        let client = broker.connect("c")
        let streams = [client, try broker.openStream(of: client), try broker.openStream(of: client)]
        var properties = PublishProperties()
        properties.values.topicAlias = 1
        for (number, stream) in streams.enumerated() {
            stream.publish("topic/\(number)", "named", properties: properties)
        }
        for stream in streams { stream.publish("", "short", properties: properties) }
        #expect(
            subscriber.takePublishes().map { String(buffer: $0.topic) }
                == ["topic/0", "topic/1", "topic/2", "topic/0", "topic/1", "topic/2"]
        )
        let other = try broker.openStream(of: client)
        other.publish("", "unknown", properties: properties)
        #expect(other.isClosed && !client.isClosed)
        #expect(other.connection.endReason == .protocolError)
    }

    @Test("Receive Maximum of either side counts on each stream") func receiveMaximum() throws {  // [MQTT-3.3.4-9]
        var limits = Limits()
        limits.maximumAwaitingRelease = 2
        let broker = SimulatedBroker(limits: limits)
        let client = broker.connect("c", receiveMaximum: 2)
        let streams = [try broker.openStream(of: client), try broker.openStream(of: client)]
        for stream in streams { stream.subscribe("a", qos: .atLeastOnce) }
        let publisher = broker.connect("p")
        for number in 1...4 as ClosedRange<UInt16> {
            publisher.publish("a", "\(number)", qos: .atLeastOnce, identifier: number)
        }
        for stream in streams { #expect(stream.takePayloads() == ["1", "2"]) }
        streams[0].send(.acknowledgement(PublishAcknowledgement(.received, 1)))
        #expect(streams[0].takePayloads() == ["3"])
        #expect(streams[1].takePayloads().isEmpty)

        for stream in streams {
            for identifier in 1...2 as ClosedRange<UInt16> {
                stream.publish("b", "x", qos: .exactlyOnce, identifier: identifier)
            }
            #expect(!stream.isClosed)
        }
        streams[0].publish("b", "x", qos: .exactlyOnce, identifier: 3)  // [MQTT-3.3.4-7]
        #expect(streams[0].isClosed && !streams[1].isClosed && !client.isClosed)
        #expect(streams[0].connection.endReason == .receiveMaximumExceeded)
    }

    @Test("A client has one bound of subscriptions over all its streams") func subscriptionBound() throws {
        var limits = Limits()
        limits.maximumSubscriptions = 3
        let broker = SimulatedBroker(limits: limits)
        let client = broker.connect("c")
        let stream = try broker.openStream(of: client)
        client.subscribe("a")
        stream.subscribe("a")
        stream.subscribe("b")
        _ = stream.takeAll()
        let last = try broker.openStream(of: client)
        last.subscribe("a")
        #expect(
            last.takeAll() == [
                .subscribeAcknowledgement(
                    SubscribeAcknowledgement(packetIdentifier: 1, reasonCodes: [.quotaExceeded])
                )
            ]
        )
    }

    @Test("A subscription is ended on its own stream only") func unsubscribe() throws {
        let broker = SimulatedBroker()
        let client = broker.connect("c")
        let streams = [try broker.openStream(of: client), try broker.openStream(of: client)]
        streams[0].subscribe("a")
        for stream in [client, streams[1], streams[0]] { _ = stream.takeAll() }
        let codes: [ReasonCode] = [.noSubscriptionExisted, .noSubscriptionExisted, .success]
        for (stream, code) in zip([client, streams[1], streams[0]], codes) {
            stream.send(.unsubscribe(Unsubscribe(packetIdentifier: 2, topicFilters: ["a"])))
            #expect(
                stream.takeAll() == [
                    .unsubscribeAcknowledgement(
                        UnsubscribeAcknowledgement(packetIdentifier: 2, reasonCodes: [code])
                    )
                ]
            )
        }
    }

    @Test("Half a packet on one stream holds up no other") func incompletePacket() throws {
        let broker = SimulatedBroker()
        let subscriber = broker.connect("s")
        subscriber.subscribe("a")
        let client = broker.connect("c")
        let slow = try broker.openStream(of: client)
        let quick = try broker.openStream(of: client)
        var octets = ByteBuffer()
        octets.write(
            .publish(Publish(topic: ByteBuffer(string: "a"), payload: ByteBuffer(string: "slow"))),
            version: .v5
        )
        let bytes = Array(octets.readableBytesView)
        slow.send(octets: Array(bytes.prefix(5)))
        quick.publish("a", "quick")
        client.publish("a", "control")
        slow.send(octets: Array(bytes.dropFirst(5)))
        #expect(subscriber.takePayloads() == ["quick", "control", "slow"])
    }

    @Test("A stream that waits for the other shards holds up no other") func subscribing() throws {
        let broker = SimulatedBroker(shards: 3)
        let client = broker.connect("c")
        let first = try broker.openStream(of: client)
        let second = try broker.openStream(of: client)
        first.subscribe("a", settles: false)
        first.publish("b", "held", qos: .atLeastOnce, identifier: 3, settles: false)
        second.publish("b", "at once", qos: .atLeastOnce, identifier: 4, settles: false)
        #expect(first.takeAll().isEmpty)
        #expect(second.takeAll().count == 1)
        broker.settle()
        #expect(first.takeAll().count == 2)
    }

    @Test("Retained messages come on the stream of their SUBSCRIBE", arguments: [1, 3]) func retained(shards: Int)
        throws
    {
        let broker = SimulatedBroker(shards: shards)
        let publisher = broker.connect("p")
        for number in 0..<10 { publisher.publish("r/\(number)", "\(number)", retain: true) }
        let client = broker.connect("c", on: shards - 1)
        _ = client.takeAll()
        let stream = try broker.openStream(of: client)
        stream.subscribe("r/+")
        #expect(stream.takePayloads().count == 10)
        #expect(client.takeAll().isEmpty)
    }

    @Test("No Local knows a client on all its streams") func noLocal() throws {  // [MQTT-3.8.3-3]
        let broker = SimulatedBroker()
        let client = broker.connect("c")
        let streams = [client, try broker.openStream(of: client), try broker.openStream(of: client)]
        for stream in streams { stream.subscribe("a", noLocal: true) }
        for stream in streams { stream.publish("a", "own") }
        broker.connect("p").publish("a", "foreign")
        for stream in streams { #expect(stream.takePayloads() == ["foreign"]) }
    }

    @Test("PINGREQ is answered where it is asked") func ping() throws {
        let broker = SimulatedBroker()
        let client = broker.connect("c")
        _ = client.takeAll()
        let stream = try broker.openStream(of: client)
        stream.send(.pingRequest)
        #expect(stream.takeAll() == [.pingResponse])
        #expect(client.takeAll().isEmpty)
    }

    @Test("Packets on any stream keep a client alive, and nothing does not [MQTT-3.1.2-22]") func keepAlive() throws {
        let broker = SimulatedBroker()
        let client = broker.connect("c", keepAlive: 10)
        let stream = try broker.openStream(of: client)
        for _ in 0..<10 {
            broker.advance(by: .seconds(10))
            stream.publish("a", "x")
        }
        #expect(!client.isClosed)
        broker.advance(by: .seconds(14))
        #expect(!client.isClosed)
        broker.advance(by: .seconds(2))
        #expect(client.isClosed && stream.isClosed)
        #expect(client.disconnectReason == .keepAliveTimeout)
        #expect(stream.disconnectReason == nil)
    }

    @Test("A stream whose data nobody takes holds up no other, and gets it later") func blocked() throws {
        let broker = SimulatedBroker()
        let client = broker.connect("c")
        let slow = try broker.openStream(of: client)
        let quick = try broker.openStream(of: client)
        for stream in [client, slow, quick] { stream.subscribe("a", qos: .atLeastOnce) }
        broker.setBlocked(true, slow)
        #expect(broker.counters.transportsBlocked == 1)
        let publisher = broker.connect("p")
        for number in 0..<20 { publisher.publish("a", "\(number)") }
        #expect(quick.takePayloads().count == 20)
        #expect(client.takePayloads().count == 20)
        #expect(slow.takePayloads().isEmpty)
        broker.setBlocked(false, slow)
        #expect(slow.takePayloads() == (0..<20).map(String.init))
    }

    @Test("A connection and its streams share what a client may be owed in a burst") func outputShare() throws {
        var limits = Limits()
        limits.outputHighWaterMark = 1000
        let broker = SimulatedBroker(limits: limits)
        let client = broker.connect("c")
        #expect(client.connection.outbound.highWaterMark == 1000)
        let streams = try (0..<3).map { _ in try broker.openStream(of: client) }
        for stream in [client] + streams { #expect(stream.connection.outbound.highWaterMark == 250) }
        for stream in streams { stream.subscribe("a") }
        for stream in streams { _ = stream.takeAll() }
        let publisher = broker.connect("p")
        var burst = ByteBuffer()
        for _ in 0..<20 {
            burst.write(
                .publish(Publish(topic: ByteBuffer(string: "a"), payload: ByteBuffer(repeating: 0, count: 100))),
                version: .v5
            )
        }
        var most = 0
        broker.inspectOutput = { if streams.map(\.connection.slot).contains($0.slot) { most = max(most, $1) } }
        broker.receive(burst, from: publisher, settles: true)
        #expect(most > 250 && most < 250 + 200)
        for stream in streams { #expect(stream.takePublishes().count == 20) }
        broker.finish(streams[0])
        #expect(client.connection.outbound.highWaterMark == 333)
    }
}
