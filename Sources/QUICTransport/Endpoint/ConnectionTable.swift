/// Finds the connection of a packet by its Destination Connection ID (RFC 9000 §5.2). A connection has several identifiers.
struct ConnectionTable {
    /// The connection that an identifier names.
    enum Entry {
        case live(QUICConnection)
        case closed(ClosedConnection)
    }

    private var entries: [QUICConnectionID: Entry] = [:]
    /// Connections by stateless reset token (clients only): a stateless reset has no known identifier (RFC 9000 §10.3).
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

    /// Removes the identifiers of a closed connection, except those that belong to another connection now.
    mutating func remove(_ closed: ClosedConnection) {
        for identifier in closed.identifiers {
            if case .closed(let entry)? = self.entries[identifier], entry === closed {
                self.entries[identifier] = nil
            }
        }
    }
}

extension ConnectionTable {
    /// Every live connection once. The whole table is read for it.
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
