package import MQTTCodec
package import NIOCore

/// An application message that is kept: queued, in flight or retained. A message is encoded and copied once, and shared by all
/// sessions that keep it.
package final class Message: Sendable {
    package let encoded: EncodedPublish
    package let qos: QualityOfService
    /// When the message expires, by the monotonic clock [MQTT-3.3.2-5].
    package let expiry: NIODeadline?

    /// The memory that the message is counted in, if any.
    private let memory: QueueMemory?

    /// The size that bounds count: octets of a whole packet with its properties.
    let byteCount: Int

    /// - Parameters:
    ///   - now: when the message was received.
    ///   - memory: that the message is counted in.
    package convenience init(
        copying encoded: EncodedPublish,
        qos: QualityOfService,
        now: Instant,
        in memory: QueueMemory? = nil
    ) {
        let expiry = encoded.messageExpiryInterval.map { now.monotonic + .seconds(Int64($0)) }
        self.init(copying: encoded, qos: qos, expiry: expiry, in: memory)
    }

    /// - Parameters:
    ///   - expiry: by the monotonic clock; `nil` if the message never expires.
    ///   - memory: that the message is counted in.
    init(copying encoded: EncodedPublish, qos: QualityOfService, expiry: NIODeadline?, in memory: QueueMemory? = nil) {
        self.encoded = encoded.copied()
        self.qos = qos
        byteCount = encoded.size(version: .v5, qos: .atLeastOnce)
        self.expiry = expiry
        self.memory = memory
        memory?.add(byteCount)
    }

    deinit { memory?.add(-byteCount) }

    /// The message as it came, for another distribution; `nil` if no packet can hold it.
    func publish(retain: Bool) -> Publish? {
        var octets = ByteBuffer()
        encoded.write(into: &octets, version: .v5, qos: qos, packetIdentifier: 1, retain: retain)
        var decoder = PacketDecoder(role: .client, maximumPacketSize: .max, version: .v5)
        guard case .publish(let publish)? = try? decoder.next(from: &octets) else { return nil }
        return publish
    }

    /// The Message Expiry Interval that is left, seconds, rounded up; `nil` if the message never expires [MQTT-3.3.2-6].
    func remainingExpiry(now: Instant) -> UInt32? {
        expiry.map { UInt32(clamping: max(0, (($0 - now.monotonic).nanoseconds + 999_999_999) / 1_000_000_000)) }
    }

    func isExpired(now: Instant) -> Bool {
        expiry.map { $0 <= now.monotonic } ?? false
    }
}
