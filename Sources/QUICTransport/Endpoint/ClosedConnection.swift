internal import DequeModule

/// What is left of a connection for three probe timeouts: enough to ignore late packets, or to repeat the end of it
/// (RFC 9000 §10.2).
final class ClosedConnection {
    let identifiers: [QUICConnectionID]
    let expiry: UInt64
    /// The CONNECTION_CLOSE packet; empty while draining.
    let packet: [UInt8]
    let local: DatagramAddress?
    let remote: DatagramAddress
    private var received = 0

    init(
        identifiers: [QUICConnectionID],
        expiry: UInt64,
        packet: [UInt8],
        local: DatagramAddress?,
        remote: DatagramAddress
    ) {
        self.identifiers = identifiers
        self.expiry = expiry
        self.packet = packet
        self.local = local
        self.remote = remote
    }

    /// Whether the end is to be repeated for another late packet: for the 1st, 2nd, 4th, 8th …
    func answersNext() -> Bool {
        self.received += 1
        return !self.packet.isEmpty && self.received & (self.received - 1) == 0
    }
}

/// Closed connections in the order of closing, bounded: the oldest goes first.
struct ClosedConnections {
    let limit: Int
    private var entries = Deque<ClosedConnection>()

    init(limit: Int) {
        self.limit = limit
    }

    var count: Int { self.entries.count }
    var earliestExpiry: UInt64? { self.entries.first?.expiry }

    /// Adds one; returns the one that had to go for it.
    mutating func insert(_ entry: ClosedConnection) -> ClosedConnection? {
        self.entries.append(entry)
        return self.entries.count > self.limit ? self.entries.popFirst() : nil
    }

    mutating func popExpired(now: UInt64) -> ClosedConnection? {
        guard let first = self.entries.first, first.expiry <= now else { return nil }
        return self.entries.popFirst()
    }
}
