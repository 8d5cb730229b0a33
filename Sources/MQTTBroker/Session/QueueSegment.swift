import DequeModule

/// Messages of a session's queue whose place is on disk beside the log, and not in memory. The log says only how many they are. The
/// client is present when they are fetched, and each is logged, like a message that has just come, when it leaves the queue.
final class QueueSegment {
    /// Never used twice in a node while the segment is there.
    let number: UInt64
    /// Messages that have left the queue: the first ones of those on disk.
    private(set) var left: Int
    /// Messages that are still in the queue.
    private(set) var count: Int
    /// Octets of these as bounds count them; about, once some have left.
    private(set) var byteCount: Int
    /// Messages that are still in the queue, while they are in memory as well.
    private(set) var fetched: Deque<MessageQueue.Entry>?
    /// True between the request for the messages and their arrival.
    var isAwaited = false
    /// True if the messages cannot be read.
    var isLost = false

    init(_ place: StoredSegment.Place) {
        number = place.number
        left = place.left
        count = place.count
        byteCount = place.byteCount
    }

    /// What the log says of the segment now.
    var place: StoredSegment.Place { .init(number: number, left: left, count: count, byteCount: byteCount) }

    /// All messages of the segment have arrived.
    func arrived(_ entries: Deque<MessageQueue.Entry>) { fetched = Deque(entries.dropFirst(left)) }

    /// Frees the memory of messages that are on disk.
    func dropFetched() { fetched = nil }

    /// The oldest message has left the queue. Returns its octets, about, and the message if it is in memory.
    func removeFirst() -> (byteCount: Int, entry: MessageQueue.Entry?) {
        let entry = fetched?.popFirst()
        let octets = min(byteCount, entry?.message.byteCount ?? byteCount / max(1, count))
        byteCount -= octets
        count -= 1
        left += 1
        return (octets, entry)
    }
}
