import MQTTCodec
package import NIOCore

// What a shard does later: it judges silence, ends what has expired, and goes on with long work.
extension Shard {
    /// The longest time between two checks of a connection.
    private static var longestCheck: TimeAmount { .seconds(30) }

    /// By how much a deadline may be late before the event loop is taken to have stood still. Packets that arrived meanwhile may
    /// wait in the sockets, so no client's silence is judged before there was time to read them.
    private static var punctuality: TimeAmount { .milliseconds(100) }
    /// The time to read what waits in the sockets.
    private static var readingTime: TimeAmount { .seconds(1) }

    var deadlineCount: Int { deadlines.count }

    /// When `advance(to:)` is due; `nil` if nothing is to be done later.
    package var nextDeadline: NIODeadline? {
        if isRestoring { return nil }
        let earliest = deadlines.earliest.map { pace.stepsLeft > 0 ? $0 : max($0, pace.nextTick) }
        return lookUps.isEmpty && inquiries.isEmpty && !mayTakeWithheld
            ? earliest : min(earliest ?? pace.nextTick, pace.nextTick)
    }

    /// Does what is due, as far as the steps of this tick reach (`Limits.maximumStepsPerTick`).
    package mutating func advance(to now: Instant) {
        if isRestoring { return }
        advancePace(to: now)
        while pace.stepsLeft > 0, let (deadline, instant) = deadlines.popDue(at: now.monotonic) {
            pace.stepsLeft -= 1
            carryOut(deadline, of: instant, now: now)
        }
        continueLookUps(now: now)
        takeWithheld(now: now)
        continueInquiries()
        drainLocal(now: now)
    }

    /// Begins the next tick of long work if it is due.
    mutating func advancePace(to now: Instant) {
        if pace.advance(to: now) { counters.ticksExhausted += 1 }
    }

    private mutating func carryOut(_ deadline: Deadline, of instant: NIODeadline, now: Instant) {
        switch deadline {
        case .connection(let connection):
            connection.deadline = nil
            let late = now.monotonic - instant
            check(connection, respite: late > Self.punctuality ? late + Self.readingTime : .zero, now: now)
        case .will(let session):
            session.willDeadline = nil
            publishDelayedWill(of: session, now: now)
        case .sessionEnd(let session):
            session.endDeadline = nil
            counters.sessionsExpired += 1
            end(session, now: now)
        case .limbo:
            limboDeadline = nil
            retryLimbo(now: now)
        case .retained(let topic):
            TopicLevels.split(topic, limit: .max).map { removeRetained($0, topic, now: now) }
        }
    }

    // MARK: - Silence

    /// Checks a connection at an instant, or earlier and then again. A connection has one deadline at a time.
    mutating func check(_ connection: Connection, noLaterThan instant: NIODeadline) {
        if let due = connection.deadline.flatMap({ deadlines.instant(of: $0) }), due <= instant { return }
        deadlines.cancel(&connection.deadline)
        connection.deadline = deadlines.add(.connection(connection), at: instant)
    }

    /// Begins to watch the silence of a client that has connected [MQTT-3.1.2-22].
    mutating func watchKeepAlive(of connection: Connection, now: Instant) {
        guard let keepAlive = connection.keepAlive else { return }
        check(
            connection,
            noLaterThan: min(connection.inbound.lastPacket + keepAlive, now.monotonic + Self.longestCheck)
        )
    }

    /// When a client has been silent for too long. A client that does not read is not read from either, and shows that it is
    /// there by taking what it is sent.
    private func endOfPatience(with connection: Connection, _ keepAlive: TimeAmount) -> NIODeadline {
        let isSlow = connection.outbound.isBlocked || connection.streams.contains { $0.outbound.isBlocked }
        let patience = isSlow ? keepAlive : Self.readingTime
        return max(connection.inbound.lastPacket + keepAlive, connection.inbound.lastProgress + patience)
    }

    /// - Parameter respite: for how much longer than usual the client may have been silent.
    private mutating func check(_ connection: Connection, respite: TimeAmount, now: Instant) {
        switch connection.state {
        case .new:
            if let claim = overdueClaim(of: connection, now), letIn(claim, connection, now: now) { return }
            if now.monotonic < connection.accepted + limits.connectTimeout + respite {
                check(connection, noLaterThan: now.monotonic + Self.readingTime)
            } else {
                counters.connectTimeouts += 1
                tell(.refused, connection)
                markDirty(connection)
                leave(connection, publishesWill: false, now: now)
            }
        case .connected:
            if let since = connection.withheld?.heldUpSince {
                checkHoldUp(of: connection, since: since, respite: respite, now: now)
                return
            }
            guard let keepAlive = connection.keepAlive else { return }
            if now.monotonic < connection.inbound.lastPacket + keepAlive {
                watchKeepAlive(of: connection, now: now)
            } else if isStalled || connection.isHeldUp
                || now.monotonic < endOfPatience(with: connection, keepAlive) + respite
            {
                check(connection, noLaterThan: now.monotonic + Self.readingTime)
            } else {
                counters.keepAliveTimeouts += 1
                fail(connection, .keepAliveTimeout, now: now)
            }
        case .closed:
            return
        }
    }
}
