import MQTTBroker
import MQTTCodec
import NIOCore

extension ShardLoad {
    /// What each load is called in ceilings.json, and how to make it. The unit is what the name begins with.
    package static var all: [(name: String, make: () -> Self)] {
        [
            ("message at QoS 0", { pair(.atMostOnce) }),
            ("message at QoS 1", { pair(.atLeastOnce) }),
            ("message at QoS 2", { pair(.exactlyOnce) }),
            ("message to another shard at QoS 1", { pair(.atLeastOnce, shards: 2) }),
            ("message to another node at QoS 0", { pair(.atMostOnce, between: LoadedBroker(nodes: 2)) }),
            ("message to 100 subscribers at QoS 0", { fanOut(subscribers: 100) }),
            ("message on a topic without a remembered route", { coldTopics() }),
            ("message for a client that is away", { queue() }),
            ("durable message that is acknowledged before its commit", { pair(.atLeastOnce, isDurable: true) }),
            ("durable message that is committed", { queue(isDurable: true) }),
            ("connect and disconnect", { connect() }),
            ("connect to a session on another shard", { move() }),
            ("subscribe to a retained message and unsubscribe", { subscribe() }),
        ]
    }

    private static let topic = "devices/1207/state"

    /// Messages of one client to another, ten in a read burst; of a durable one, with a commit after each burst.
    private static func pair(_ qos: QualityOfService, shards: Int = 1, isDurable: Bool = false) -> Self {
        pair(qos, between: LoadedBroker(shards: shards, isLogging: isDurable), isDurable: isDurable)
    }

    /// - Parameter broker: the publisher's shard is the first, and the subscriber's the last.
    private static func pair(_ qos: QualityOfService, between broker: LoadedBroker, isDurable: Bool = false) -> Self {
        let subscriber = broker.connect("subscriber", on: broker.shards - 1, isDurable: isDurable)
        broker.receive(subscribe(to: topic, qos), from: subscriber)
        broker.commit()
        let publisher = broker.connect("publisher")
        let burst = 10
        let identifiers = (1...UInt16(burst)).map { $0 }
        let publishes = ByteBuffer(identifiers.map { .publish(publish(topic, qos, $0)) })
        let releases = ByteBuffer(identifiers.map { acknowledgement(.release, $0) })
        // The broker counts its identifiers on, from 1.
        let answers: [[ByteBuffer]] = (0..<2 * units / burst).map { step in
            let identifiers = identifiers.map { $0 + UInt16(step * burst) }
            let kinds: [PublishAcknowledgement.Kind] =
                switch qos {
                case .atMostOnce: []
                case .atLeastOnce: [.received]
                case .exactlyOnce: [.recorded, .complete]
                }
            return kinds.map { kind in ByteBuffer(identifiers.map { acknowledgement(kind, $0) }) }
        }
        return Self(on: broker, unitsPerStep: burst, counter: \.messagesDelivered) { step in
            broker.receive(publishes, from: publisher)
            if qos == .exactlyOnce { broker.receive(releases, from: publisher) }
            for answer in answers[step] { broker.receive(answer, from: subscriber) }
            broker.commit()
        }
    }

    private static func fanOut(subscribers: Int) -> Self {
        let broker = LoadedBroker(shards: 1)
        for number in 0..<subscribers {
            broker.receive(subscribe(to: topic, .atMostOnce), from: broker.connect("subscriber \(number)"))
        }
        let publisher = broker.connect("publisher")
        let publishes = ByteBuffer(.publish(publish(topic)))
        return Self(on: broker, counter: \.messagesDelivered, countPerUnit: subscribers) { _ in
            broker.receive(publishes, from: publisher)
        }
    }

    /// Messages whose topics are matched against the tree each time: between two of them comes a subscription.
    private static func coldTopics() -> Self {
        let broker = LoadedBroker(shards: 1)
        let subscriber = broker.connect("subscriber")
        for number in 0..<100 {
            broker.receive(subscribe(to: "devices/\(number)/state", .atMostOnce), from: subscriber)
        }
        for filter in ["devices/+/state", "devices/#", "+/1207/#"] {
            broker.receive(subscribe(to: filter, .atMostOnce), from: subscriber)
        }
        let publisher = broker.connect("publisher")
        let publishes = ByteBuffer(.publish(publish(topic)))
        let subscribe = subscribe(to: "other")
        return Self(on: broker, counter: \.messagesDelivered) { _ in
            broker.receive(subscribe, from: subscriber)
            broker.receive(publishes, from: publisher)
        }
    }

