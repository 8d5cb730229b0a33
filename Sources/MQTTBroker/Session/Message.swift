package import MQTTCodec
package import NIOCore

/// An application message that is kept: in a queue, in flight or retained. It is encoded and copied once; all who keep
/// it share it.
package final class Message: Sendable {
    package let encoded: EncodedPublish
    package let qos: QualityOfService
    /// When it expires, by the broker's clock [MQTT-3.3.2-5].
    package let expiry: NIODeadline?

    /// What it counts for in a bound of octets: all of a packet, its properties included.
    let byteCount: Int

    /// - Parameter now: when the message was received.
    package init(copying encoded: EncodedPublish, qos: QualityOfService, now: NIODeadline) {
        self.encoded = encoded.copied()
        self.qos = qos
        byteCount = encoded.size(version: .v5, qos: .atLeastOnce)
        expiry = encoded.messageExpiryInterval.map { now + .seconds(Int64($0)) }
    }

    /// Seconds that are left, rounded up; `nil` where the message never expires [MQTT-3.3.2-6].
    func remainingExpiry(now: NIODeadline) -> UInt32? {
        expiry.map { UInt32(clamping: max(0, (($0 - now).nanoseconds + 999_999_999) / 1_000_000_000)) }
    }

    func isExpired(now: NIODeadline) -> Bool {
        expiry.map { $0 <= now } ?? false
    }
}
