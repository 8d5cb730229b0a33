import MQTTCodec
import NIOCore

/// A message on its way to any number of sessions: encoded once, and copied at most once, for the sessions that keep it.
struct OutgoingMessage {
    let encoded: EncodedPublish
    private let qos: QualityOfService
    private let now: Instant
    private var message: Message?
    private let memory: QueueMemory?
    /// What the publisher's acknowledgement waits for, if it does.
    let receipt: Receipt?
    /// The outbox that the message comes from, if any.
    let origin: LoggedMessage.Origin?
    /// The record of the message in each lane that keeps it.
    var logged = ShortArray<(lane: Lane, message: LoggedMessage)>()

    /// - Parameter memory: that the message is counted in if somebody keeps it.
    init(
        _ publish: Publish,
        _ receipt: Receipt?,
        origin: LoggedMessage.Origin?,
        in memory: QueueMemory?,
        now: Instant
    ) {
        encoded = EncodedPublish(publish)
        qos = publish.qos
        self.receipt = receipt
        self.origin = origin
        self.memory = memory
        self.now = now
    }

    /// A message that is kept already.
    init(_ message: Message, now: Instant) {
        encoded = message.encoded
        qos = message.qos
        self.message = message
        receipt = nil
        origin = nil
        memory = nil
        self.now = now
    }

    mutating func kept() -> Message {
        if let message { return message }
        let kept = Message(copying: encoded, qos: qos, now: now, in: memory)
        message = kept
        return kept
    }
}
