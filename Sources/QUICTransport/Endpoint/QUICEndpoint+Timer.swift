internal import NIOCore

/// One scheduled callback serves the timers of all connections.
extension QUICEndpoint {
    func armTimer() {
        guard !self.isClosed else { return }
        self.timer.endpoint = self
        var earliest = self.deadlines.earliest ?? .max
        earliest = min(earliest, self.closedConnections.earliestExpiry ?? .max)
        // While the kernel takes nothing, timers that want to send would only spin.
        if let blocked = self.blockedUntil { earliest = blocked }
        guard earliest != .max else { return }
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
        while let connection = self.deadlines.popDue(now: now) {
            guard connection.deadline <= now else {
                self.deadlines.schedule(connection)
                continue
            }
            let end = connection.handleExpiry(now: now)
            self.dispatchEvents()
            if let end { self.finish(connection, end, now: now) }
        }
        self.flush()
    }
}

final class EndpointTimer: NIOScheduledCallbackHandler {
    /// Let go of when the endpoint has closed. A weak reference would make every other one to it dear.
    var endpoint: QUICEndpoint?

    func handleScheduledCallback(eventLoop: some EventLoop) {
        self.endpoint?.timerFired()
    }
}
