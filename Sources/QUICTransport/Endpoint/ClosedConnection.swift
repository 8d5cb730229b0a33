internal import DequeModule

/// A closed connection in its closing or draining period of three probe timeouts (RFC 9000 §10.2): enough to ignore late
/// packets, or to answer them by CONNECTION_CLOSE once more.
final class ClosedConnection {
    let identifiers: [QUICConnectionID]
    /// When the period ends, nanoseconds of the endpoint's clock.
    let expiry: UInt64
    /// The CONNECTION_CLOSE packet; empty while draining.
    let packet: [UInt8]
    let local: DatagramAddress?
    let remote: DatagramAddress
    /// The way to a client that another node reaches.
    let ingress: RelayIngress?
    private var received = 0

    init(
        identifiers: [QUICConnectionID],
        expiry: UInt64,
        packet: [UInt8],
        local: DatagramAddress?,
        remote: DatagramAddress,
        ingress: RelayIngress? = nil
    ) {
        self.identifiers = identifiers
        self.expiry = expiry
        self.packet = packet
        self.local = local
        self.remote = remote
        self.ingress = ingress
    }

    /// True if CONNECTION_CLOSE is to be sent again for one more late packet: for the 1st, 2nd, 4th, 8th …
    func answersNext() -> Bool {
        self.received += 1
        return !self.packet.isEmpty && self.received & (self.received - 1) == 0
    }
}

/// Closed connections in the order of closing. Beyond the bound the oldest is forgotten.
struct ClosedConnections {
    let limit: Int
    private var entries = Deque<ClosedConnection>()

    init(limit: Int) {
        self.limit = limit
    }

    var count: Int { self.entries.count }
    var earliestExpiry: UInt64? { self.entries.first?.expiry }

    /// Adds a closed connection.
    ///
    /// - Returns: the connection that was forgotten for it, if any.
    mutating func insert(_ entry: ClosedConnection) -> ClosedConnection? {
        self.entries.append(entry)
        return self.entries.count > self.limit ? self.entries.popFirst() : nil
    }

    mutating func popExpired(now: UInt64) -> ClosedConnection? {
        guard let first = self.entries.first, first.expiry <= now else { return nil }
        return self.entries.popFirst()
    }
}
