import MQTTBroker
import MQTTCodec

/// A line of an exported store: one object of JSON. The first says the format, the last that nothing is cut off, and each line between
/// is a `StoredItem`.
///
/// Names that start with `_` or that a later version adds are not read.
enum StoreLine: Equatable {
    case format(version: Int)
    case item(StoredItem)
    /// How many items there are.
    case end(items: Int)

    static let format = "martlet-store"
    static let version = 1

    /// The `kind` of a line.
    private enum Kind: String, Codable { case lane, session, message, outgoing, retained, end }

    private enum Key: String, CodingKey {
        case format, version, kind, items
        case lane, passed, sources, number, publisher, message
        case client, subscriptions, received, orphaned, will
        case expiryInterval = "expiry_interval"
        case awaySince = "away_since"
        case willDue = "will_due"
        case packetIdentifier = "packet_identifier"
        case subscriptionIdentifiers = "subscription_identifiers"
        case qos, retain
    }
}

extension StoreLine: Encodable {
    func encode(to encoder: any Encoder) throws {
        var object = encoder.container(keyedBy: Key.self)
        switch self {
        case .format(let version):
            try object.encode(Self.format, forKey: .format)
            try object.encode(version, forKey: .version)
        case .end(let items):
            try object.encode(Kind.end, forKey: .kind)
            try object.encode(items, forKey: .items)
        case .item(.lane(let lane)):
            try object.encode(Kind.lane, forKey: .kind)
            try object.encode(lane.number, forKey: .lane)
            try object.encode(lane.passed, forKey: .passed)
            let sources = lane.sources.map { (String($0), $1) }
            try object.encode(Dictionary(sources) { $1 }, forKey: .sources)
        case .item(.outgoing(let outgoing)):
            try object.encode(Kind.outgoing, forKey: .kind)
            try object.encode(outgoing.lane, forKey: .lane)
            try object.encode(outgoing.number, forKey: .number)
            try object.encode(String(outgoing.publisher, radix: 16), forKey: .publisher)
            try object.encode(MessageText(outgoing.message), forKey: .message)
        case .item(.retained(let message)):
            try object.encode(Kind.retained, forKey: .kind)
            try object.encode(MessageText(message), forKey: .message)
        case .item(.session(let session)):
            try object.encode(Kind.session, forKey: .kind)
            try object.encode(session.client, forKey: .client)
            try object.encode(session.expiryInterval, forKey: .expiryInterval)
            try object.encodeIfPresent(session.awaySince, forKey: .awaySince)
            try object.encodeIfPresent(session.will.map { MessageText($0) }, forKey: .will)
            try object.encodeIfPresent(session.willDue, forKey: .willDue)
            try object.encode(session.subscriptions.map { SubscriptionText($0) }, forKey: .subscriptions)
            try object.encode(session.received, forKey: .received)
            try object.encode(session.orphaned, forKey: .orphaned)
        case .item(.delivery(let delivery)):
            try object.encode(Kind.message, forKey: .kind)
            try object.encode(delivery.client, forKey: .client)
            try object.encodeIfPresent(delivery.packetIdentifier, forKey: .packetIdentifier)
            guard let content = delivery.content else { return }
            try object.encode(content.qos.rawValue, forKey: .qos)
            try object.encode(content.retain, forKey: .retain)
            try object.encode(content.subscriptionIdentifiers, forKey: .subscriptionIdentifiers)
            try object.encode(MessageText(content.message), forKey: .message)
        }
    }
}

extension StoreLine: Decodable {
    init(from decoder: any Decoder) throws {
        let object = try decoder.container(keyedBy: Key.self)
        if let format = try object.decodeIfPresent(String.self, forKey: .format) {
            guard format == Self.format else {
                throw DecodingError.dataCorruptedError(
                    forKey: .format,
                    in: object,
                    debugDescription: "is not \(Self.format)"
                )
            }
            self = .format(version: try object.decode(Int.self, forKey: .version))
            return
        }
        switch try object.decode(Kind.self, forKey: .kind) {
        case .end: self = .end(items: try object.decode(Int.self, forKey: .items))
        case .lane: self = .item(.lane(try Self.lane(object)))
        case .session: self = .item(.session(try Self.session(object)))
        case .message: self = .item(.delivery(try Self.delivery(object)))
        case .retained: self = .item(.retained(try object.decode(MessageText.self, forKey: .message).stored))
        case .outgoing:
            let publisher = try object.decode(String.self, forKey: .publisher)
            guard let publisher = UInt64(publisher, radix: 16) else {
                throw DecodingError.dataCorruptedError(forKey: .publisher, in: object, debugDescription: "is no hash")
            }
            let outgoing = StoredOutgoing(
                lane: try object.decode(UInt8.self, forKey: .lane),
                number: try object.decode(UInt64.self, forKey: .number),
                publisher: publisher,
                message: try object.decode(MessageText.self, forKey: .message).stored
            )
            self = .item(.outgoing(outgoing))
        }
    }

    private static func lane(_ object: KeyedDecodingContainer<Key>) throws -> StoredLane {
        var sources: [UInt8: UInt64] = [:]
        for (name, number) in try object.decode([String: UInt64].self, forKey: .sources) {
            guard let lane = UInt8(name) else {
                throw DecodingError.dataCorruptedError(
                    forKey: .sources,
                    in: object,
                    debugDescription: "\(name) is no lane"
                )
            }
            sources[lane] = number
        }
        return StoredLane(
            number: try object.decode(UInt8.self, forKey: .lane),
            passed: try object.decode(UInt64.self, forKey: .passed),
            sources: sources
        )
    }

    private static func session(_ object: KeyedDecodingContainer<Key>) throws -> StoredSession {
        var session = StoredSession(
            client: try object.decode(String.self, forKey: .client),
            expiryInterval: try object.decode(UInt32.self, forKey: .expiryInterval)
        )
        session.awaySince = try object.decodeIfPresent(Int64.self, forKey: .awaySince)
        session.will = try object.decodeIfPresent(MessageText.self, forKey: .will)?.will
        session.willDue = try object.decodeIfPresent(Int64.self, forKey: .willDue)
        session.subscriptions = try object.decode([SubscriptionText].self, forKey: .subscriptions).map(\.stored)
        session.received = try object.decode([UInt16].self, forKey: .received)
        session.orphaned = try object.decode([UInt16].self, forKey: .orphaned)
        return session
    }

    private static func delivery(_ object: KeyedDecodingContainer<Key>) throws -> StoredDelivery {
        var content: StoredDelivery.Content?
        if let message = try object.decodeIfPresent(MessageText.self, forKey: .message) {
            let qos = try object.decode(UInt8.self, forKey: .qos)
            guard let qos = QualityOfService(rawValue: qos) else {
                throw DecodingError.dataCorruptedError(forKey: .qos, in: object, debugDescription: "is 0, 1 or 2")
            }
            content = StoredDelivery.Content(
                message: message.stored,
                qos: qos,
                retain: try object.decode(Bool.self, forKey: .retain),
                subscriptionIdentifiers: try object.decode([UInt32].self, forKey: .subscriptionIdentifiers)
            )
        }
        return StoredDelivery(
            client: try object.decode(String.self, forKey: .client),
            packetIdentifier: try object.decodeIfPresent(UInt16.self, forKey: .packetIdentifier),
            content: content
        )
    }
}
