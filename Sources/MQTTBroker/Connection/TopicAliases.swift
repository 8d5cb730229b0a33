import MQTTCodec
import NIOCore

/// The topics behind the topic aliases of a connection (MQTT 5.0 §3.3.2.3.4).
struct TopicAliases {
    private var topics: [UInt16: ByteBuffer] = [:]
    private var byteCount = 0

    /// Octets that an alias counts for in addition to its topic.
    private static let overhead = 64

    /// Gives a PUBLISH without a topic the topic behind its alias, or sets the alias to the topic that the PUBLISH has
    /// [MQTT-3.3.2-12]. Returns why the connection has to end; `nil` if it has not.
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
