import MQTTCodec
package import NIOCore

/// A message that an administrator publishes, in nobody's name.
package struct MessageToPublish: Sendable {
    package var topic: String
    package var payload: ByteBuffer
    /// 0 to 2.
    package var qos: UInt8
    package var retain: Bool
    package var payloadIsUTF8: Bool?
    /// Seconds until the message expires.
    package var expiryInterval: UInt32?
    package var contentType: String?
    package var responseTopic: String?
    package var correlationData: ByteBuffer?
    package var userProperties: [(name: String, value: String)] = []

    package init(topic: String, payload: ByteBuffer, qos: UInt8, retain: Bool) {
        self.topic = topic
        self.payload = payload
        self.qos = qos
        self.retain = retain
    }

    /// A hash of the topic, by which messages of one topic go the same way.
    package var topicHash: UInt64 { FNV1a.hash(topic.utf8) }

    /// What has become of a message.
    package enum Outcome: Sendable, Equatable {
        /// Its subscribers have got it, and those whose sessions are durable cannot lose it any more.
        case published
        /// As `published`, but nobody is subscribed to its topic. It is retained all the same.
        case noSubscribers
        /// The topic is none, or has too many levels.
        case topicInvalid
        case tooLarge
        /// Nobody has got it, since nothing new is kept for now.
        case refused
    }

    /// The packet; `nil` for what can be no topic [MQTT-3.3.2-2], and for strings that MQTT cannot say [MQTT-1.5.4-2].
    var packet: Publish? {
        let texts = [contentType].compactMap { $0 } + userProperties.flatMap { [$0.name, $0.value] }
        guard Self.isName(topic), responseTopic.map(Self.isName) ?? true, texts.allSatisfy(Self.isText),
            correlationData.map({ $0.readableBytes <= Self.longest }) ?? true, let qos = QualityOfService(rawValue: qos)
        else { return nil }
        var properties = PublishProperties()
        if let payloadIsUTF8 { properties.values.payloadIsUTF8 = payloadIsUTF8 }
        if let expiryInterval { properties.values.messageExpiryInterval = expiryInterval }
        if let contentType { properties.values.contentType = contentType }
        if let responseTopic { properties.values.responseTopic = responseTopic }
        if let correlationData { properties.values.correlationData = correlationData }
        if !userProperties.isEmpty {
            properties.values.userProperties = userProperties.map { UserProperty(name: $0.name, value: $0.value) }
        }
        return Publish(
            topic: ByteBuffer(string: topic),
            payload: payload,
            qos: qos,
            retain: retain,
            properties: properties
        )
    }

    /// Octets of a string or of binary data (MQTT 5.0 §1.5.4, §1.5.6).
    private static let longest = 65_535

    /// True for a topic name (MQTT 5.0 §4.7).
    private static func isName(_ text: String) -> Bool {
        !text.isEmpty && isText(text) && !text.utf8.contains { $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "#") }
    }

    private static func isText(_ text: String) -> Bool { text.utf8.count <= longest && !text.utf8.contains(0) }
}
