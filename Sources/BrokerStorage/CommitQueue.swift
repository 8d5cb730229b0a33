internal import DequeModule
internal import NIOCore

/// Batches that are taken and not on disk yet, in the order in which they came.
struct CommitQueue {
    /// A batch, and where it came from.
    struct Entry {
        var octets: ByteBuffer
        var segments = SegmentChanges()
        var source: Int

        var octetCount: Int { octets.readableBytes + segments.octetCount }
    }

    private var entries: Deque<Entry> = []
    /// Octets of all entries.
    private(set) var octets = 0

    var isEmpty: Bool { entries.isEmpty }

    mutating func append(_ entry: Entry) {
        octets += entry.octetCount
        entries.append(entry)
    }

    /// Removes the oldest entries: as many as have `most` octets, and one in any case.
    mutating func take(most: Int) -> [Entry] {
        var taken: [Entry] = []
        var count = 0
        while let entry = entries.first, taken.isEmpty || count + entry.octetCount <= most {
            count += entry.octetCount
            taken.append(entries.removeFirst())
        }
        octets -= count
        return taken
    }
}
