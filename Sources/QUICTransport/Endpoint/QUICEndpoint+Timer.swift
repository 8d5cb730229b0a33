internal import NIOCore

/// The timers of all connections, by one scheduled callback.
extension QUICEndpoint {
    /// The most timers that are handled before the loop has its turn, with what they let connections write: some milliseconds. SwiftNIO
    /// reads no socket while a callback is due. So where a loop takes longer for the timers of all connections than until they are due
    /// again, it would read nothing any more, and each of them would send again what its peer has acknowledged long ago.
    static var maximumTimers: Int { 128 }
    /// Nanoseconds from then until further timers are due.
    static var timerPause: UInt64 { 500_000 }

    func armTimer() {
        guard !self.isClosed else { return }
        self.timer.endpoint = self
        var earliest = self.deadlines.earliest ?? .max
        earliest = min(earliest, self.closedConnections.earliestExpiry ?? .max)
        if self.acceptor?.hasWaiting == true, !self.isTurnScheduled, let turn = self.acceptor?.planTurn(now: self.now) {
            earliest = min(earliest, turn)
        }
        if self.hasTimersLeft { earliest = max(earliest, self.now + Self.timerPause) }
        // While the kernel takes no datagrams, a timer that has to send would fire again and again.
        if let blocked = self.egress.blockedUntil { earliest = blocked }
        guard earliest != .max else { return }
        #if DEBUG || FUZZING
            // The clock of an `EmbeddedEventLoop` goes back for a timer of the past.
            earliest = max(earliest, self.now - self.skew)
        #endif
        if let scheduled = self.scheduled {
            guard earliest < scheduled.at else { return }
            scheduled.callback.cancel()
        }
        let deadline = NIODeadline.uptimeNanoseconds(min(earliest, UInt64(Int64.max)))
        guard
            let callback = try? self.eventLoop.assumeIsolated().scheduleCallback(
                at: deadline,
                handler: self.timer
            )
        else { return }
        self.scheduled = (earliest, callback)
    }

    func timerFired() {
        self.scheduled = nil
        guard !self.isClosed else { return }
        let now = self.now
        while let closed = self.closedConnections.popExpired(now: now) { self.table.remove(closed) }
        var handled = 0
        while handled < Self.maximumTimers, let connection = self.deadlines.popDue(now: now) {
            handled += 1
            guard connection.deadline <= now else {
                self.deadlines.schedule(connection)
                continue
            }
            let end = connection.handleExpiry(now: now)
            self.dispatchEvents()
            if let end { self.finish(connection, end, now: now) }
        }
        self.hasTimersLeft = handled == Self.maximumTimers
        if self.acceptor?.isTurnDue(now: now) == true {
            // A socket with something to read comes first: its read gives those that wait their turn.
            if self.socket?.isReadable == true { self.acceptor?.putOff() } else { self.takeTurn() }
        }
        self.flush()
    }
}

/// The callback that SwiftNIO calls when the earliest timer of an endpoint is due.
final class EndpointTimer: NIOScheduledCallbackHandler {
    /// Set to `nil` when the endpoint has closed. A weak reference would slow down every other reference to the endpoint.
    var endpoint: QUICEndpoint?

    func handleScheduledCallback(eventLoop: some EventLoop) {
        self.endpoint?.timerFired()
    }
}
