package import MQTTCodec
import NIOCore

/// A part of what a store holds for the next run, apart from the form of the log: what is exported and imported. Instants are
/// milliseconds since 1970-01-01 UTC.
package enum StoredItem: Equatable, Sendable {
    case lane(StoredLane)
    case session(StoredSession)
    /// Behind its session, in the order in which the client gets the messages.
    case delivery(StoredDelivery)
    case outgoing(StoredOutgoing)
    case retained(StoredMessage)
}

/// What a lane remembers of messages at QoS 2 that go from lane to lane, so that none is taken twice.
package struct StoredLane: Equatable, Sendable {
    /// 0 to 63.
    package var number: UInt8
    /// The newest message of the lane's outbox that was kept by everybody.
    package var passed: UInt64
    /// The newest message of each other lane's outbox that this lane keeps or has kept.
    package var sources: [UInt8: UInt64]

    package init(number: UInt8, passed: UInt64, sources: [UInt8: UInt64]) {
        self.number = number
        self.passed = passed
        self.sources = sources
    }
}

/// A durable session without its messages.
package struct StoredSession: Equatable, Sendable {
    package var client: String
    /// Seconds; 0xFFFFFFFF for ever.
    package var expiryInterval: UInt32
    /// When the client went away; `nil` if it was connected to the end.
    package var awaySince: Int64?
    package var will: Connect.Will?
    /// When the will is due, if the client is away.
    package var willDue: Int64?
    package var subscriptions: [Subscription] = []
    /// Packet identifiers of QoS 2 messages whose PUBREL is due.
    package var received: [UInt16] = []
    /// Packet identifiers of QoS 2 messages that data streams which have ended left behind (orphans).
    package var orphaned: [UInt16] = []

    /// A subscription of the session.
    package struct Subscription: Equatable, Sendable {
        package var filter: String
        package var options: SubscriptionOptions
        /// The Subscription Identifier; 0 for none.
        package var identifier: UInt32

        package init(filter: String, options: SubscriptionOptions, identifier: UInt32) {
            self.filter = filter
            self.options = options
            self.identifier = identifier
        }
    }

    package init(client: String, expiryInterval: UInt32) {
        self.client = client
        self.expiryInterval = expiryInterval
    }
}

/// An application message: a PUBLISH without what belongs to one connection.
package struct StoredMessage: Equatable, Sendable {
    package var publish: Publish
    /// When the message expires, if it does.
    package var expires: Int64?

    package init(_ publish: Publish, expires: Int64?) {
        self.publish = publish
        self.expires = expires
    }
}

/// A message that a client is to get, or of which it has to hear the end.
package struct StoredDelivery: Equatable, Sendable {
    package var client: String
    /// `nil` if the message waits in the queue.
    package var packetIdentifier: UInt16?
    /// `nil` if the client has recorded the message (PUBREC).
    package var content: Content?

    /// The message of the delivery, with what concerns this session alone.
    package struct Content: Equatable, Sendable {
        package var message: StoredMessage
        /// 1 or 2: that of the delivery.
        package var qos: QualityOfService
        package var retain: Bool
        package var subscriptionIdentifiers: [UInt32]

        package init(message: StoredMessage, qos: QualityOfService, retain: Bool, subscriptionIdentifiers: [UInt32]) {
            self.message = message
            self.qos = qos
            self.retain = retain
            self.subscriptionIdentifiers = subscriptionIdentifiers
        }
    }

    package init(client: String, packetIdentifier: UInt16?, content: Content?) {
        self.client = client
        self.packetIdentifier = packetIdentifier
        self.content = content
    }
}

/// A message at QoS 2 of a lane's client that was acknowledged with PUBREC and is not kept by all yet that have to.
package struct StoredOutgoing: Equatable, Sendable {
    package var lane: UInt8
    package var number: UInt64
    /// A hash of the publisher's client identifier, for No Local.
    package var publisher: UInt64
    package var message: StoredMessage

    package init(lane: UInt8, number: UInt64, publisher: UInt64, message: StoredMessage) {
        self.lane = lane
        self.number = number
        self.publisher = publisher
        self.message = message
    }
}

extension StoredMessage {
    /// `nil` for a message that no packet can hold.
    init?(_ message: Message, retain: Bool, now: Instant) {
        guard var publish = message.publish(retain: retain) else { return nil }
        publish.packetIdentifier = 0
        self.init(publish, expires: message.expiry.map { now.wall(of: $0) })
    }

    /// The message as it is kept; `nil` if no client can have sent it.
    func kept(now: Instant) -> Message? {
        let encoded = EncodedPublish(publish)
        let expiry = expires.map { now.monotonic(of: $0) }
        guard (encoded.messageExpiryInterval == nil) == (expiry == nil), publish.topic.readableBytes > 0 else {
            return nil
        }
        let message = Message(copying: encoded, qos: publish.qos, expiry: expiry)
        return message.publish(retain: publish.retain).map { _ in message }
    }
}
