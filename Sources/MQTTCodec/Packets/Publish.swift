package import NIOCore

/// PUBLISH (MQTT 5.0 §3.3).
///
/// `topic` and `payload` are slices of the read buffer, which stays in memory as long as they do: to keep a message beyond
/// the read burst, copy it (`EncodedPublish.copied()`).
package struct Publish: Equatable, Sendable {
    /// UTF-8, without wildcards and U+0000; empty only if there is a topic alias.
    package var topic: ByteBuffer
    package var payload: ByteBuffer
    /// 1 to 65,535 at QoS 1 and 2; 0 at QoS 0.
    package var packetIdentifier: UInt16
    package var qos: QualityOfService
    package var retain: Bool
    package var isDuplicate: Bool
    package var properties: PublishProperties

    @inlinable
    package init(
        topic: ByteBuffer,
        payload: ByteBuffer,
        qos: QualityOfService = .atMostOnce,
        packetIdentifier: UInt16 = 0,
        retain: Bool = false,
        isDuplicate: Bool = false,
        properties: PublishProperties = PublishProperties()
    ) {
        self.topic = topic
        self.payload = payload
        self.packetIdentifier = packetIdentifier
        self.qos = qos
        self.retain = retain
        self.isDuplicate = isDuplicate
        self.properties = properties
    }
}
