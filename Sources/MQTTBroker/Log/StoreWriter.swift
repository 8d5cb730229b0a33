import MQTTCodec
package import NIOCore

/// Makes the commits of a new store of what it is to hold, with the records that cleaning writes.
package struct StoreWriter: ~Copyable {
    private var lanes = LaneTable(isLogging: true, leaders: { _ in 0 })
    private var clients: [UTF8Key: Client] = [:]
    private var topics: Set<UTF8Key> = []
    private let now: Instant
    /// Octets of the records that no commit has taken, about.
    package private(set) var octets = 0

    /// A client whose session was added.
    private struct Client {
        let lane: Lane
        let number: UInt64
        var packetIdentifiers: Set<UInt16> = []
        /// True once a message waits: what is in flight comes before.
        var hasQueue = false
    }

    /// Why something cannot be in a store, in the words after "line 7: ".
    package struct Refusal: Error, Equatable, CustomStringConvertible {
        package let description: String
    }

    package init(now: Instant) { self.now = now }

    /// Adds a part of what the store holds.
    package mutating func add(_ item: StoredItem) throws(Refusal) {
        switch item {
        case .lane(let stored): try add(stored)
        case .session(let stored): try add(stored)
        case .delivery(let stored): try add(stored)
        case .outgoing(let stored): try add(stored)
        case .retained(let stored):
            let message = try kept(stored)
            guard topics.insert(UTF8Key(String(buffer: message.encoded.topic))).inserted else {
                throw Refusal(description: "the topic has a retained message already")
            }
            append(.retained(message), to: Lane(ofTopic: message.encoded.topic), octets: message.byteCount)
        }
    }

    /// Takes what was added for a commit; `nil` if there is nothing.
    package mutating func takeCommit() -> ByteBuffer? {
        guard lanes.hasRecords else { return nil }
        var commit = ByteBuffer()
        for batch in lanes.take(.any, now: now) { batch.write(to: &commit, now: now) }
        octets = 0
        return commit
    }

    private mutating func append(_ record: LaneRecord, to lane: Lane, octets count: Int = 32) {
        lanes.append(record, to: lane)
        octets += count
    }

    private func lane(_ number: UInt8) throws(Refusal) -> Lane {
        guard let lane = Lane(number: number) else {
            throw Refusal(description: "there is no lane \(number): lanes are 0 to \(Lane.count - 1)")
        }
        return lane
    }

    private func kept(_ stored: StoredMessage) throws(Refusal) -> Message {
        guard let message = stored.kept(now: now) else {
            throw Refusal(description: "the message is none that a client can have sent")
        }
        return message
    }

    private func check(_ number: UInt64) throws(Refusal) {
        guard (1...LaneRecord.maximumCount).contains(number) else {
            throw Refusal(description: "\(number) is no number of a message that goes from lane to lane")
        }
    }

    private mutating func add(_ stored: StoredLane) throws(Refusal) {
        let lane = try lane(stored.number)
        guard lanes[lane].outbox.lastNumber == 0 else { throw Refusal(description: "the lane is there already") }
        for (source, number) in stored.sources.sorted(by: { $0.key < $1.key }) {
            try check(number)
            append(.source(try self.lane(source), number: number), to: lane)
        }
        guard stored.passed > 0 else { return }
        try check(stored.passed)
        lanes[lane].outbox.restore(passed: stored.passed)
        append(.passed(stored.passed), to: lane)
    }

    private mutating func add(_ stored: StoredOutgoing) throws(Refusal) {
        let lane = try lane(stored.lane)
        try check(stored.number)
        guard stored.number > lanes[lane].outbox.lastNumber else {
            throw Refusal(description: "message \(stored.number) of lane \(stored.lane) does not follow the one before")
        }
        let message = try kept(stored.message)
        lanes[lane].outbox.restore(passed: stored.number)
        append(
            .posted(
                publisher: stored.publisher,
                message,
                retain: stored.message.publish.retain,
                number: stored.number
            ),
            to: lane,
            octets: message.byteCount
        )
    }

    private mutating func add(_ stored: StoredSession) throws(Refusal) {
        let key = UTF8Key(stored.client)
        guard clients[key] == nil else { throw Refusal(description: "the client has a session already") }
        guard !stored.client.isEmpty, stored.client.utf8.count <= UInt16.max else {
            throw Refusal(description: "no client identifier is empty or longer than 65,535 octets")
        }
        let will = try stored.will.map { (will) throws(Refusal) in try check(will) }
        let lane = Lane(clientHash: Session.identity(of: key))
        let number = lanes[lane].makeSessionNumber(lane)
        clients[key] = Client(lane: lane, number: number)
        append(.session(number, client: key), to: lane, octets: 32 + stored.client.utf8.count)
        if let since = stored.awaySince {
            guard will == nil || stored.willDue != nil else {
                throw Refusal(description: "nothing says when the will is due")
            }
            let expiry = stored.expiryInterval
            append(.away(number, since: since, expiryInterval: expiry, will: will, due: stored.willDue ?? 0), to: lane)
        } else {
            append(.attached(number, expiryInterval: stored.expiryInterval, will: will), to: lane)
        }
        for subscription in stored.subscriptions {
            let kept = Session.Subscription(options: subscription.options, identifier: subscription.identifier)
            append(
                .subscribed(number, try filter(subscription), kept),
                to: lane,
                octets: 32 + subscription.filter.utf8.count
            )
        }
        for identifier in stored.received {
            try check(packetIdentifier: identifier)
            append(.adopted(number, packetIdentifier: identifier), to: lane)
        }
        for identifier in stored.orphaned {
            try check(packetIdentifier: identifier)
            append(.orphaned(number, packetIdentifier: identifier), to: lane)
        }
    }

    private func filter(_ subscription: StoredSession.Subscription) throws(Refusal) -> TopicFilter {
        guard subscription.identifier <= 268_435_455 else {
            throw Refusal(description: "\(subscription.identifier) is no Subscription Identifier")
        }
        var limits = Limits()
        limits.maximumTopicLevels = .max
        guard subscription.filter.utf8.count <= UInt16.max,
            let filter = try? TopicFilter(subscription.filter, limits: limits)
        else { throw Refusal(description: "\(subscription.filter) is no topic filter") }
        return filter
    }

    private func check(_ will: Connect.Will) throws(Refusal) -> Connect.Will {
        var publish = Publish(topic: will.topic, payload: will.payload, qos: will.qos, retain: will.retain)
        publish.properties = will.properties
        publish.properties.values.willDelayInterval = nil
        let encoded = EncodedPublish(publish)
        guard will.topic.readableBytes > 0, will.payload.readableBytes <= UInt16.max,
            Message(copying: encoded, qos: will.qos, expiry: nil).publish(retain: will.retain) != nil
        else { throw Refusal(description: "the will is none that a client can have sent") }
        return will
    }

    private func check(packetIdentifier: UInt16) throws(Refusal) {
        if packetIdentifier == 0 { throw Refusal(description: "0 is no packet identifier") }
    }

    private mutating func add(_ stored: StoredDelivery) throws(Refusal) {
        let key = UTF8Key(stored.client)
        guard var client = clients[key] else { throw Refusal(description: "no session of the client comes before it") }
        if let identifier = stored.packetIdentifier {
            try check(packetIdentifier: identifier)
            guard !client.hasQueue else { throw Refusal(description: "what is in flight comes before what waits") }
            guard client.packetIdentifiers.insert(identifier).inserted else {
                throw Refusal(description: "packet identifier \(identifier) is in flight already")
            }
        } else {
            client.hasQueue = true
        }
        clients[key] = client
        guard let content = stored.content else {
            guard let identifier = stored.packetIdentifier else { throw Refusal(description: "there is no message") }
            append(.recorded(client.number, packetIdentifier: identifier), to: client.lane)
            return
        }
        guard content.qos > .atMostOnce else { throw Refusal(description: "messages at QoS 0 are not kept") }
        let message = try kept(content.message)
        let target = LoggedMessage.Target(
            session: client.number,
            qos: content.qos,
            retain: content.retain,
            identifiers: content.subscriptionIdentifiers,
            packetIdentifier: stored.packetIdentifier ?? 0
        )
        let logged = LoggedMessage(message, origin: nil, to: target)
        append(.message(logged), to: client.lane, octets: 32 + message.byteCount)
    }
}
