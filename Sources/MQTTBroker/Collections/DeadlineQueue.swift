import NIOCore

/// The deadlines of a shard, earliest first: a binary heap whose entries can be cancelled, so that clients that come and go
/// leave nothing behind.
struct DeadlineQueue<Target>: ~Copyable {
    /// Names a deadline until it fires or is cancelled. A handle of one that has fired or was cancelled names nothing.
    struct Handle: Equatable {
        fileprivate let slot: UInt32
        fileprivate let use: UInt32
    }

    /// A deadline that is not over.
    private struct Entry {
        var instant: NIODeadline
        let target: Target
        let slot: UInt32
    }

    /// Where in the heap the deadline of a handle is.
    private struct Slot {
        var place: Int
        /// Raised with each use of the slot.
        var use: UInt32
    }

    private var entries: [Entry] = []
    private var slots: [Slot] = []
    private var freeSlots: [UInt32] = []

    init() {}

    var count: Int { entries.count }
    var earliest: NIODeadline? { entries.first?.instant }

    /// Adds a deadline.
    mutating func add(_ target: Target, at instant: NIODeadline) -> Handle {
        let slot: UInt32
        if let free = freeSlots.popLast() {
            slot = free
        } else {
            slot = UInt32(slots.count)
            slots.append(Slot(place: 0, use: 0))
        }
        slots[Int(slot)].place = entries.count
        slots[Int(slot)].use &+= 1
        entries.append(Entry(instant: instant, target: target, slot: slot))
        siftUp(entries.count - 1)
        return Handle(slot: slot, use: slots[Int(slot)].use)
    }

    /// The instant of a deadline; `nil` if it has fired or was cancelled.
    func instant(of handle: Handle) -> NIODeadline? { place(of: handle).map { entries[$0].instant } }

    /// Removes a deadline, if it has not fired, and the handle.
    mutating func cancel(_ handle: inout Handle?) {
        if let known = handle, let place = place(of: known) { remove(at: place) }
        handle = nil
    }

    /// Takes out the earliest deadline if it is due.
    mutating func popDue(at now: NIODeadline) -> (target: Target, instant: NIODeadline)? {
        guard let first = entries.first, first.instant <= now else { return nil }
        remove(at: 0)
        return (first.target, first.instant)
    }

    private func place(of handle: Handle) -> Int? {
        let slot = slots[Int(handle.slot)]
        return slot.use == handle.use && slot.place >= 0 ? slot.place : nil
    }

    private mutating func remove(at place: Int) {
        let slot = entries[place].slot
        slots[Int(slot)].place = -1
        freeSlots.append(slot)
        let last = entries.removeLast()
        guard place < entries.count else { return }
        put(last, at: place)
        siftUp(place)
        siftDown(slots[Int(last.slot)].place)
    }

    private mutating func put(_ entry: Entry, at place: Int) {
        entries[place] = entry
        slots[Int(entry.slot)].place = place
    }

    private mutating func siftUp(_ start: Int) {
        let entry = entries[start]
        var place = start
        while place > 0 {
            let parent = (place - 1) / 2
            guard entry.instant < entries[parent].instant else { break }
            put(entries[parent], at: place)
            place = parent
        }
        if place != start { put(entry, at: place) }
    }

    private mutating func siftDown(_ start: Int) {
        let entry = entries[start]
        var place = start
        while true {
            var child = 2 * place + 1
            guard child < entries.count else { break }
            if child + 1 < entries.count, entries[child + 1].instant < entries[child].instant { child += 1 }
            guard entries[child].instant < entry.instant else { break }
            put(entries[child], at: place)
            place = child
        }
        if place != start { put(entry, at: place) }
    }
}
