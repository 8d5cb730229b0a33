/// The sessions of a shard, by client identifier.
struct SessionTable: ~Copyable {
    private var sessions = SlotDictionary<UTF8Key, Session>()
    private var lastNumber: UInt64 = 0
    /// Sessions that another shard is handing over.
    var arriving: [UTF8Key: Session] = [:]
    /// Which shard has which session, for the client identifiers whose home this shard is.
    var directory: ClientDirectory

    init(limits: SharedLimits) { directory = ClientDirectory(maximumPendingClaims: limits.values.maximumPendingClaims) }

    var count: Int { sessions.count }

    /// A new session, which is in no table yet.
    ///
    /// - Parameter parent: the session of the client, for the session of a data stream.
    mutating func make(_ client: UTF8Key, parent: Session? = nil) -> Session {
        lastNumber += 1
        return Session(clientIdentifier: client, number: lastNumber, parent: parent)
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
