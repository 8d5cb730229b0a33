import DequeModule
import MQTTCodec
import NIOCore

/// Messages that wait for a session: while it is away, while its window is full, while its connection is slow. Those in the middle
/// may be on disk only.
struct MessageQueue {
    /// A message that waits, with what concerns this session alone.
    struct Entry: Sendable {
        let message: Message
        /// The lower of the message's QoS and the subscription's.
        let qos: QualityOfService
        let retain: Bool
        let identifiers: [UInt32]

        /// True if the log of the session's lane says that the message is in the queue.
        var isLogged: Bool { qos > .atMostOnce }
    }

    /// What is behind the oldest messages.
    private final class Rest {
        var segments: Deque<QueueSegment> = []
        /// Messages in all segments.
        var count = 0
        /// Messages behind the segments.
        var newest: Deque<Entry> = []
        /// Octets of the messages behind the segments.
        var newestByteCount = 0

        func append(_ entry: Entry) {
            newest.append(entry)
            newestByteCount += entry.message.byteCount
        }
    }

    /// A message that has left the queue.
    struct Removed {
        /// `nil` for a message that is on disk only.
        let entry: Entry?
        let byteCount: Int
        /// True if the message was one of a segment.
        var isOfSegment = false
        /// The segment that had no other message; `nil` if there is none.
        var emptied: QueueSegment?

        var isLogged: Bool { entry?.isLogged ?? true }
    }

    /// The oldest messages.
    private(set) var entries: Deque<Entry> = []
    /// `nil` if nothing is on disk only.
    private var rest: Rest?
    private(set) var byteCount = 0
    /// Entries of QoS 0, which a newer QoS 0 message must not overtake, as it may overtake QoS 1 and 2 [MQTT-4.6.0-6].
    private(set) var countAtMostOnce = 0

    var isEmpty: Bool { entries.isEmpty && rest == nil }
    var count: Int {
        guard let rest else { return entries.count }
        return entries.count + rest.count + rest.newest.count
    }
    /// The oldest message; `nil` if there is none, or if it is on disk only.
    var first: Entry? { entries.first ?? rest?.segments.first?.fetched?.first }

    /// Appends a message within the bounds: at a bound a QoS 0 message is dropped, and a QoS 1 or 2 message displaces the
    /// oldest ones. Returns whether the message was queued, and what it displaced.
    mutating func append(
        _ entry: Entry,
        maximumCount: Int,
        maximumBytes: Int
    ) -> (isQueued: Bool, displaced: ShortArray<Removed>) {
        var displaced = ShortArray<Removed>()
        guard entry.message.byteCount <= maximumBytes else { return (false, displaced) }
        while count >= maximumCount || byteCount + entry.message.byteCount > maximumBytes {
            guard entry.qos > .atMostOnce, let oldest = removeFirst() else { return (false, displaced) }
            displaced.append(oldest)
        }
        append(entry)
        return (true, displaced)
    }

    /// Appends a message without regard to bounds.
    mutating func append(_ entry: Entry) {
        if let rest { rest.append(entry) } else { entries.append(entry) }
        byteCount += entry.message.byteCount
        if entry.qos == .atMostOnce { countAtMostOnce += 1 }
    }

    /// Removes the oldest message, wherever it is.
    mutating func removeFirst() -> Removed? {
        if let entry = entries.popFirst() {
            byteCount -= entry.message.byteCount
            if entry.qos == .atMostOnce { countAtMostOnce -= 1 }
            // Frees the memory of a busier time.
            if entries.isEmpty { entries = [] }
            return Removed(entry: entry, byteCount: entry.message.byteCount)
        }
        guard let rest, let segment = rest.segments.first else { return nil }
        let (octets, entry) = segment.removeFirst()
        byteCount -= octets
        rest.count -= 1
        var removed = Removed(entry: entry, byteCount: octets, isOfSegment: true)
        if segment.count == 0 {
            removed.emptied = segment
            byteCount -= segment.byteCount
            rest.segments.removeFirst()
            if rest.segments.isEmpty {
                entries = rest.newest
                self.rest = nil
            }
        }
        return removed
    }

    /// Removes the oldest message of a queue that has no segments.
    mutating func popFirst() -> Entry? { removeFirst()?.entry }

    // MARK: - Segments

    var hasSegments: Bool { rest != nil }
    /// The segments, the one with the oldest messages first.
    var segments: Deque<QueueSegment> { rest?.segments ?? [] }
    /// The messages behind the segments.
    var newest: Deque<Entry> { rest?.newest ?? [] }

    /// Octets of the messages behind the last segment: of all, if there is none.
    var octetsBehindSegments: Int { rest?.newestByteCount ?? byteCount }

    /// Removes the oldest messages behind the last segment that the log has, for a segment that is appended then.
    ///
    /// - Parameters:
    ///   - count: their number at most.
    ///   - octets: of them, at least and at most.
    /// - Returns: these, and their octets; none if there are fewer octets.
    mutating func takeForSegment(
        count: Int = .max,
        octets: ClosedRange<Int> = 0...(.max)
    ) -> (entries: Deque<Entry>, octets: Int) {
        let rest = rest ?? Rest()
        if self.rest == nil {
            swap(&rest.newest, &entries)
            rest.newestByteCount = byteCount
        }
        var taken: Deque<Entry> = []
        var size = 0
        while taken.count < count, size < octets.upperBound, let entry = rest.newest.popFirst() {
            rest.newestByteCount -= entry.message.byteCount
            if entry.isLogged {
                taken.append(entry)
                size += entry.message.byteCount
            } else {
                // Others overtake it, as they may [MQTT-4.6.0-6].
                entries.append(entry)
            }
        }
        if taken.isEmpty || size < octets.lowerBound {
            rest.newest.prepend(contentsOf: taken)
            rest.newestByteCount += size
            taken = []
            size = 0
        } else {
            byteCount -= size
        }
        if !taken.isEmpty || !rest.segments.isEmpty {
            self.rest = rest
        } else {
            entries.append(contentsOf: rest.newest)
        }
        return (taken, size)
    }

    /// Appends a segment behind the others.
    mutating func append(_ segment: QueueSegment) {
        let rest = rest ?? Rest()
        self.rest = rest
        rest.segments.append(segment)
        rest.count += segment.count
        byteCount += segment.byteCount
    }

    /// The segment that is to be fetched next, so that its messages are there when the older ones have gone; `nil` for none.
    var segmentToFetch: QueueSegment? {
        var before = entries.count
        for segment in rest?.segments ?? [] {
            guard before < Self.fetchingThreshold, !segment.isAwaited else { return nil }
            if segment.fetched == nil, !segment.isLost { return segment }
            before += segment.count
        }
        return nil
    }

    /// The segment with the oldest messages, if these cannot be read.
    var lostSegment: QueueSegment? {
        guard entries.isEmpty, let segment = rest?.segments.first, segment.isLost else { return nil }
        return segment
    }

    /// How few messages in memory make it time to fetch more.
    private static let fetchingThreshold = 32

    /// Frees the memory of messages that are on disk.
    func dropFetched() { for segment in rest?.segments ?? [] { segment.dropFetched() } }
}
