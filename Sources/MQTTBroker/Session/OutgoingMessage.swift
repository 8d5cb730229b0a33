import MQTTCodec
import NIOCore

/// A message on its way to any number of sessions: encoded at most once per protocol version, copied at most once, and
/// only for those who keep it.
struct OutgoingMessage {
    let publish: Publish
    let now: NIODeadline
    private var version3: EncodedPublish?
    private var version5: EncodedPublish?
    private var message: Message?

    init(_ publish: Publish, now: NIODeadline) {
        self.publish = publish
        self.now = now
    }

    mutating func encoded(for version: ProtocolVersion) -> EncodedPublish {
        if version == .v5 {
            if let version5 { return version5 }
            let encoded = EncodedPublish(publish, version: .v5)
            version5 = encoded
            return encoded
        }
        if let version3 { return version3 }
        let encoded = EncodedPublish(publish, version: .v3_1_1)
        version3 = encoded
        return encoded
    }

    mutating func kept() -> Message {
        if let message { return message }
        let kept = Message(copying: version3 ?? encoded(for: .v5), qos: publish.qos, now: now)
        message = kept
        return kept
    }
}
