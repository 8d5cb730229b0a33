import DequeModule

/// Which connection has the transient session of which client identifier, for the client identifiers whose home the directory's
/// shard is. A transient session ends with its connection, and is wherever that is.
///
/// A claim of the identifier ends the session first, and the claims that come meanwhile wait, so that take-overs have an order.
struct ClientDirectory {
    private var entries: [UTF8Key: Entry] = [:]
    private let maximumPendingClaims: Int

    /// The transient session of one client identifier.
    private struct Entry {
        let holder: ConnectionReference
        /// Claims that wait for the end of the holder's session; it has been told to end if there are any.
        var waiting: Deque<Claim> = []
    }

    /// What becomes of a claim.
    enum Decision: Equatable {
        /// There is no transient session.
        case free
        /// The connection is to be told that its session is taken over; the claim waits for the end.
        case evict(ConnectionReference)
        case wait
        /// The connection has got the session already.
        case again
        /// Too many claims wait.
        case refuse
    }

    init(maximumPendingClaims: Int) { self.maximumPendingClaims = maximumPendingClaims }

    var count: Int { entries.count }

    mutating func claim(_ claim: Claim) -> Decision {
        guard let entry = entries[claim.client] else { return .free }
        // A claim is sent again if it is not known to have come.
        if entry.holder == claim.connection { return .again }
        if entry.waiting.contains(where: { $0.connection == claim.connection }) { return .wait }
        guard entry.waiting.count < maximumPendingClaims else { return .refuse }
        entries[claim.client]?.waiting.append(claim)
        return entry.waiting.isEmpty ? .evict(entry.holder) : .wait
    }

    /// A connection gets a transient session.
    mutating func add(_ claim: Claim) { entries[claim.client] = Entry(holder: claim.connection) }

    /// A connection has a transient session, as its shard says. Returns false if another one has it by now.
    mutating func add(_ client: UTF8Key, _ holder: ConnectionReference) -> Bool {
        if let entry = entries[client] { return entry.holder == holder }
        entries[client] = Entry(holder: holder)
        return true
    }

    /// Those of them that others claim.
    func claimed(ofNode node: UInt8) -> [(UTF8Key, ConnectionReference)] {
        entries.filter { $0.value.holder.shard.node == node && !$0.value.waiting.isEmpty }
            .map { ($0.key, $0.value.holder) }
    }

    /// The transient sessions whose connections are at a node.
    func holders(ofNode node: UInt8) -> [(UTF8Key, ConnectionReference)] {
        entries.filter { $0.value.holder.shard.node == node }.map { ($0.key, $0.value.holder) }
    }

    /// Forgets the transient sessions of client identifiers whose lane this shard does not lead any more.
    mutating func forget(_ lane: Lane) {
        entries = entries.filter { Lane(clientHash: Session.identity(of: $0.key)) != lane }
    }

    /// The transient session of a connection has ended. Returns the claims that waited for that, in their order.
    mutating func ended(_ client: UTF8Key, of holder: ConnectionReference) -> Deque<Claim> {
        guard let entry = entries[client], entry.holder == holder else { return [] }
        entries[client] = nil
        return entry.waiting
    }
}
