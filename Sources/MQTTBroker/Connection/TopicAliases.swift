import MQTTCodec
import NIOCore

/// The topics that a client has given short names on its connection (MQTT 5.0 §3.3.2.3.4).
struct TopicAliases {
    private var topics: [UInt16: ByteBuffer] = [:]
    private var byteCount = 0

    /// What an alias takes beside its topic, for the bound of octets.
    private static let overhead = 64

    /// Puts the topic behind the alias into a PUBLISH that brings none, or remembers the one that it brings
    /// [MQTT-3.3.2-12]. Returns the reason where that cannot be.
    mutating func resolve(_ alias: UInt16, of publish: inout Publish, limits: Limits) -> ReasonCode? {
        guard alias <= limits.maximumTopicAlias else { return .topicAliasInvalid }  // [MQTT-3.3.2-9]
        let known = topics[alias]
        guard publish.topic.readableBytes > 0 else {
            guard let known else { return .protocolError }  // MQTT 5.0 §3.3.4: neither a topic nor one behind the alias
            publish.topic = known
            return nil
        }
        byteCount += publish.topic.readableBytes + Self.overhead
        if let known { byteCount -= known.readableBytes + Self.overhead }
        guard byteCount <= limits.maximumTopicAliasBytes else { return .quotaExceeded }
        topics[alias] = ByteBuffer(bytes: publish.topic.readableBytesView)
        return nil
    }
}
