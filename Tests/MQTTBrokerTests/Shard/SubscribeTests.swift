import MQTTCodec
import NIOCore
import Testing

@testable import MQTTBroker

@Suite struct SubscribeTests {
    /// MQTT 5.0 §4.7.
    static let matches: [(filter: String, topic: String, matches: Bool)] = [
        ("a/b", "a/b", true), ("a/b", "a", false), ("a/b", "a/b/c", false), ("a/b", "A/b", false),
        ("sport/tennis/player1/#", "sport/tennis/player1", true),
        ("sport/tennis/player1/#", "sport/tennis/player1/ranking", true),
        ("sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true),
        ("sport/#", "sport", true), ("#", "a", true), ("#", "a/b/c", true), ("#", "/", true),
        ("sport/tennis/+", "sport/tennis/player1", true), ("sport/tennis/+", "sport/tennis/player1/ranking", false),
        ("sport/+", "sport", false), ("sport/+", "sport/", true),
        ("+/+", "/finance", true), ("/+", "/finance", true), ("+", "/finance", false), ("+", "finance", true),
        ("+/tennis/#", "sport/tennis", true), ("+/tennis/#", "sport/golf", false), ("a/+/c", "a//c", true),
        ("#", "$SYS/uptime", false), ("+/uptime", "$SYS/uptime", false),  // [MQTT-4.7.2-1]
        ("$SYS/#", "$SYS/uptime", true), ("$SYS/+", "$SYS/uptime", true), ("a/#", "a/$b", true),
        ("a//b", "a//b", true), ("/", "/", true), ("é", "e\u{301}", false),  // [MQTT-4.7.3-4]
    ]

    @Test("Filters match as §4.7 says, within a shard and across", arguments: matches, [1, 3])
    func matching(_ test: (filter: String, topic: String, matches: Bool), shards: Int) {
        let broker = SimulatedBroker(shards: shards)
        let subscriber = broker.connect("s", on: shards - 1)
        subscriber.subscribe(test.filter)
        let publisher = broker.connect("p")
        publisher.publish(test.topic, "x")
        #expect(subscriber.takePayloads().count == (test.matches ? 1 : 0))
        publisher.publish(test.topic, "kept", retain: true)
        let late = broker.connect("late", on: shards / 2)
        late.subscribe(test.filter)
        #expect(late.takePayloads().count == (test.matches ? 1 : 0))
    }

    @Test(
        "Filters that §4.7.1 does not allow are refused one by one",
        arguments: ["", "a/#/b", "a#", "#a", "a+/b", "+a", "a/b+", "##", "++"]
    )
    func invalid(filter: String) {  // [MQTT-4.7.1-1], [MQTT-4.7.1-2], [MQTT-4.7.3-1]
        #expect(throws: TopicFilter.Refusal(reasonCode: .topicFilterInvalid)) {
            try TopicFilter(filter, limits: Limits())
        }
    }

