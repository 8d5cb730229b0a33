import MQTTCodec
import NIOCore
import Testing

@testable import MQTTBroker

@Suite struct PublishTests {
    struct Case: CustomTestStringConvertible {
        let publisher: ProtocolVersion
        let subscriber: ProtocolVersion
        let published: QualityOfService
        let subscribed: QualityOfService
        var testDescription: String {
            "\(publisher)→\(subscriber), QoS \(published.rawValue) and \(subscribed.rawValue)"
        }

        static let all = [ProtocolVersion.v3_1, .v5].flatMap { publisher in
            [ProtocolVersion.v3_1_1, .v5].flatMap { subscriber in
                QualityOfService.allCases.flatMap { published in
                    QualityOfService.allCases.map {
                        Case(publisher: publisher, subscriber: subscriber, published: published, subscribed: $0)
                    }
                }
            }
        }
    }

    @Test("A message arrives at the lower of both QoS", arguments: Case.all)
    func delivered(_ test: Case) throws {  // [MQTT-3.8.4-8]
        let broker = SimulatedBroker(shards: 2)
        let subscriber = broker.connect("s", on: 1, version: test.subscriber)
        subscriber.subscribe("a/b", qos: test.subscribed)
        let publisher = broker.connect("p", version: test.publisher)
        publisher.publish("a/b", "hello", qos: test.published, identifier: test.published == .atMostOnce ? 0 : 9)

        let received = try #require(subscriber.takePublishes().first)
        #expect(String(buffer: received.payload) == "hello")
        #expect(String(buffer: received.topic) == "a/b")
        #expect(received.qos == min(test.published, test.subscribed))
        #expect((received.packetIdentifier == 0) == (received.qos == .atMostOnce))  // [MQTT-2.2.1-2]
        #expect(!received.retain && !received.isDuplicate)  // [MQTT-3.3.1-3]

        let answers = publisher.takeAll().compactMap { packet -> PublishAcknowledgement? in
            if case .acknowledgement(let acknowledgement) = packet { acknowledgement } else { nil }
        }
        switch test.published {
        case .atMostOnce: #expect(answers.isEmpty)
        case .atLeastOnce: #expect(answers == [PublishAcknowledgement(.received, 9)])  // [MQTT-4.3.2-4]
        case .exactlyOnce: #expect(answers == [PublishAcknowledgement(.recorded, 9)])  // [MQTT-4.3.3-8]
        }
    }

    @Test("Acknowledgements come in the order of what they acknowledge") func order() {  // [MQTT-4.6.0-2]
        let client = SimulatedBroker().connect("p")
        for identifier in [5, 3, 9, 1] as [UInt16] {
            client.publish("a", "x", qos: .atLeastOnce, identifier: identifier)
        }
        let acknowledged = client.takeAll().compactMap { packet -> UInt16? in
            if case .acknowledgement(let acknowledgement) = packet { acknowledgement.packetIdentifier } else { nil }
        }
        #expect(acknowledged == [5, 3, 9, 1])
    }

    @Test("User properties pass in their order, a topic alias does not pass")
    func properties() {  // [MQTT-3.3.2-7], [MQTT-3.3.2-18]
        let broker = SimulatedBroker(shards: 2)
        let client = broker.connect("s", on: 1)
        client.subscribe("a")
        var properties = PublishProperties()
        properties.values.topicAlias = 3
        properties.values.userProperties = ["b", "a", "b"].map { UserProperty(name: $0, value: $0) }
        broker.connect("p").publish("a", "x", properties: properties)
        let received = client.takePublishes().first?.properties.values
        #expect(received?.userProperties.map(\.name) == ["b", "a", "b"])
        #expect(received?.topicAlias == nil)
    }

