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
    }

    private var entries: Deque<Entry> = []
    private(set) var byteCount = 0
    /// Entries of QoS 0, which a newer QoS 0 message must not overtake, as it may overtake QoS 1 and 2 [MQTT-4.6.0-6].
    private(set) var countAtMostOnce = 0

    var isEmpty: Bool { entries.isEmpty }
    var count: Int { entries.count }
    var first: Entry? { entries.first }

    /// Appends a message within the bounds: at a bound a QoS 0 message is dropped, and a QoS 1 or 2 message displaces the
    /// oldest ones. Returns whether the message was queued, and how many messages were dropped.
    mutating func append(_ entry: Entry, maximumCount: Int, maximumBytes: Int) -> (isQueued: Bool, dropped: Int) {
        var displaced = 0
        guard entry.message.byteCount <= maximumBytes else { return (false, 1) }
        while entries.count >= maximumCount || byteCount + entry.message.byteCount > maximumBytes {
            guard entry.qos > .atMostOnce, popFirst() != nil else { return (false, displaced + 1) }
            displaced += 1
        }
        entries.append(entry)
        byteCount += entry.message.byteCount
        if entry.qos == .atMostOnce { countAtMostOnce += 1 }
        return (true, displaced)
    }

    mutating func popFirst() -> Entry? {
        guard let entry = entries.popFirst() else { return nil }
        byteCount -= entry.message.byteCount
        if entry.qos == .atMostOnce { countAtMostOnce -= 1 }
        // Frees the memory of a busier time.
        if entries.isEmpty { entries = [] }
        return entry
    }

    /// Puts the messages of `other` before those of this queue.
    mutating func prepend(_ other: MessageQueue) {
        entries = other.entries + entries
        byteCount += other.byteCount
        countAtMostOnce += other.countAtMostOnce
    }
}
