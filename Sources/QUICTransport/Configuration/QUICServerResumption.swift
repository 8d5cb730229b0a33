/// How a listening endpoint lets clients resume (RFC 8446 §2.2). Endpoints of one listener share one.
package struct QUICServerResumption: Sendable {
    /// Seal the tickets.
    package let keys: TicketKeys

    /// Remembers early data, for all endpoints of the process that accept any; `nil` refuses early data, and whoever
    /// resumes waits for the handshake.
    package let earlyData: EarlyDataStore?

    package init(keys: TicketKeys, earlyData: EarlyDataStore?) {
        self.keys = keys
        self.earlyData = earlyData
    }

    /// Longest time between a ClientHello and its replay that the TLS library still takes for fresh.
    ///
    /// Twice the tickets' lifetime, since its memory begins anew after each such time, and one of the two that overlap
    /// must reach back to the oldest ticket.
    var window: Duration { self.keys.lifetime * 2 }

    /// What asks the store for one endpoint; `nil` without early data.
    func makeGuard(now: UInt64) throws(QUICError) -> EarlyDataGuard? {
        guard let store = self.earlyData else { return nil }
        return try EarlyDataGuard(self, store: store, now: now)
    }
}
