import HeapModule

/// A `ClientSearch` that is under way. The places that it visits are those of the connections, and behind them those of the sessions.
struct ClientWalk {
    private let search: ClientSearch
    private let matcher: ClientMatcher
    /// The place to visit next: a slot of a connection from 0 on, and a session's from `sessionsStart` on, so that neither moves while the other table
    /// grows.
    private var position: Int
    private var toSkip: Int
    private var found = ClientSearch.Found()
    /// The best rows in the search's order, the worst on top.
    private var best = Heap<Candidate>()

    private static var sessionsStart: Int { 1 << 40 }

    private struct Candidate: Comparable {
        let key: ClientOrder.Key
        let isDescending: Bool
        let row: ClientRow

        static func < (left: Candidate, right: Candidate) -> Bool {
            left.isDescending ? right.key < left.key : left.key < right.key
        }

        static func == (left: Candidate, right: Candidate) -> Bool { left.key == right.key }
    }

    init(_ search: ClientSearch) {
        self.search = search
        matcher = ClientMatcher(search.filter)
        position = search.position
        toSkip = search.order == nil ? search.skip : 0
    }

    /// Goes on for at most `steps`, each of which visits a place, and takes those used from `steps`.
    ///
    /// - Returns: what was found, once the search has come to its end.
    mutating func advance(by steps: inout Int, in shard: borrowing Shard) -> ClientSearch.Found? {
        while steps > 0 {
            if isFull {
                found.position = position
                return found
            }
            steps -= 1
            if position < Self.sessionsStart {
                guard position < shard.connections.slotCount else {
                    position = Self.sessionsStart
                    continue
                }
                visit(shard.connections[slot: position])
            } else {
                let place = position - Self.sessionsStart
                guard place < shard.sessions.placeCount else { return finished() }
                visit(shard.sessions.session(at: place))
            }
            position += 1
        }
        return nil
    }

    private var isFull: Bool { search.order == nil && !search.counts && found.rows.count >= search.limit }

    private mutating func visit(_ connection: Connection?) {
        guard let connection, !connection.isDataStream, connection.state == .connected,
            let client = connection.clientIdentifier, matcher.wants(connection)
        else { return }
        take(client, connection) { ClientRow(connection, client) }
    }

    private mutating func visit(_ session: Session?) {
        guard let session, session.parent == nil, session.connection == nil,
            matcher.wantsAway(session.clientIdentifier)
        else { return }
        take(session.clientIdentifier, nil) { ClientRow(away: session) }
    }

    private mutating func take(_ client: UTF8Key, _ connection: Connection?, _ row: () -> ClientRow) {
        found.count += 1
        guard let order = search.order else {
            if toSkip > 0 {
                toSkip -= 1
            } else if found.rows.count < search.limit {
                found.rows.append(row())
            } else if found.position == nil {
                // Only counted from here on.
                found.position = position
            }
            return
        }
        let key = order.key(of: client, connection)
        let wanted = min(search.skip + search.limit, ClientSearch.maximumRows)
        if best.count >= wanted {
            guard let worst = best.max, order.isDescending ? worst.key < key : key < worst.key else { return }
            best.removeMax()
        }
        best.insert(Candidate(key: key, isDescending: order.isDescending, row: row()))
    }

    private mutating func finished() -> ClientSearch.Found {
        if search.order != nil {
            // All of them, since those to be passed over are known once the rows of all shards are one list.
            while let next = best.popMin() { found.rows.append(next.row) }
        }
        return found
    }
}

extension ClientRow {
    fileprivate init(_ connection: Connection, _ client: UTF8Key) {
        self.init(
            client: client.string,
            connection: ConnectionRow(connection),
            session: connection.session.map { SessionRow($0) },
            home: connection.remoteSession?.home
        )
    }

    fileprivate init(away session: Session) {
        self.init(client: session.clientIdentifier.string, connection: nil, session: SessionRow(session), home: nil)
    }
}