    @Test("QoS 2 from a client is handed on once") func exactlyOnceIn() {  // [MQTT-4.3.3-10]
        let broker = SimulatedBroker()
        let subscriber = broker.connect("s")
        subscriber.subscribe("a")
        let publisher = broker.connect("p")
        publisher.publish("a", "1", qos: .exactlyOnce, identifier: 5)
        publisher.publish("a", "1", qos: .exactlyOnce, identifier: 5, isDuplicate: true)
        publisher.send(.acknowledgement(PublishAcknowledgement(.release, 5)))
        publisher.send(.acknowledgement(PublishAcknowledgement(.release, 5)))
        #expect(subscriber.takePayloads() == ["1"])
        let answers = publisher.takeAll().compactMap { packet -> PublishAcknowledgement? in
            if case .acknowledgement(let acknowledgement) = packet { acknowledgement } else { nil }
        }
        #expect(
            answers == [
                PublishAcknowledgement(.recorded, 5), PublishAcknowledgement(.recorded, 5),
                PublishAcknowledgement(.complete, 5),  // [MQTT-4.3.3-11]
                PublishAcknowledgement(.complete, 5, reasonCode: .packetIdentifierNotFound),
            ]
        )
        publisher.publish("a", "2", qos: .exactlyOnce, identifier: 5)  // a new message [MQTT-4.3.3-12]
        #expect(subscriber.takePayloads() == ["2"])
    }

    @Test("QoS 2 to a client takes its four packets") func exactlyOnceOut() {
        let broker = SimulatedBroker()
        let subscriber = broker.connect("s")
        subscriber.subscribe("a", qos: .exactlyOnce)
        broker.connect("p").publish("a", "1", qos: .exactlyOnce, identifier: 5)
        let identifier = subscriber.takePublishes().first?.packetIdentifier ?? 0
        _ = subscriber.takeAll()
        subscriber.send(.acknowledgement(PublishAcknowledgement(.recorded, identifier)))
        subscriber.send(.acknowledgement(PublishAcknowledgement(.recorded, identifier)))
        #expect(
            subscriber.takeAll() == [  // [MQTT-4.3.3-4]; a repeated PUBREC is answered again
                .acknowledgement(PublishAcknowledgement(.release, identifier)),
                .acknowledgement(PublishAcknowledgement(.release, identifier)),
            ]
        )
        subscriber.send(.acknowledgement(PublishAcknowledgement(.complete, identifier)))
        subscriber.send(.acknowledgement(PublishAcknowledgement(.recorded, identifier)))
        #expect(
            subscriber.takeAll() == [
                .acknowledgement(
                    PublishAcknowledgement(.release, identifier, reasonCode: .packetIdentifierNotFound)
                )
            ]
        )
    }

    @Test("Acknowledgements say when nobody listens") func noMatchingSubscribers() {
        let broker = SimulatedBroker(shards: 3)
        let publisher = broker.connect("p")
        publisher.publish("nobody", "1", qos: .atLeastOnce, identifier: 1)
        #expect(
            publisher.takeAll().last
                == .acknowledgement(PublishAcknowledgement(.received, 1, reasonCode: .noMatchingSubscribers))
        )
    }

    @Test("A client that sends more QoS 2 than it may is told so") func receiveMaximumExceeded() {  // [MQTT-3.3.4-7]
        var limits = Limits()
        limits.maximumAwaitingRelease = 2
        let broker = SimulatedBroker(limits: limits)
        let publisher = broker.connect("p")
        for identifier in 1...2 { publisher.publish("a", "", qos: .exactlyOnce, identifier: UInt16(identifier)) }
        #expect(!publisher.isClosed)
        publisher.publish("a", "", qos: .exactlyOnce, identifier: 3)
        #expect(publisher.disconnectReason == .receiveMaximumExceeded)
        let older = broker.connect("o", version: .v3_1_1)
        for identifier in 1...50 { older.publish("a", "", qos: .exactlyOnce, identifier: UInt16(identifier)) }
        #expect(!older.isClosed)
    }

    @Test("More in flight than the client takes is never sent", arguments: [1, 3])
    func receiveMaximum(maximum: UInt16) {  // [MQTT-3.3.4-9]
        let broker = SimulatedBroker()
        let subscriber = broker.connect("s", receiveMaximum: maximum)
        subscriber.subscribe("a", qos: .atLeastOnce)
        let publisher = broker.connect("p")
        for number in 0..<10 { publisher.publish("a", "\(number)", qos: .atLeastOnce, identifier: 1) }
        var received: [String] = []
        while true {
            let publishes = subscriber.takePublishes()
            if publishes.isEmpty { break }
            #expect(publishes.count <= maximum)
            received += publishes.map { String(buffer: $0.payload) }
            for publish in publishes {
                subscriber.send(.acknowledgement(PublishAcknowledgement(.received, publish.packetIdentifier)))
            }
        }
        #expect(received == (0..<10).map(String.init))  // in order [MQTT-4.6.0-6]
    }

    @Test("QoS beyond the server's maximum ends the connection") func qosNotSupported() {  // [MQTT-3.2.2-11]
        var limits = Limits()
        limits.maximumQoS = .atLeastOnce
        let publisher = SimulatedBroker(limits: limits).connect("p")
        publisher.publish("a", "", qos: .exactlyOnce, identifier: 1)
        #expect(publisher.disconnectReason == .qosNotSupported)
    }

    @Test func retainNotSupported() {
        var limits = Limits()
        limits.retainAvailable = false
        let publisher = SimulatedBroker(limits: limits).connect("p")
        publisher.publish("a", "", retain: true)
        #expect(publisher.disconnectReason == .retainNotSupported)
    }

    @Test("A topic with too many levels is refused") func tooManyLevels() {
        var limits = Limits()
        limits.maximumTopicLevels = 3
        let publisher = SimulatedBroker(limits: limits).connect("p")
        publisher.publish("a/b/c", "")
        #expect(!publisher.isClosed)
        publisher.publish("a/b/c/d", "")
        #expect(publisher.disconnectReason == .topicNameInvalid)
    }

    @Test("A packet that the client cannot take is left out") func maximumPacketSize() {  // [MQTT-3.1.2-24]
        let broker = SimulatedBroker()
        let subscriber = broker.connect("s", maximumPacketSize: 20)
        subscriber.subscribe("a", qos: .atLeastOnce)
        let publisher = broker.connect("p")
        publisher.publish("a", String(repeating: "x", count: 40), qos: .atLeastOnce, identifier: 1)
        publisher.publish("a", "small", qos: .atLeastOnce, identifier: 1)
        #expect(subscriber.takePayloads() == ["small"])
        #expect(broker.counters.messagesDroppedTooLarge == 1)
    }

    @Test("A packet beyond the server's limit ends the connection") func tooLarge() {
        var limits = Limits()
        limits.maximumPacketSize = 100
        let publisher = SimulatedBroker(limits: limits).connect("p")
        publisher.send(octets: [0x30, 0x80, 0x01])
        #expect(publisher.disconnectReason == .packetTooLarge)
    }

    @Test("Large payloads pass whole, beside small ones") func large() {
        let broker = SimulatedBroker()
        let subscriber = broker.connect("s")
        subscriber.subscribe("#")
        let publisher = broker.connect("p")
        let large = String(repeating: "x", count: 100_000)
        publisher.publish("a", "before")
        publisher.publish("a", large)
        publisher.publish("a", "after")
        #expect(subscriber.takePayloads() == ["before", large, "after"])
    }

    @Suite struct Aliases {
        private func properties(_ alias: UInt16) -> PublishProperties {
            var values = PublishProperties.Values()
            values.topicAlias = alias
            return PublishProperties(values)
        }

        @Test("An alias stands for the topic that it was last given") func used() {  // [MQTT-3.3.2-12]
            let broker = SimulatedBroker()
            let subscriber = broker.connect("s")
            subscriber.subscribe("#")
            let publisher = broker.connect("p")
            publisher.publish("a", "1", properties: properties(3))
            publisher.publish("", "2", properties: properties(3))
            publisher.publish("b", "3", properties: properties(3))
            publisher.publish("", "4", properties: properties(3))
            let received = subscriber.takePublishes()
            #expect(received.map { String(buffer: $0.topic) } == ["a", "a", "b", "b"])
            #expect(received.allSatisfy { $0.properties.values.topicAlias == nil })
        }

        @Test("An alias without a topic behind it is a Protocol Error (MQTT 5.0 §3.3.4)") func unknown() {
            let broker = SimulatedBroker()
            let publisher = broker.connect("p")
            publisher.publish("", "2", properties: properties(3))
            #expect(publisher.disconnectReason == .protocolError)
        }

        @Test("An alias beyond a bound ends the connection") func refused() {  // [MQTT-3.3.2-9]
            var limits = Limits()
            limits.maximumTopicAlias = 100
            limits.maximumTopicAliasBytes = 1000
            let broker = SimulatedBroker(limits: limits)
            let greedy = broker.connect("q")
            greedy.publish("a", "", properties: properties(101))
            #expect(greedy.disconnectReason == .topicAliasInvalid)
            let hoarder = broker.connect("h")
            for alias in 1...15 as ClosedRange<UInt16> { hoarder.publish("a", "", properties: properties(alias)) }
            for _ in 0..<20 { hoarder.publish("b", "", properties: properties(3)) }
            #expect(!hoarder.isClosed)
            hoarder.publish("c", "", properties: properties(16))
            #expect(hoarder.disconnectReason == .quotaExceeded)
        }
    }

    @Suite struct Expiry {
        private var properties: PublishProperties {
            var values = PublishProperties.Values()
            values.messageExpiryInterval = 10
            return PublishProperties(values)
        }

        @Test("A message that waited too long is not sent") func expired() {  // [MQTT-3.3.2-5]
            let broker = SimulatedBroker()
            broker.drop(persistent(broker))
            broker.connect("p").publish("a", "1", properties: properties)
            broker.advance(by: .seconds(11))
            let subscriber = broker.connect("s", cleanStart: false, expiry: 100)
            #expect(subscriber.takePayloads().isEmpty)
            #expect(broker.counters.messagesExpired == 1)
        }

        @Test("A retained one goes when it expires, whether or not anybody asks for it") func retainedExpired() {
            let broker = SimulatedBroker(shards: 2)
            let publisher = broker.connect("p")
            func publish(_ payload: String, expiry: UInt32?) {
                var properties = PublishProperties()
                properties.values.messageExpiryInterval = expiry
                publisher.publish("a", payload, retain: true, properties: properties)
            }
            func retained() -> Int { broker.shards.reduce(0) { $0 + $1.shard.retainedCount } }
            publish("x", expiry: 10)
            broker.advance(by: .seconds(9))
            #expect(retained() == 1)
            broker.advance(by: .seconds(2))
            #expect(retained() == 0)
            publish("y", expiry: 10)
            publish("z", expiry: nil)
            broker.advance(by: .seconds(11))
            #expect(retained() == 1)
            for _ in 0..<5000 {
                publish("often", expiry: .max)
                broker.advance(by: .milliseconds(1))
            }
            #expect(broker.shards.reduce(0) { $0 + $1.shard.deadlineCount } == 1)
        }

        @Test("One that waited less says what is left") func remaining() {  // [MQTT-3.3.2-6]
            let broker = SimulatedBroker()
            broker.drop(persistent(broker))
            broker.connect("p").publish("a", "1", properties: properties)
            broker.advance(by: .seconds(4))
            let subscriber = broker.connect("s", cleanStart: false, expiry: 100)
            #expect(subscriber.takePublishes().map(\.properties.values.messageExpiryInterval) == [6])
        }

        private func persistent(_ broker: SimulatedBroker) -> SimulatedClient {
            let subscriber = broker.connect("s", expiry: 100)
            subscriber.subscribe("a")
            return subscriber
        }
    }

    @Suite struct SlowReaders {
        @Test("What a slow client is owed waits, within bounds, and goes out in order") func waits() {
            var limits = Limits()
            limits.maximumQueueLength = 5
            let broker = SimulatedBroker(limits: limits)
            let slow = broker.connect("slow")
            let quick = broker.connect("quick")
            slow.subscribe("a")
            quick.subscribe("a")
            broker.setBlocked(true, slow)
            #expect(slow.connection.isReadingPaused)
            let publisher = broker.connect("p")
            for number in 0..<8 { publisher.publish("a", "\(number)") }
            #expect(quick.takePayloads().count == 8)
            #expect(slow.takePayloads().isEmpty)
            broker.setBlocked(false, slow)
            #expect(slow.takePayloads() == ["0", "1", "2", "3", "4"])
            #expect(broker.counters.messagesDroppedQueueFull == 3)
        }

        @Test("A burst beyond the high-water mark goes out in portions") func portions() {
            var limits = Limits()
            limits.outputHighWaterMark = 100
            let broker = SimulatedBroker(limits: limits)
            let subscriber = broker.connect("s")
            subscriber.subscribe("a", qos: .atLeastOnce)
            subscriber.subscribe("b")
            let publisher = broker.connect("p")
            var burst = ByteBuffer()
            for number in 0..<30 {
                let publish = Publish(topic: ByteBuffer(string: "b"), payload: ByteBuffer(string: "message \(number)"))
                burst.write(.publish(publish), version: .v5)
            }
            broker.receive(burst, from: publisher, settles: true)
            #expect(subscriber.takePayloads() == (0..<30).map { "message \($0)" })
        }

        @Test("At the bound of octets QoS 1 displaces the oldest") func bytes() {
            var limits = Limits()
            limits.maximumQueueBytes = 55
            let broker = SimulatedBroker(limits: limits)
            let client = broker.connect("s", expiry: 100)
            client.subscribe("a", qos: .atLeastOnce)
            broker.drop(client)
            let publisher = broker.connect("p")
            for number in 0..<4 { publisher.publish("a", "message-\(number)", qos: .atLeastOnce, identifier: 1) }
            publisher.publish("a", "message-q")
            let back = broker.connect("s", cleanStart: false, expiry: 100)
            #expect(back.takePayloads() == ["message-1", "message-2", "message-3"])
        }

        @Test("Properties count, and what could never fit displaces nothing") func properties() {
            var limits = Limits()
            limits.maximumQueueBytes = 1000
            let broker = SimulatedBroker(limits: limits)
            let client = broker.connect("s", expiry: 100)
            client.subscribe("a", qos: .atLeastOnce)
            broker.drop(client)
            let publisher = broker.connect("p")
            publisher.publish("a", "small", qos: .atLeastOnce, identifier: 1)
            var properties = PublishProperties()
            properties.values.userProperties = [UserProperty(name: "name", value: String(repeating: "v", count: 1000))]
            publisher.publish("a", "large", qos: .atLeastOnce, identifier: 1, properties: properties)
            #expect(broker.connect("s", cleanStart: false, expiry: 100).takePayloads() == ["small"])
            #expect(broker.counters.messagesDroppedQueueFull == 1)
        }
    }
}
