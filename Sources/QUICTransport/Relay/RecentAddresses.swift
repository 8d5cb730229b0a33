/// The addresses from which datagrams were forwarded lately, each for the owner that they went to: only that owner may send
/// anything there. When the table is full, the address that was silent for longest goes.
struct RecentAddresses {
    /// An owner and a client.
    private struct Pair: Hashable {
        let owner: RelayNode
        let client: RelayAddress
    }

    private struct Entry {
        var pair: Pair
        /// The address of this node that the client reaches.
        var local: RelayAddress
        /// The instant of the last datagram.
        var seen: UInt64
        /// Places of the entries that were seen just before and just after, -1 for none.
        var older: Int32
        var newer: Int32
    }

    private let capacity: Int
    /// Nanoseconds.
    private let lifetime: UInt64
    private var places: [Pair: Int32] = [:]
    private var entries: [Entry] = []
    private var vacant: [Int32] = []
    private var oldest: Int32 = -1
    private var newest: Int32 = -1

    /// - Parameter capacity: 1 and up.
    init(capacity: Int, lifetime: Duration) {
        self.capacity = min(max(1, capacity), Int(Int32.max))
        self.lifetime = lifetime.unsignedNanoseconds
    }

    var count: Int { self.places.count }

    /// Notes a datagram that is forwarded to an owner.
    ///
    /// - Returns: false if another address had to go before its time.
    mutating func note(_ client: RelayAddress, of owner: RelayNode, at local: RelayAddress, now: UInt64) -> Bool {
        let pair = Pair(owner: owner, client: client)
        if let place = self.places[pair] {
            self.unlink(place)
            self.link(place)
            self.entries[Int(place)].local = local
            self.entries[Int(place)].seen = now
            return true
        }
        while self.oldest >= 0, self.isOver(self.oldest, now: now) { self.removeOldest() }
        let isFull = self.places.count >= self.capacity
        if isFull { self.removeOldest() }
        let entry = Entry(pair: pair, local: local, seen: now, older: -1, newer: -1)
        let place: Int32
        if let free = self.vacant.popLast() {
            place = free
            self.entries[Int(place)] = entry
        } else {
            place = Int32(self.entries.count)
            self.entries.append(entry)
        }
        self.places[pair] = place
        self.link(place)
        return !isFull
    }

    /// The address of this node that the client reached lately; `nil` if the owner may send nothing to the client.
    func local(for client: RelayAddress, of owner: RelayNode, now: UInt64) -> RelayAddress? {
        guard let place = self.places[Pair(owner: owner, client: client)], !self.isOver(place, now: now) else {
            return nil
        }
        return self.entries[Int(place)].local
    }

    private func isOver(_ place: Int32, now: UInt64) -> Bool {
        let seen = self.entries[Int(place)].seen
        return now > seen && now - seen >= self.lifetime
    }

    // MARK: The order

    private mutating func removeOldest() {
        let place = self.oldest
        guard place >= 0 else { return }
        self.unlink(place)
        self.places[self.entries[Int(place)].pair] = nil
        self.vacant.append(place)
    }

    private mutating func link(_ place: Int32) {
        self.entries[Int(place)].older = self.newest
        self.entries[Int(place)].newer = -1
        if self.newest >= 0 { self.entries[Int(self.newest)].newer = place } else { self.oldest = place }
        self.newest = place
    }

    private mutating func unlink(_ place: Int32) {
        let (older, newer) = (self.entries[Int(place)].older, self.entries[Int(place)].newer)
        if older >= 0 { self.entries[Int(older)].newer = newer } else { self.oldest = newer }
        if newer >= 0 { self.entries[Int(newer)].older = older } else { self.newest = older }
    }
}
