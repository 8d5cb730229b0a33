import MQTTCodec

/// A message that a lane keeps for some of its sessions: one body, however many they are.
final class LoggedMessage {
    let message: Message
    /// The lane and the number of the outbox that the message came from; `nil` for a message that comes once without that.
    let origin: Origin?
    var targets: ShortArray<Target>
    /// What waits until the message is kept. `nil` if nothing does, or nothing any more.
    var receipt: Receipt?
    /// True once a batch has taken the record.
    var isSealed = false

    /// The outbox that a message comes from, and its number there.
    struct Origin: Equatable, Sendable {
        let lane: Lane
        let number: UInt64
    }

    /// A session that gets the message.
    struct Target: Equatable {
        let session: UInt64
        /// At least once, or exactly once.
        let qos: QualityOfService
        let retain: Bool
        let identifiers: [UInt32]
        /// 0 if the message waits in the queue.
        let packetIdentifier: UInt16

        init(
            session: UInt64,
            qos: QualityOfService,
            retain: Bool,
            identifiers: [UInt32],
            packetIdentifier: UInt16
        ) {
            self.session = session
            self.qos = qos
            self.retain = retain
            self.identifiers = identifiers
            self.packetIdentifier = packetIdentifier
        }

        /// - Parameter session: the number of the session that gets the message.
        init(_ entry: MessageQueue.Entry, of session: UInt64, packetIdentifier: UInt16) {
            self.init(
                session: session,
                qos: entry.qos,
                retain: entry.retain,
                identifiers: entry.identifiers,
                packetIdentifier: packetIdentifier
            )
        }
    }

    /// A message for one session.
    convenience init(_ message: Message, origin: Origin?, to target: Target) {
        self.init(message, origin: origin, targets: ShortArray(CollectionOfOne(target)))
    }

    init(_ message: Message, origin: Origin?, targets: ShortArray<Target> = ShortArray()) {
        self.message = message
        self.origin = origin
        self.targets = targets
    }
}
