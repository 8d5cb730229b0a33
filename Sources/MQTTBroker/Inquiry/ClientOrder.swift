/// What clients are sorted by.
package struct ClientOrder: Codable, Sendable, Equatable {
    /// A column that the shard of a connection knows.
    package enum Column: String, Codable, Sendable, CaseIterable {
        case client = "clientid"
        case userName = "username"
        case connected = "connected_at"
        case messagesReceived = "recv_msg"
        case messagesSent = "send_msg"
        case octetsReceived = "recv_oct"
        case octetsSent = "send_oct"
        case keepAlive = "keepalive"
    }

    package var column: Column
    package var isDescending: Bool

    package init(_ column: Column, isDescending: Bool = false) {
        self.column = column
        self.isDescending = isDescending
    }

    /// The value of a client in the column, and then the client identifier, so that no two clients are equal.
    struct Key: Comparable {
        let number: UInt64
        let text: String
        let client: String

        static func < (left: Key, right: Key) -> Bool {
            if left.number != right.number { return left.number < right.number }
            if left.text != right.text { return left.text < right.text }
            return left.client < right.client
        }
    }

    /// True if a row stands before another one.
    package func comesBefore(_ left: ClientRow, _ right: ClientRow) -> Bool {
        isDescending ? key(of: right) < key(of: left) : key(of: left) < key(of: right)
    }

    /// The key of a client as a shard has it; of one that is away, without a connection.
    func key(of client: UTF8Key, _ connection: Connection?) -> Key {
        let profile = connection?.profile
        let traffic = connection?.wholeTraffic ?? Traffic()
        let number: UInt64 =
            switch column {
            case .client, .userName: 0
            case .connected: UInt64(clamping: profile?.connected ?? 0)
            case .messagesReceived: traffic.messagesReceived
            case .messagesSent: traffic.messagesSent
            case .octetsReceived: traffic.octetsReceived
            case .octetsSent: traffic.octetsSent
            case .keepAlive: UInt64(profile?.keepAlive ?? 0)
            }
        return Key(number: number, text: column == .userName ? profile?.userName ?? "" : "", client: client.string)
    }

    private func key(of row: ClientRow) -> Key {
        let connection = row.connection
        let number: UInt64 =
            switch column {
            case .client, .userName: 0
            case .connected: UInt64(clamping: connection?.connected ?? 0)
            case .messagesReceived: connection?.messagesReceived ?? 0
            case .messagesSent: connection?.messagesSent ?? 0
            case .octetsReceived: connection?.octetsReceived ?? 0
            case .octetsSent: connection?.octetsSent ?? 0
            case .keepAlive: UInt64(connection?.keepAlive ?? 0)
            }
        return Key(number: number, text: column == .userName ? connection?.userName ?? "" : "", client: row.client)
    }
}
