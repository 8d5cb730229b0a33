import MQTTCodec

/// What a shard remembers while it replays the logs of lanes. Nothing of it is served before the end of its lane's replay.
struct Recovery {
    private var parts = [Part](repeating: Part(), count: Lane.count)
    /// Lanes that a batch is missing of.
    var damaged: Set<Lane> = []
    /// Lanes that a batch may be missing of, with the position behind which it would have been: a batch of the next position shows that
    /// none is.
    var suspected: [Lane: UInt64] = [:]

    /// What is remembered of a lane.
    struct Part {
        /// The sessions of clients and of data streams.
        var sessions: [UInt64: Session] = [:]
        /// The numbers of the clients' sessions.
        var clients: [UTF8Key: UInt64] = [:]
        /// The numbers of the sessions of data streams, by the number of the client's session.
        var streams: [UInt64: [UInt64]] = [:]
        /// The clients' own sessions: what is to happen while the client is away.
        var absences: [UInt64: Absence] = [:]
    }

    /// What a session's newest record says of its client's absence.
    struct Absence {
        /// When the client went away, milliseconds since 1970-01-01 UTC; `nil` if it was connected to the end of the run.
        var since: Int64?
        var will: Connect.Will?
        /// When the will is due; of no meaning while the client is connected.
        var due: Int64 = 0
    }

    subscript(lane: Lane) -> Part {
        _read { yield parts[Int(lane.number)] }
        _modify { yield &parts[Int(lane.number)] }
    }

    /// The sessions of all lanes, in no order.
    var sessions: [Session] { parts.flatMap { $0.sessions.values } }

    /// Takes what is remembered of a lane.
    mutating func take(_ lane: Lane) -> Part {
        var part = Part()
        swap(&part, &parts[Int(lane.number)])
        return part
    }
}
