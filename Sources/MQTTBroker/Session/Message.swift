package import MQTTCodec
package import NIOCore

/// An application message that is kept: in a queue, in flight, retained, or as a will. Its topic and payload are copies;
/// all who keep the message share them.
package final class Message: Sendable {
    package let publish: Publish
    /// When it expires, by the broker's clock [MQTT-3.3.2-5].
    package let expiry: NIODeadline?
    /// What it counts for in a bound of octets.
    package let byteCount: Int

    package init(copying publish: Publish, now: NIODeadline) {
        var kept = publish
        let topicLength = publish.topic.readableBytes
        var storage = ByteBufferAllocator().buffer(capacity: topicLength + publish.payload.readableBytes)
        storage.writeImmutableBuffer(publish.topic)
        storage.writeImmutableBuffer(publish.payload)
        kept.payload = storage.getSlice(at: topicLength, length: publish.payload.readableBytes) ?? ByteBuffer()
        kept.topic = storage.getSlice(at: 0, length: topicLength) ?? ByteBuffer()
        if !publish.properties.isEmpty {
            var values = publish.properties.values
            values.correlationData = values.correlationData.map { ByteBuffer(bytes: $0.readableBytesView) }
            values.topicAlias = nil
            values.subscriptionIdentifiers = []
            kept.properties = PublishProperties(values)
        }
        self.publish = kept
        self.expiry = publish.expiry(now: now)
        self.byteCount = topicLength + publish.payload.readableBytes
    }

    /// Seconds that are left, rounded up; `nil` where the message never expires.
    func remainingExpiry(now: NIODeadline) -> UInt32? {
        expiry.map { UInt32(clamping: max(0, (($0 - now).nanoseconds + 999_999_999) / 1_000_000_000)) }
    }

    func isExpired(now: NIODeadline) -> Bool {
        expiry.map { $0 <= now } ?? false
    }
}

extension Publish {
    func expiry(now: NIODeadline) -> NIODeadline? {
        if properties.isEmpty { return nil }
        return properties.values.messageExpiryInterval.map { now + .seconds(Int64($0)) }
    }
}