    @Test("SUBACK answers each filter in order") func reasonCodes() {  // [MQTT-3.9.3-1]
        var limits = Limits()
        limits.maximumQoS = .atLeastOnce
        limits.maximumSubscriptions = 2
        let client = SimulatedBroker(limits: limits).connect("s")
        _ = client.takeAll()
        let filters: [(String, QualityOfService)] = [
            ("a", .exactlyOnce), ("b/#/c", .atMostOnce), ("b", .atMostOnce), ("c", .atMostOnce), ("a", .atMostOnce),
            ("$share/g/a", .atMostOnce),
        ]
        client.send(
            .subscribe(
                Subscribe(
                    packetIdentifier: 3,
                    subscriptions: filters.map {
                        .init(topicFilter: $0.0, options: SubscriptionOptions(maximumQoS: $0.1))
                    }
                )
            )
        )
        #expect(
            client.takeAll() == [
                .subscribeAcknowledgement(
                    SubscribeAcknowledgement(
                        packetIdentifier: 3,
                        reasonCodes: [
                            .grantedQoS1, .topicFilterInvalid, .grantedQoS0, .quotaExceeded, .grantedQoS0,
                            .sharedSubscriptionsNotSupported,
                        ]
                    )
                )
            ]
        )
    }

    @Test("UNSUBACK says what there was, and nothing more arrives") func unsubscribe() {  // [MQTT-3.10.4-1]
        let broker = SimulatedBroker(shards: 2)
        let client = broker.connect("s")
        let publisher = broker.connect("p", on: 1)
        client.subscribe("a/+")
        publisher.publish("a/b", "1")
        _ = client.takeAll()
        client.send(.unsubscribe(Unsubscribe(packetIdentifier: 2, topicFilters: ["a/+", "a/b", "a/#/c"])))
        #expect(
            client.takeAll() == [
                .unsubscribeAcknowledgement(
                    UnsubscribeAcknowledgement(
                        packetIdentifier: 2,
                        reasonCodes: [.success, .noSubscriptionExisted, .topicFilterInvalid]
                    )
                )
            ]
        )
        publisher.publish("a/b", "2")
        #expect(client.takePayloads().isEmpty)
        #expect(broker.shards[0].shard.subscriptionCount == 0)
    }

    @Test("Overlapping subscriptions give one copy with all their identifiers")
    func overlapping() {  // [MQTT-3.3.4-3], [MQTT-3.3.5-1]
        let broker = SimulatedBroker()
        let client = broker.connect("s")
        client.subscribe("a/#", qos: .atMostOnce, identifier: 1)
        client.subscribe("a/+", qos: .exactlyOnce, identifier: 2)
        client.subscribe("a/b", qos: .atLeastOnce)
        broker.connect("p").publish("a/b", "x", qos: .exactlyOnce, identifier: 1)
        let received = client.takePublishes()
        #expect(received.count == 1)
        #expect(received.first?.qos == .exactlyOnce)  // [MQTT-3.3.4-2]
        #expect(received.first.map { Set($0.properties.values.subscriptionIdentifiers) } == [1, 2])
    }

    @Test("A second subscription to a filter takes the place of the first") func replaced() {  // [MQTT-3.8.4-3]
        let broker = SimulatedBroker(shards: 2)
        let client = broker.connect("s", on: 1)
        client.subscribe("a", qos: .exactlyOnce, identifier: 1)
        client.subscribe("a", qos: .atMostOnce, identifier: 2)
        broker.connect("p").publish("a", "x", qos: .exactlyOnce, identifier: 1)
        let received = client.takePublishes()
        #expect(received.map(\.qos) == [.atMostOnce])
        #expect(received.first?.properties.values.subscriptionIdentifiers == [2])
        #expect(broker.shards[1].shard.subscriptionCount == 1)
    }

    @Test("A publisher does not hear itself where No Local is set") func noLocal() {  // [MQTT-3.8.3-3]
        let broker = SimulatedBroker()
        let client = broker.connect("s")
        client.subscribe("a", noLocal: true)
        client.subscribe("b")
        client.publish("a", "own")
        client.publish("b", "own b")
        broker.connect("p").publish("a", "other")
        #expect(client.takePayloads() == ["own b", "other"])
    }

    @Test("RETAIN is kept where it is asked for") func retainAsPublished() {  // [MQTT-3.3.1-12], [MQTT-3.3.1-13]
        let broker = SimulatedBroker(shards: 2)
        let plain = broker.connect("s")
        let faithful = broker.connect("t", on: 1)
        plain.subscribe("a")
        faithful.subscribe("a", retainAsPublished: true)
        broker.connect("p").publish("a", "x", retain: true)
        #expect(plain.takePublishes().map(\.retain) == [false])
        #expect(faithful.takePublishes().map(\.retain) == [true])
    }

    @Suite struct Retained {
        @Test("The last one is kept, with its properties, and an empty one ends it", arguments: [1, 4])
        func kept(shards: Int) {  // [MQTT-3.3.1-5], [MQTT-3.3.1-6]
            let broker = SimulatedBroker(shards: shards)
            let publisher = broker.connect("p")
            var values = PublishProperties.Values()
            values.contentType = "text/plain"
            values.userProperties = [UserProperty(name: "n", value: "v")]
            publisher.publish("a/b", "1", retain: true)
            publisher.publish(
                "a/b",
                "2",
                qos: .atLeastOnce,
                identifier: 1,
                retain: true,
                properties: PublishProperties(values)
            )
            publisher.publish("a/c", "3", retain: true)
            publisher.publish("a/c", "", retain: true)
            publisher.publish("a/d", "not kept")

            let client = broker.connect("s", on: shards - 1)
            client.subscribe("a/+", qos: .atLeastOnce, identifier: 7)
            let received = client.takePublishes()
            #expect(received.map { String(buffer: $0.payload) } == ["2"])
            #expect(received.map(\.retain) == [true])  // [MQTT-3.3.1-8]
            #expect(received.map(\.qos) == [.atLeastOnce])
            #expect(received.first?.properties.values.contentType == "text/plain")
            #expect(received.first?.properties.values.userProperties == values.userProperties)
            #expect(received.first?.properties.values.subscriptionIdentifiers == [7])
            #expect(broker.shards.reduce(0) { $0 + $1.shard.retainedCount } == 1)
        }

        @Test("Retain Handling decides when they are sent")
        func handling() {  // [MQTT-3.3.1-9], [MQTT-3.3.1-10], [MQTT-3.3.1-11]
            let broker = SimulatedBroker(shards: 2)
            broker.connect("p").publish("a", "x", retain: true)
            let client = broker.connect("s", on: 1)
            client.subscribe("a", retainHandling: .doNotSend)
            #expect(client.takePayloads().isEmpty)
            client.subscribe("a", retainHandling: .sendIfNew)
            #expect(client.takePayloads().isEmpty)
            client.subscribe("a", retainHandling: .send)
            #expect(client.takePayloads() == ["x"])
            client.subscribe("+", retainHandling: .sendIfNew)
            #expect(client.takePayloads() == ["x"])
        }

        @Test(
            "They go ahead of what is published while SUBSCRIBE is being answered",
            arguments: 0..<20 as Range<UInt64>
        )
        func order(seed: UInt64) {
            let broker = SimulatedBroker(shards: 3, seed: seed)
            let publisher = broker.connect("p", on: 1)
            publisher.publish("a", "0", retain: true)
            let client = broker.connect("s", on: 2)
            client.subscribe("a", settles: false)
            for number in 1..<10 {
                publisher.publish("a", "\(number)", retain: true, settles: false)
                broker.step()
            }
            broker.settle()
            let payloads = client.takePayloads().compactMap { Int($0) }
            #expect(payloads.last == 9)
            #expect(payloads.dropFirst().elementsEqual(payloads.dropFirst().sorted()))
        }

        @Test("What comes later waits for them where the window is small") func notPassed() {
            let broker = SimulatedBroker()
            let publisher = broker.connect("p")
            for name in ["b", "c", "d"] {
                publisher.publish(name, "old", qos: .atLeastOnce, identifier: 1, retain: true)
            }
            let client = broker.connect("s", receiveMaximum: 1)
            client.subscribe("+", qos: .atLeastOnce)
            for name in ["b", "c", "d"] { publisher.publish(name, "new") }
            for publish in client.takePublishes() {
                client.send(.acknowledgement(PublishAcknowledgement(.received, publish.packetIdentifier)))
            }
            var received: [String] = []
            while case let publishes = client.takePublishes(), !publishes.isEmpty {
                for publish in publishes {
                    received.append(String(buffer: publish.payload))
                    if publish.qos == .atMostOnce { continue }
                    client.send(.acknowledgement(PublishAcknowledgement(.received, publish.packetIdentifier)))
                }
            }
            #expect(received == ["old", "old", "new", "new", "new"])
        }

        @Test("Their number and octets are bounded; what does not fit is still delivered") func bounded() {
            var limits = Limits()
            limits.maximumRetainedMessages = 2
            limits.maximumRetainedBytes = 2 * RetainedMessages.levelByteCount + 20
            let broker = SimulatedBroker(limits: limits)
            let client = broker.connect("s")
            client.subscribe("#")
            let publisher = broker.connect("p")
            for topic in ["a", "b", "c"] { publisher.publish(topic, "x", retain: true) }
            publisher.publish("a", String(repeating: "y", count: 30), retain: true)
            #expect(client.takePayloads().count == 4)
            #expect(broker.shards[0].shard.retainedCount == 2)
            #expect(broker.counters.retainedMessagesRefused == 2)
        }

        @Test("A payload beyond the bound is delivered but not kept") func payload() {
            var limits = Limits()
            limits.maximumRetainedPayload = 3
            let broker = SimulatedBroker(limits: limits)
            let client = broker.connect("s")
            client.subscribe("#")
            let publisher = broker.connect("p")
            publisher.publish("a", "123", retain: true)
            publisher.publish("b", "1234", retain: true)
            #expect(client.takePayloads() == ["123", "1234"])
            #expect(broker.shards[0].shard.retainedCount == 1)
            #expect(broker.counters.retainedMessagesRefused == 1)
        }

        @Test("Those that wait for one session are bounded") func backlog() {
            var limits = Limits()
            limits.maximumRetainedBacklog = 5
            let broker = SimulatedBroker(limits: limits)
            let publisher = broker.connect("p")
            for number in 0..<8 { publisher.publish("a/\(number)", "x", retain: true) }
            let client = broker.connect("s")
            client.subscribe("a/#")
            #expect(client.takePayloads().count == 5)
            // That some were left out, not how many.
            #expect(broker.counters.messagesDroppedQueueFull == 1)
        }

        @Test("One SUBSCRIBE finds no more of them than may wait, whatever its filters are", arguments: [1, 4])
        func found(shards: Int) {
            var limits = Limits()
            limits.maximumRetainedBacklog = 150
            let broker = SimulatedBroker(shards: shards, limits: limits)
            let publisher = broker.connect("p")
            for number in 0..<100 { publisher.publish("a/\(number)", "x", retain: true) }
            let client = broker.connect("s", on: shards - 1)
            let filter = Subscribe.Subscription(topicFilter: "#")
            client.send(
                .subscribe(Subscribe(packetIdentifier: 1, subscriptions: Array(repeating: filter, count: 10_000)))
            )
            #expect(client.takePayloads().count == 150)
            #expect(broker.total(\.messagesDroppedQueueFull) == 1)
        }

        @Test("A topic of many levels counts for more than its octets") func levels() {
            var limits = Limits()
            limits.maximumRetainedBytes = 10_000
            limits.maximumTopicLevels = 128
            let broker = SimulatedBroker(limits: limits)
            let publisher = broker.connect("p")
            let tail = String(repeating: "/a", count: 30)
            for number in 0..<5 { publisher.publish("\(number)\(tail)", "x", retain: true) }
            #expect(broker.shards[0].shard.retainedCount == 1)
            // What is removed makes room.
            publisher.publish("0\(tail)", "", retain: true)
            #expect(broker.shards[0].shard.retained.byteCount == 0)
            publisher.publish("1\(tail)", "x", retain: true)
            #expect(broker.shards[0].shard.retainedCount == 1)
        }

        @Test("More than a client's window come as it acknowledges") func many() {
            let broker = SimulatedBroker()
            let publisher = broker.connect("p")
            for number in 0..<3000 {
                publisher.publish("a/\(number)", "x", qos: .atLeastOnce, identifier: 1, retain: true)
            }
            let client = broker.connect("s")
            client.subscribe("a/#", qos: .atLeastOnce)
            var topics: Set<String> = []
            while true {
                let publishes = client.takePublishes()
                if publishes.isEmpty { break }
                for publish in publishes {
                    topics.insert(String(buffer: publish.topic))
                    client.send(.acknowledgement(PublishAcknowledgement(.received, publish.packetIdentifier)))
                }
            }
            #expect(topics.count == 3000)
        }
    }

    @Suite struct InterestOfOthers {
        @Test("A message goes to the shards that may want it, and to no other") func handOver() {
            let broker = SimulatedBroker(shards: 4)
            broker.connect("s1", on: 1).subscribe("a/+/c")
            broker.connect("s2", on: 2).subscribe("x")
            let publisher = broker.connect("p")
            publisher.publish("a/b/c", "1")
            #expect(broker.counters.messagesHandedOver == 1)
            publisher.publish("x", "2")
            #expect(broker.counters.messagesHandedOver == 2)
            publisher.publish("y", "3")
            #expect(broker.counters.messagesHandedOver == 2)
        }

        @Test("Once the last subscriber goes, so does the interest") func withdrawn() {
            let broker = SimulatedBroker(shards: 2)
            let first = broker.connect("s1", on: 1)
            let second = broker.connect("s2", on: 1)
            first.subscribe("a/#")
            second.subscribe("a/#")
            let publisher = broker.connect("p")
            first.disconnect()
            publisher.publish("a/b", "1")
            #expect(broker.counters.messagesHandedOver == 1)
            second.disconnect()
            publisher.publish("a/b", "2")
            #expect(broker.counters.messagesHandedOver == 1)
        }
    }
}
