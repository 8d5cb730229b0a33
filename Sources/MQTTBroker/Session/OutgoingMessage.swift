import MQTTCodec
import NIOCore

/// A message on its way to any number of sessions: encoded once, and copied at most once, for the sessions that keep it.
struct OutgoingMessage {
    let encoded: EncodedPublish
    private let qos: QualityOfService
    private let now: Instant
    private var message: Message?

    init(_ publish: Publish, now: Instant) {
        encoded = EncodedPublish(publish)
        qos = publish.qos
        self.now = now
    }

    mutating func kept() -> Message {
        if let message { return message }
        let kept = Message(copying: encoded, qos: qos, now: now)
        message = kept
        return kept
    }
}
