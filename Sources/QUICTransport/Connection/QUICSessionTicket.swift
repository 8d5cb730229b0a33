package import Secrets

/// A session ticket with which a client resumes, and sends early data to, the server that issued it (RFC 9001 §4.5, §4.6).
///
/// A ticket holds a secret of the connection that it was issued on: its owner can act as that client. Use a ticket for one
/// connection only, since an observer can link two connections that show the same ticket (RFC 8446 §C.4).
package struct QUICSessionTicket: Sendable, Equatable {
    /// Ticket and secret in the TLS library's form.
    @Secret package private(set) var session: [UInt8]
    /// The server's transport parameters, which hold for early data.
    package let transportParameters: [UInt8]
    package let allowsEarlyData: Bool
    /// The instant at which the ticket arrived, seconds since 1970.
    package let received: Int64
    /// Lifetime in seconds, at most 7 days (RFC 8446 §4.6.1).
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

/// The state of the data that a client sends before the handshake is complete.
package enum QUICEarlyData: Sendable, Equatable {
    /// No early data was sent.
    case none
    /// Early data was sent; the handshake is not complete.
    case pending
    /// The server accepted the early data.
    case accepted
    /// The server rejected the early data, and it was sent again.
    case rejected
}
