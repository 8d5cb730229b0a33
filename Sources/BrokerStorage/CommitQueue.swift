internal import DequeModule
internal import NIOCore

/// Batches that are taken and not on disk yet, in the order in which they came.
struct CommitQueue {
    /// A batch, and where it came from.
    struct Entry {
        var octets: ByteBuffer
        var source: Int
        /// When the batch is to leave at the latest.
        var due: ContinuousClock.Instant
    }

    private var entries: Deque<Entry> = []
    /// The earliest instant at which an entry is to leave.
    private(set) var due: ContinuousClock.Instant?
    /// Octets of all entries.
    private(set) var octets = 0

    var isEmpty: Bool { entries.isEmpty }

    mutating func append(_ entry: Entry) {
        due = min(due ?? entry.due, entry.due)
        octets += entry.octets.readableBytes
        entries.append(entry)
    }

    /// Removes the oldest entries: as many as have `most` octets, and one in any case.
    mutating func take(most: Int) -> [Entry] {
        var taken: [Entry] = []
        var count = 0
        while let entry = entries.first, taken.isEmpty || count + entry.octets.readableBytes <= most {
            count += entry.octets.readableBytes
            taken.append(entries.removeFirst())
        }
        octets -= count
        // What is left has waited for this commit, and leaves with the next.
        if entries.isEmpty { due = nil }
        return taken
    }
}
