/// Session resumption of a listening endpoint (RFC 8446 §2.2). The endpoints of one listener share one value.
package struct QUICServerResumption: Sendable {
    /// The keys that seal session tickets.
    package let keys: TicketKeys

    /// The store of accepted early data, one for all endpoints of the process; `nil` refuses early data, so that a resuming
    /// client waits for the handshake.
    package let earlyData: EarlyDataStore?

    package init(keys: TicketKeys, earlyData: EarlyDataStore?) {
        self.keys = keys
        self.earlyData = earlyData
    }

    /// The longest time between a ClientHello and its replay for which the TLS library takes both as fresh.
    ///
    /// Twice the tickets' lifetime: the library's anti-replay record begins anew after each such time, and one of the two
    /// overlapping records must reach back to the oldest ticket.
    var window: Duration { self.keys.lifetime * 2 }

    /// The guard that asks the store on behalf of one endpoint; `nil` without early data.
    func makeGuard(now: UInt64) throws(QUICError) -> EarlyDataGuard? {
        guard let store = self.earlyData else { return nil }
        return try EarlyDataGuard(self, store: store, now: now)
    }
}
