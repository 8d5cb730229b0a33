/// Which connection a packet is for. Any number of identifiers lead to one connection.
struct ConnectionTable {
    enum Entry {
        case live(QUICConnection)
        case closed(ClosedConnection)
    }

    private var entries: [QUICConnectionID: Entry] = [:]
    /// Stateless resets bear no identifier of ours, but a token (clients only).
    private var tokens: [StatelessResetToken: QUICConnection] = [:]

    var identifierCount: Int { self.entries.count }

    subscript(identifier: QUICConnectionID) -> Entry? {
        get { self.entries[identifier] }
        set { self.entries[identifier] = newValue }
    }

    subscript(token: StatelessResetToken) -> QUICConnection? {
        get { self.tokens[token] }
        set { self.tokens[token] = newValue }
    }

    /// Forgets a closed connection; an identifier that is another's by now stays.
    mutating func remove(_ closed: ClosedConnection) {
        for identifier in closed.identifiers {
            if case .closed(let entry)? = self.entries[identifier], entry === closed {
                self.entries[identifier] = nil
            }
        }
    }
}

extension ConnectionTable {
    /// Each live connection once. Walks the whole table.
    var connections: [QUICConnection] {
        var seen = Set<ObjectIdentifier>()
        return self.entries.values.compactMap { entry in
            guard case .live(let connection) = entry, seen.insert(ObjectIdentifier(connection)).inserted else {
                return nil
            }
            return connection
        }
    }
}
