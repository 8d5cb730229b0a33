/// The sessions of a shard, by client identifier: the durable ones that are at home here, and the transient ones of the shard's
/// connections.
struct SessionTable: ~Copyable {
    private var sessions = SlotDictionary<UTF8Key, Session>()
    private var lastNumber: UInt64 = 0
    /// The transient sessions of the client identifiers whose home this shard is.
    var directory: ClientDirectory

    init(limits: SharedLimits) { directory = ClientDirectory(maximumPendingClaims: limits.values.maximumPendingClaims) }

    var count: Int { sessions.count }
    /// The sessions of these that a lane keeps.
    private(set) var durableCount = 0

    /// A new session of a client, which is in no table yet.
    ///
    /// - Parameter holder: the connection that a transient session ends with; `nil` for a durable session that is not logged.
    mutating func make(_ claim: Claim, holder: ConnectionReference?) -> Session {
        Session(
            clientIdentifier: claim.client,
            identity: claim.identity,
            number: makeNumber(),
            holder: holder
        )
    }

    /// A new durable session of a lane, which is in no table yet.
    mutating func make(_ claim: Claim, in lane: Lane, number: UInt64) -> Session {
        Session(clientIdentifier: claim.client, identity: claim.identity, number: number, lane: lane)
    }

    /// A number for a session that is not logged, which no other session of the shard has: odd, as those of lanes are not.
    private mutating func makeNumber() -> UInt64 {
        lastNumber += 2
        return lastNumber | 1
    }

    /// A new session of a data stream, which is in no table.
    ///
    /// - Parameter parent: the session of the client.
    /// - Parameter number: of the lane, if the session is logged.
    mutating func make(beside parent: Session, number: UInt64?) -> Session {
        Session(
            clientIdentifier: parent.clientIdentifier,
            identity: parent.identity,
            number: number ?? makeNumber(),
            parent: parent,
            lane: parent.lane
        )
    }

    /// The places of sessions, in use or not, which a walk in steps visits.
    var placeCount: Int { sessions.placeCount }

    /// The session at a place; `nil` if the place is not in use.
    func session(at place: Int) -> Session? { sessions.value(at: place) }

    /// All sessions, in no order.
    var all: [Session] { (0..<placeCount).compactMap { session(at: $0) } }

    subscript(client: UTF8Key) -> Session? { sessions[client] }

    mutating func insert(_ session: Session) {
        replace(sessions[session.clientIdentifier], by: session)
        sessions[session.clientIdentifier] = session
    }

    /// Removes a session, unless another one has its client identifier by now.
    mutating func remove(_ session: Session) {
        guard sessions[session.clientIdentifier] === session else { return }
        replace(session, by: nil)
        sessions[session.clientIdentifier] = nil
    }

    private mutating func replace(_ before: Session?, by session: Session?) {
        durableCount += (session?.lane == nil ? 0 : 1) - (before?.lane == nil ? 0 : 1)
    }
}
