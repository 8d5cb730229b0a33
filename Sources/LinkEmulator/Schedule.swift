import HeapModule

/// Commands that are due later, in the order of their instants.
struct Schedule {
    private var entries = Heap<Entry>()
    private var order: UInt64 = 0

    var next: Nanoseconds? { entries.min?.due }

    mutating func add(_ command: Command, at due: Nanoseconds, every interval: Nanoseconds? = nil) {
        order += 1
        entries.insert(Entry(due: due, order: order, interval: interval, command: command))
    }

    /// Takes the first command; a repeated one is scheduled again.
    mutating func take() -> Command? {
        guard let entry = entries.popMin() else { return nil }
        if let interval = entry.interval { add(entry.command, at: entry.due + interval, every: interval) }
        return entry.command
    }

    /// A command, and when it is due.
    private struct Entry: Comparable {
        let due: Nanoseconds
        let order: UInt64
        let interval: Nanoseconds?
        let command: Command

        static func < (left: Self, right: Self) -> Bool { (left.due, left.order) < (right.due, right.order) }
        static func == (left: Self, right: Self) -> Bool { left.order == right.order }
    }
}
