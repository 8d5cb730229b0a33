import NIOCore

/// What happens in a simulation, in the order of virtual time.
struct EventQueue<Event> {
    private(set) var now = NIODeadline.uptimeNanoseconds(1_000_000_000)
    private var events: [(due: NIODeadline, number: Int, event: Event)] = []
    private var number = 0

    mutating func add(_ event: Event, after time: TimeAmount) {
        number += 1
        let entry = (due: now + time, number: number, event: event)
        // The earliest stands last.
        var (low, high) = (events.startIndex, events.endIndex)
        while low < high {
            let middle = (low + high) / 2
            if events[middle].due > entry.due { low = middle + 1 } else { high = middle }
        }
        events.insert(entry, at: low)
    }

    /// The next event, whose time it is then; `nil` if there is none before the end.
    mutating func next(until end: NIODeadline) -> Event? {
        guard let last = events.last, last.due <= end else { return nil }
        events.removeLast()
        now = max(now, last.due)
        return last.event
    }
}
