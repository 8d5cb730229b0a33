import MQTTBroker
import MQTTCodec
import NIOCore

import struct Foundation.Data

/// A message or a will in an exported store. Octets that need not be text are in Base64 (RFC 4648 §4).
struct MessageText: Codable {
    var topic: String
    var payload: Data
    var qos: UInt8
    var retain: Bool
    /// Milliseconds since 1970-01-01 UTC.
    var expires: Int64?
    var properties: PropertiesText?

    /// The properties of a PUBLISH (MQTT 5.0 §3.3.2.3), and the Will Delay Interval.
    struct PropertiesText: Codable {
        var payloadIsUTF8: Bool?
        var messageExpiryInterval: UInt32?
        var contentType: String?
        var responseTopic: String?
        var correlationData: Data?
        /// User Properties, each a name and a value.
        var userProperties: [[String]]?
        var willDelayInterval: UInt32?

        enum CodingKeys: String, CodingKey {
            case payloadIsUTF8 = "payload_is_utf8"
            case messageExpiryInterval = "message_expiry_interval"
            case contentType = "content_type"
            case responseTopic = "response_topic"
            case correlationData = "correlation_data"
            case userProperties = "user_properties"
            case willDelayInterval = "will_delay_interval"
        }
    }

    init(_ message: StoredMessage) {
        let publish = message.publish
        self.init(publish.topic, publish.payload, publish.qos, publish.retain, publish.properties)
        expires = message.expires
    }

    init(_ will: Connect.Will) { self.init(will.topic, will.payload, will.qos, will.retain, will.properties) }

    private init(
        _ topic: ByteBuffer,
        _ payload: ByteBuffer,
        _ qos: QualityOfService,
        _ retain: Bool,
        _ properties: PublishProperties
    ) {
        self.topic = String(buffer: topic)
        self.payload = Data(payload.readableBytesView)
        self.qos = qos.rawValue
        self.retain = retain
        guard !properties.isEmpty else { return }
        let values = properties.values
        self.properties = PropertiesText(
            payloadIsUTF8: values.payloadIsUTF8,
            messageExpiryInterval: values.messageExpiryInterval,
            contentType: values.contentType,
            responseTopic: values.responseTopic,
            correlationData: values.correlationData.map { Data($0.readableBytesView) },
            userProperties: values.userProperties.isEmpty ? nil : values.userProperties.map { [$0.name, $0.value] },
            willDelayInterval: values.willDelayInterval
        )
    }

    init(from decoder: any Decoder) throws {
        let object = try decoder.container(keyedBy: CodingKeys.self)
        topic = try object.decode(String.self, forKey: .topic)
        payload = try object.decode(Data.self, forKey: .payload)
        qos = try object.decode(UInt8.self, forKey: .qos)
        retain = try object.decode(Bool.self, forKey: .retain)
        expires = try object.decodeIfPresent(Int64.self, forKey: .expires)
        properties = try object.decodeIfPresent(PropertiesText.self, forKey: .properties)
        guard QualityOfService(rawValue: qos) != nil else {
            throw DecodingError.dataCorruptedError(forKey: .qos, in: object, debugDescription: "is 0, 1 or 2")
        }
        guard properties?.userProperties?.allSatisfy({ $0.count == 2 }) ?? true else {
            let said = "a user property is a name and a value"
            throw DecodingError.dataCorruptedError(forKey: .properties, in: object, debugDescription: said)
        }
    }

    private var quality: QualityOfService { QualityOfService(rawValue: qos) ?? .atMostOnce }

    private var values: PublishProperties {
        guard let properties else { return PublishProperties() }
        var values = PublishProperties.Values()
        values.payloadIsUTF8 = properties.payloadIsUTF8
        values.messageExpiryInterval = properties.messageExpiryInterval
        values.contentType = properties.contentType
        values.responseTopic = properties.responseTopic
        values.correlationData = properties.correlationData.map { ByteBuffer(bytes: $0) }
        values.userProperties = (properties.userProperties ?? []).map { UserProperty(name: $0[0], value: $0[1]) }
        values.willDelayInterval = properties.willDelayInterval
        return PublishProperties(values)
    }

    var stored: StoredMessage {
        let publish = Publish(
            topic: ByteBuffer(string: topic),
            payload: ByteBuffer(bytes: payload),
            qos: quality,
            retain: retain,
            properties: values
        )
        return StoredMessage(publish, expires: expires)
    }

    var will: Connect.Will {
        Connect.Will(
            topic: ByteBuffer(string: topic),
            payload: ByteBuffer(bytes: payload),
            qos: quality,
            retain: retain,
            properties: values
        )
    }
}

/// A subscription in an exported store.
struct SubscriptionText: Codable {
    var filter: String
    var qos: UInt8
    var noLocal: Bool
    var retainAsPublished: Bool
    var retainHandling: UInt8
    /// Absent for none.
    var identifier: UInt32?

    enum CodingKeys: String, CodingKey {
        case filter, qos, identifier
        case noLocal = "no_local"
        case retainAsPublished = "retain_as_published"
        case retainHandling = "retain_handling"
    }

    init(_ subscription: StoredSession.Subscription) {
        filter = subscription.filter
        qos = subscription.options.maximumQoS.rawValue
        noLocal = subscription.options.noLocal
        retainAsPublished = subscription.options.retainAsPublished
        retainHandling = subscription.options.retainHandling.rawValue
        identifier = subscription.identifier == 0 ? nil : subscription.identifier
    }

    init(from decoder: any Decoder) throws {
        let object = try decoder.container(keyedBy: CodingKeys.self)
        filter = try object.decode(String.self, forKey: .filter)
        qos = try object.decode(UInt8.self, forKey: .qos)
        noLocal = try object.decode(Bool.self, forKey: .noLocal)
        retainAsPublished = try object.decode(Bool.self, forKey: .retainAsPublished)
        retainHandling = try object.decode(UInt8.self, forKey: .retainHandling)
        identifier = try object.decodeIfPresent(UInt32.self, forKey: .identifier)
        for (key, number) in [(CodingKeys.qos, qos), (.retainHandling, retainHandling)] where number > 2 {
            throw DecodingError.dataCorruptedError(forKey: key, in: object, debugDescription: "is 0, 1 or 2")
        }
    }

    var stored: StoredSession.Subscription {
        let options = SubscriptionOptions(
            maximumQoS: QualityOfService(rawValue: qos) ?? .atMostOnce,
            noLocal: noLocal,
            retainAsPublished: retainAsPublished,
            retainHandling: SubscriptionOptions.RetainHandling(rawValue: retainHandling) ?? .send
        )
        return StoredSession.Subscription(filter: filter, options: options, identifier: identifier ?? 0)
    }
}
