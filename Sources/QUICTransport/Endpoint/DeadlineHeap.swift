/// Connections ordered by the deadline of their next timer: a binary heap in which each connection knows its index.
///
/// A deadline that moves later leaves its entry where it is: the entry comes up early, and is put back. Deadlines of
/// loss recovery move later with nearly every packet, so that this saves most of the work.
struct DeadlineHeap {
    private var entries: [(deadline: UInt64, connection: QUICConnection)] = []

    var earliest: UInt64? { self.entries.first?.deadline }
    var count: Int { self.entries.count }

    /// Adds the connection, or moves its entry, so that `popDue` returns it at its `deadline` at the latest.
    mutating func schedule(_ connection: QUICConnection) {
        let deadline = connection.deadline
        if connection.heapIndex >= 0 {
            guard deadline < self.entries[connection.heapIndex].deadline else { return }
            self.entries[connection.heapIndex].deadline = deadline
            self.siftUp(connection.heapIndex)
        } else if deadline != .max {
            connection.heapIndex = self.entries.count
            self.entries.append((deadline, connection))
            self.siftUp(connection.heapIndex)
        }
    }

    /// Removes and returns one connection whose entry is due. The connection's own `deadline` may be later.
    mutating func popDue(now: UInt64) -> QUICConnection? {
        guard let first = self.entries.first, first.deadline <= now else { return nil }
        self.remove(first.connection)
        return first.connection
    }

    mutating func remove(_ connection: QUICConnection) {
        let index = connection.heapIndex
        guard index >= 0 else { return }
        connection.heapIndex = -1
        let last = self.entries.removeLast()
        guard index < self.entries.count else { return }
        self.entries[index] = last
        last.connection.heapIndex = index
        self.siftUp(index)
        self.siftDown(last.connection.heapIndex)
    }

    private mutating func siftUp(_ start: Int) {
        var index = start
        while index > 0 {
            let parent = (index - 1) / 2
            guard self.entries[index].deadline < self.entries[parent].deadline else { return }
            self.swap(index, parent)
            index = parent
        }
    }

    private mutating func siftDown(_ start: Int) {
        var index = start
        while true {
            var smallest = index
            for child in [2 * index + 1, 2 * index + 2] where child < self.entries.count {
                if self.entries[child].deadline < self.entries[smallest].deadline { smallest = child }
            }
            guard smallest != index else { return }
            self.swap(index, smallest)
            index = smallest
        }
    }

    private mutating func swap(_ left: Int, _ right: Int) {
        self.entries.swapAt(left, right)
        self.entries[left].connection.heapIndex = left
        self.entries[right].connection.heapIndex = right
    }
}
