/// The addresses from which datagrams were forwarded lately, each for the owner that they went to: only that owner may send
/// anything there.
///
/// An owner answers only what is authentic. So addresses that were answered are kept apart from those that were not, which
/// may be forged and displace only each other. When a list is full, the address that was silent for longest goes.
struct RecentAddresses {
    /// An owner and a client, at a listener.
    struct Pair: Hashable {
        let owner: RelayNode
        let listener: UInt8
        let client: RelayAddress
    }

    /// What is known of an address that a datagram is to be forwarded from.
    enum Standing {
        case answered
        case unanswered
        /// Not known before.
        case new
    }

    private struct Entry {
        var pair: Pair
        /// The address of this node that the client reaches.
        var local: RelayAddress
        /// The instant of the last datagram.
        var seen: UInt64
        var isAnswered = false
        /// Places of the entries that were seen just before and just after, -1 for none.
        var older: Int32 = -1
        var newer: Int32 = -1
    }

    /// Entries in the order in which they were seen.
    private struct Order {
        let capacity: Int
        var count = 0
        var oldest: Int32 = -1
        var newest: Int32 = -1
    }

    /// Nanoseconds.
    private let lifetime: UInt64
    private var places: [Pair: Int32] = [:]
    private var entries: [Entry] = []
    private var vacant: [Int32] = []
    /// Those that were not answered, and those that were.
    private var orders: [Order]

    /// - Parameters:
    ///   - capacity: addresses that were answered, 1 and up.
    ///   - unanswered: addresses that were not, 1 and up.
    init(capacity: Int, unanswered: Int, lifetime: Duration) {
        self.orders = [unanswered, capacity].map { Order(capacity: min(max(1, $0), Int(Int32.max / 2))) }
        self.lifetime = lifetime.unsignedNanoseconds
    }

    var count: Int { self.places.count }

    func standing(of pair: Pair, now: UInt64) -> Standing {
        guard let place = self.places[pair], !self.isOver(place, now: now) else { return .new }
        return self.entries[Int(place)].isAnswered ? .answered : .unanswered
    }

    /// Notes a datagram that is forwarded to an owner.
    ///
    /// - Returns: false if another address had to go before its time.
    mutating func note(_ pair: Pair, at local: RelayAddress, now: UInt64) -> Bool {
        if let place = self.places[pair] {
            let wasOver = self.isOver(place, now: now)
            self.unlink(place)
            self.entries[Int(place)].local = local
            self.entries[Int(place)].seen = now
            if wasOver { self.entries[Int(place)].isAnswered = false }
            return self.link(place, now: now)
        }
        let entry = Entry(pair: pair, local: local, seen: now)
        let place: Int32
        if let free = self.vacant.popLast() {
            place = free
            self.entries[Int(place)] = entry
        } else {
            place = Int32(self.entries.count)
            self.entries.append(entry)
        }
        self.places[pair] = place
        return self.link(place, now: now)
    }

    /// Lets an answer of an owner out.
    ///
    /// - Returns: the address of this node that the client reached lately, and false if another address had to go before its time;
    ///   `nil` if the owner may send nothing to the client.
    mutating func answer(_ pair: Pair, now: UInt64) -> (local: RelayAddress, isRoomy: Bool)? {
        guard let place = self.places[pair], !self.isOver(place, now: now) else { return nil }
        var isRoomy = true
        if !self.entries[Int(place)].isAnswered {
            self.unlink(place)
            self.entries[Int(place)].isAnswered = true
            isRoomy = self.link(place, now: now)
        }
        return (self.entries[Int(place)].local, isRoomy)
    }

    private func isOver(_ place: Int32, now: UInt64) -> Bool {
        let seen = self.entries[Int(place)].seen
        return now > seen && now - seen >= self.lifetime
    }

    // MARK: The orders

    private func order(of place: Int32) -> Int { self.entries[Int(place)].isAnswered ? 1 : 0 }

    /// Puts an entry at the end of its order, and makes room for it.
    ///
    /// - Returns: false if another one had to go before its time.
    private mutating func link(_ place: Int32, now: UInt64) -> Bool {
        let order = self.order(of: place)
        while self.orders[order].oldest >= 0, self.isOver(self.orders[order].oldest, now: now) {
            self.remove(self.orders[order].oldest)
        }
        let isFull = self.orders[order].count >= self.orders[order].capacity
        if isFull { self.remove(self.orders[order].oldest) }
        let newest = self.orders[order].newest
        self.entries[Int(place)].older = newest
        self.entries[Int(place)].newer = -1
        if newest >= 0 { self.entries[Int(newest)].newer = place } else { self.orders[order].oldest = place }
        self.orders[order].newest = place
        self.orders[order].count += 1
        return !isFull
    }

    private mutating func remove(_ place: Int32) {
        self.unlink(place)
        self.places[self.entries[Int(place)].pair] = nil
        self.vacant.append(place)
    }

    private mutating func unlink(_ place: Int32) {
        let order = self.order(of: place)
        let (older, newer) = (self.entries[Int(place)].older, self.entries[Int(place)].newer)
        if older >= 0 { self.entries[Int(older)].newer = newer } else { self.orders[order].oldest = newer }
        if newer >= 0 { self.entries[Int(newer)].older = older } else { self.orders[order].newest = older }
        self.orders[order].count -= 1
    }
}
