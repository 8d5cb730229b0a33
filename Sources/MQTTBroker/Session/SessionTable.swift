/// The sessions of a shard, by client identifier: the durable ones that are at home here, and the transient ones of the shard's
/// connections.
struct SessionTable: ~Copyable {
    private var sessions = SlotDictionary<UTF8Key, Session>()
    private var lastNumber: UInt64 = 0
    /// The transient sessions of the client identifiers whose home this shard is.
    var directory: ClientDirectory

    init(limits: SharedLimits) { directory = ClientDirectory(maximumPendingClaims: limits.values.maximumPendingClaims) }

    var count: Int { sessions.count }

    /// A new session of a client, which is in no table yet.
    ///
    /// - Parameter holder: the connection that a transient session ends with; `nil` for a durable session.
    mutating func make(_ claim: Claim, holder: ConnectionReference?) -> Session {
        lastNumber += 1
        return Session(
            clientIdentifier: claim.client,
            identity: claim.identity,
            number: lastNumber,
            holder: holder
        )
    }

    /// A new session of a data stream, which is in no table.
    ///
    /// - Parameter parent: the session of the client.
    mutating func make(beside parent: Session) -> Session {
        lastNumber += 1
        return Session(
            clientIdentifier: parent.clientIdentifier,
            identity: parent.identity,
            number: lastNumber,
            parent: parent
        )
    }

    /// The places of sessions, in use or not, which a walk in steps visits.
    var placeCount: Int { sessions.placeCount }

    /// The session at a place; `nil` if the place is not in use.
    func session(at place: Int) -> Session? { sessions.value(at: place) }

    subscript(client: UTF8Key) -> Session? { sessions[client] }

    mutating func insert(_ session: Session) { sessions[session.clientIdentifier] = session }

    /// Removes a session, unless another one has its client identifier by now.
    mutating func remove(_ session: Session) {
        if sessions[session.clientIdentifier] === session { sessions[session.clientIdentifier] = nil }
    }
}
