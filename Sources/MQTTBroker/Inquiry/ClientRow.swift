/// What is known of a client, by the shard of its connection or, of a client that is away, by the home of its session.
package struct ClientRow: Codable, Sendable, Equatable {
    package var client: String
    /// `nil` for a client that is away.
    package var connection: ConnectionRow?
    /// `nil` if the session is at home in another shard, which `home` names.
    package var session: SessionRow?
    /// Where to ask for `session`.
    package var home: ShardReference?
}

/// What the shard of a connection knows of it.
package struct ConnectionRow: Codable, Sendable, Equatable {
    package var userName: String?
    /// The client's IP address and port as text; `nil` for a client that has none.
    package var host: String?
    package var port: Int?
    /// Such as `quic:default`.
    package var listener: String
    /// 3, 4 or 5.
    package var version: UInt8
    /// Seconds; 0 for none.
    package var keepAlive: UInt16
    package var cleanStart: Bool
    package var isBridge: Bool
    /// When CONNECT was accepted, milliseconds since 1970-01-01 UTC.
    package var connected: Int64
    /// Data streams that are open beside the control stream.
    package var streams: Int
    package var messagesReceived: UInt64
    package var messagesSent: UInt64
    package var octetsReceived: UInt64
    package var octetsSent: UInt64
}

/// What the home of a session knows of it.
package struct SessionRow: Codable, Sendable, Equatable {
    package var client: String
    /// True if the session outlives the process.
    package var isDurable: Bool
    /// Seconds that the session outlives its connection.
    package var expiryInterval: UInt32
    /// When the client went away, milliseconds since 1970-01-01 UTC; `nil` while it is connected, and if it never was.
    package var awaySince: Int64?
    package var subscriptions: Int
    /// Messages that wait to be sent.
    package var queued: Int
    /// Messages that were sent and are not acknowledged.
    package var inflight: Int
    /// Messages at QoS 2 whose PUBREL is due.
    package var awaitingRelease: Int
    /// Messages that were dropped rather than sent, since the session came to this shard.
    package var dropped: UInt32
    /// What the deputy of the connection has counted, which is to be added to what its shard has.
    package var messagesReceived: UInt64
    package var messagesSent: UInt64
}
