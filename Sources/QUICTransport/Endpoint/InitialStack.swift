internal import DequeModule
internal import NIOCore

/// First flights of clients whose handshake has not begun: an Initial packet (RFC 9000 §17.2.2) and what its client sent
/// behind it.
///
/// The newest client comes first: it waits for an answer more surely than an older one. An older client sends its Initial
/// again (RFC 9002 §6.2.2).
struct InitialStack {
    /// The datagrams of one client, as a list through `Slot.next`.
    private struct Flight {
        let identifier: QUICConnectionID
        let arrival: UInt64
        let first: Int
        var last: Int
        var count = 1
    }

    /// A datagram, and the next one of the same client.
    private struct Slot {
        var datagram: WaitingDatagram
        var next: Int?
    }

    /// Datagrams that wait at most.
    let limit: Int
    /// Nanoseconds that a client waits at most.
    let lifetime: UInt64
    /// Datagrams of one client: a ClientHello with a post-quantum key share has two, and early data may follow.
    static let flightLimit = 4
    /// Flights that are searched for the client of a datagram, the newest first.
    private static let searchLimit = 16

    private var flights = Deque<Flight>()
    private var slots: [Slot] = []
    private var free: [Int] = []

    /// - Parameters:
    ///   - limit: datagrams, 1 and up.
    ///   - lifetime: nanoseconds.
    init(limit: Int, lifetime: UInt64) {
        self.limit = max(1, limit)
        self.lifetime = lifetime
    }

    var isEmpty: Bool { self.flights.isEmpty }
    /// Datagrams that wait.
    var count: Int { self.slots.count - self.free.count }

    /// Adds a datagram to the flight of a client that waits already. False if there is none, or it has its share.
    mutating func append(
        _ bytes: UnsafeRawBufferPointer,
        of identifier: QUICConnectionID,
        from remote: DatagramAddress,
        to local: DatagramAddress,
        ecn: UInt8
    ) -> Bool {
        guard
            let index = self.flights.indices.suffix(Self.searchLimit).last(where: {
                self.flights[$0].identifier == identifier
            }), self.flights[index].count < Self.flightLimit, self.count < self.limit
        else { return false }
        let slot = unsafe self.fill(bytes, from: remote, to: local, ecn: ecn)
        self.slots[self.flights[index].last].next = slot
        self.flights[index].last = slot
        self.flights[index].count += 1
        return true
    }

    /// Adds a client on top.
    ///
    /// - Parameter arrival: instant after which the datagram arrived, nanoseconds; never less than that of the one before.
    /// - Returns: datagrams of the oldest client that had to go for it.
    mutating func push(
        _ bytes: UnsafeRawBufferPointer,
        of identifier: QUICConnectionID,
        from remote: DatagramAddress,
        to local: DatagramAddress,
        ecn: UInt8,
        arrival: UInt64
    ) -> Int {
        let removed = self.count < self.limit ? 0 : self.removeOldest()
        let slot = unsafe self.fill(bytes, from: remote, to: local, ecn: ecn)
        self.flights.append(Flight(identifier: identifier, arrival: arrival, first: slot, last: slot))
        return removed
    }

    /// Forgets the clients that have waited too long.
    ///
    /// - Returns: their datagrams.
    mutating func removeExpired(now: UInt64) -> Int {
        var removed = 0
        while let oldest = self.flights.first, oldest.arrival + self.lifetime < now { removed += self.removeOldest() }
        return removed
    }

    /// Takes out the newest client: its datagrams in the order in which they came, none if nobody waits.
    mutating func popNewest() -> [WaitingDatagram] {
        guard let flight = self.flights.popLast() else { return [] }
        var datagrams: [WaitingDatagram] = []
        var slot = Optional(flight.first)
        while let index = slot {
            var taken = WaitingDatagram()
            swap(&taken, &self.slots[index].datagram)
            datagrams.append(taken)
            slot = self.slots[index].next
            self.free.append(index)
        }
        return datagrams
    }

    private mutating func removeOldest() -> Int {
        guard let flight = self.flights.popFirst() else { return 0 }
        var slot = Optional(flight.first)
        while let index = slot {
            slot = self.slots[index].next
            self.free.append(index)
        }
        return flight.count
    }

    /// Copies a datagram into a free slot, whose memory is used again.
    private mutating func fill(
        _ bytes: UnsafeRawBufferPointer,
        from remote: DatagramAddress,
        to local: DatagramAddress,
        ecn: UInt8
    ) -> Int {
        guard let index = self.free.popLast() else {
            var buffer = ByteBuffer()
            unsafe buffer.writeBytes(bytes)
            self.slots.append(Slot(datagram: WaitingDatagram(bytes: buffer, remote: remote, local: local, ecn: ecn)))
            return self.slots.count - 1
        }
        self.slots[index].next = nil
        self.slots[index].datagram.remote = remote
        self.slots[index].datagram.local = local
        self.slots[index].datagram.ecn = ecn
        self.slots[index].datagram.bytes.clear()
        unsafe self.slots[index].datagram.bytes.writeBytes(bytes)
        return index
    }
}
