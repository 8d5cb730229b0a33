/// What a client needs to resume with a server, and to send it early data (RFC 9001 §4.5, §4.6).
///
/// It holds a secret of the connection that it came on: whoever has it can pass for the client. A ticket is good for one
/// connection, since with a second one an observer could tell that they belong together (RFC 8446 §C.4).
package struct QUICSessionTicket: Sendable, Equatable {
    /// The TLS library's own form of ticket and secret.
    package let session: [UInt8]
    /// What the server allowed, which holds for early data.
    package let transportParameters: [UInt8]
    package let allowsEarlyData: Bool
    /// Seconds since 1970.
    package let received: Int64
    /// Seconds, 7 days at most (RFC 8446 §4.6.1).
    package let lifetime: Int64

    package static let longestLifetime: Int64 = 604_800

    package init(
        session: [UInt8],
        transportParameters: [UInt8],
        allowsEarlyData: Bool,
        received: Int64,
        lifetime: Int64
    ) {
        self.session = session
        self.transportParameters = transportParameters
        self.allowsEarlyData = allowsEarlyData
        self.received = received
        self.lifetime = min(max(0, lifetime), Self.longestLifetime)
    }

    /// - Parameter now: seconds since 1970.
    package func isUsable(now: Int64) -> Bool {
        now >= self.received && now - self.received < self.lifetime
    }
}

/// What became of the data that a client sent ahead of the handshake's end.
package enum QUICEarlyData: Sendable, Equatable {
    /// None was sent, or none could be.
    case none
    /// It is under way; the handshake is not complete.
    case pending
    /// The server took it.
    case accepted
    /// The server did not look at it, and it was sent again.
    case rejected
}
