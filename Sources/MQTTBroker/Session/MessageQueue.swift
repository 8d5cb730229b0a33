import DequeModule
import MQTTCodec
import NIOCore

/// Messages that wait for a session: while it is away, while its window is full, while its connection is slow.
struct MessageQueue {
    struct Entry: Sendable {
        let message: Message
        /// The lower of the message's QoS and the subscription's.
        let qos: QualityOfService
        let retain: Bool
        let identifiers: [UInt32]

        /// True if the log of the session's lane says that the message is in the queue.
        var isLogged: Bool { qos > .atMostOnce }
    }

    private(set) var entries: Deque<Entry> = []
    private(set) var byteCount = 0
    /// Entries of QoS 0, which a newer QoS 0 message must not overtake, as it may overtake QoS 1 and 2 [MQTT-4.6.0-6].
    private(set) var countAtMostOnce = 0

    var isEmpty: Bool { entries.isEmpty }
    var count: Int { entries.count }
    var first: Entry? { entries.first }

    /// Appends a message within the bounds: at a bound a QoS 0 message is dropped, and a QoS 1 or 2 message displaces the
    /// oldest ones. Returns whether the message was queued, how many messages were dropped, and how many of those that the queue
    /// had are logged.
    mutating func append(
        _ entry: Entry,
        maximumCount: Int,
        maximumBytes: Int
    ) -> (isQueued: Bool, dropped: Int, loggedDropped: Int) {
        var displaced = 0
        var logged = 0
        guard entry.message.byteCount <= maximumBytes else { return (false, 1, 0) }
        while entries.count >= maximumCount || byteCount + entry.message.byteCount > maximumBytes {
            guard entry.qos > .atMostOnce, let oldest = popFirst() else { return (false, displaced + 1, logged) }
            displaced += 1
            if oldest.isLogged { logged += 1 }
        }
        append(entry)
        return (true, displaced, logged)
    }

    /// Appends a message without regard to bounds.
    mutating func append(_ entry: Entry) {
        entries.append(entry)
        byteCount += entry.message.byteCount
        if entry.qos == .atMostOnce { countAtMostOnce += 1 }
    }

    mutating func popFirst() -> Entry? {
        guard let entry = entries.popFirst() else { return nil }
        byteCount -= entry.message.byteCount
        if entry.qos == .atMostOnce { countAtMostOnce -= 1 }
        // Frees the memory of a busier time.
        if entries.isEmpty { entries = [] }
        return entry
    }
}
