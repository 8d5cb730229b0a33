package import NIOCore

/// PUBLISH (MQTT 5.0 §3.3).
///
/// `topic` and `payload` are slices of what was read. Slices pin the whole read buffer: whoever keeps a message beyond
/// the read burst copies it (`EncodedPublish`).
package struct Publish: Equatable, Sendable {
    /// UTF-8, without wildcards and U+0000; empty only where a topic alias stands for it.
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