    /// Messages that displace one another in the queue of a session without a connection, each with a commit of its own if they are
    /// durable.
    private static func queue(isDurable: Bool = false) -> Self {
        let broker = LoadedBroker(shards: 1, isLogging: isDurable)
        let client = broker.connect("away", isDurable: true)
        broker.receive(subscribe(to: topic, .atLeastOnce), from: client)
        broker.receive(ByteBuffer(.disconnect(Disconnect())), from: client)
        let publisher = broker.connect("publisher")
        let publishes = ByteBuffer(.publish(publish(topic, .atLeastOnce, 1)))
        return Self(on: broker, counter: \.messagesQueued) { _ in
            broker.receive(publishes, from: publisher)
            broker.commit()
        }
    }

    /// A client's whole life, with a new identifier each time.
    private static func connect() -> Self {
        let broker = LoadedBroker(shards: 1)
        let connects = (0..<2 * units).map { ByteBuffer(.connect(Connect(clientIdentifier: "device \($0)"))) }
        let disconnect = ByteBuffer(.disconnect(Disconnect()))
        return Self(on: broker, counter: \.sessionsCreated) { step in
            let client = broker.open()
            broker.receive(connects[step], from: client)
            broker.receive(disconnect, from: client)
        }
    }

    /// A client with a session that comes back on another shard each time, to a home on a third.
    private static func move() -> Self {
        let broker = LoadedBroker(shards: 3)
        var connect = Connect(clientIdentifier: "wanderer", cleanStart: false)
        connect.properties.sessionExpiryInterval = .max
        let connects = ByteBuffer(.connect(connect))
        let disconnect = ByteBuffer(.disconnect(Disconnect()))
        return Self(on: broker, counter: \.sessionsResumed) { step in
            let client = broker.open(on: step % 2)
            broker.receive(connects, from: client)
            if step == 0 { broker.receive(subscribe(to: topic, .atLeastOnce), from: client) }
            broker.receive(disconnect, from: client)
        }
    }

    private static func subscribe() -> Self {
        let broker = LoadedBroker(shards: 1)
        let publisher = broker.connect("publisher")
        for number in 0..<100 {
            broker.receive(ByteBuffer(.publish(publish("devices/\(number)/state", retain: true))), from: publisher)
        }
        let client = broker.connect("subscriber")
        let filter = "devices/7/#"
        let subscribe = subscribe(to: filter)
        let unsubscribe = ByteBuffer(.unsubscribe(Unsubscribe(packetIdentifier: 2, topicFilters: [filter])))
        return Self(on: broker, counter: \.messagesDelivered) { _ in
            broker.receive(subscribe, from: client)
            broker.receive(unsubscribe, from: client)
        }
    }

    private static func publish(
        _ topic: String,
        _ qos: QualityOfService = .atMostOnce,
        _ identifier: UInt16 = 0,
        retain: Bool = false
    ) -> Publish {
        Publish(
            topic: ByteBuffer(string: topic),
            payload: ByteBuffer(repeating: 0x78, count: 64),
            qos: qos,
            packetIdentifier: identifier,
            retain: retain
        )
    }

    private static func acknowledgement(_ kind: PublishAcknowledgement.Kind, _ identifier: UInt16) -> Packet {
        .acknowledgement(PublishAcknowledgement(kind, identifier))
    }

    private static func subscribe(to filter: String, _ qos: QualityOfService = .atMostOnce) -> ByteBuffer {
        let options = SubscriptionOptions(maximumQoS: qos)
        let subscription = Subscribe.Subscription(topicFilter: filter, options: options)
        return ByteBuffer(.subscribe(Subscribe(packetIdentifier: 1, subscriptions: [subscription])))
    }
}
