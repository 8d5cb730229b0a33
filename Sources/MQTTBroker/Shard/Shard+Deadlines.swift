import HeapModule
import MQTTCodec
package import NIOCore

extension Shard {
    /// How often a connection is looked at at the least.
    private static var longestLook: TimeAmount { .seconds(30) }

    /// By how much a deadline may be late before the loop is taken to have stood still: packets that came meanwhile may wait
    /// in the sockets, so that nobody's silence is judged before there was time to read them.
    private static var punctuality: TimeAmount { .milliseconds(100) }
    /// The time for that.
    private static var readingTime: TimeAmount { .seconds(1) }

    var deadlineCount: Int { deadlines.count }

    /// When `advance(to:)` is due.
    package var nextDeadline: NIODeadline? { deadlines.min?.instant }

    /// Carries out everything that is due.
    package mutating func advance(to now: NIODeadline) {
        while let next = deadlines.min, next.instant <= now {
            deadlines.removeMin()
            fire(next, now: now)
        }
        settleLocally(now: now)
    }

    mutating func schedule(_ target: Deadline.Target, at instant: NIODeadline) {
        deadlines.insert(Deadline(instant: instant, target: target))
        // Whoever comes and goes leaves deadlines of no use behind, some for years.
        if deadlines.count > deadlinesBeforeSweep {
            deadlines = Heap(deadlines.unordered.filter { isOfUse($0) })
            deadlinesBeforeSweep = max(Self.fewDeadlines, 2 * deadlines.count)
        }
    }

    /// Deadlines that are not worth a sweep.
    static var fewDeadlines: Int { 1024 }

    private func isOfUse(_ deadline: Deadline) -> Bool {
        switch deadline.target {
        case .connection(let slot, let number):
            connection(slot: slot, number: number)?.lookDue == deadline.instant
        case .will(let client, let number, let absence), .sessionExpiry(let client, let number, let absence):
            session(of: client, number: number, absence: absence) != nil
        case .retained(let topic):
            TopicLevels.split(topic, limit: limits.maximumTopicLevels)
                .map { retained.expiry($0) == deadline.instant } ?? false
        }
    }

    /// Looks at a connection at some instant, or earlier and then again. It has one deadline at a time.
    mutating func look(at connection: Connection, noLaterThan instant: NIODeadline) {
        if let due = connection.lookDue, due <= instant { return }
        connection.lookDue = instant
        schedule(.connection(slot: connection.slot, number: connection.number), at: instant)
    }

    /// Begins to watch the silence of a client that has connected [MQTT-3.1.2-22].
    mutating func watchKeepAlive(of connection: Connection, now: NIODeadline) {
        guard let keepAlive = connection.keepAlive else { return }
        look(at: connection, noLaterThan: min(connection.lastPacket + keepAlive, now + Self.longestLook))
    }

    /// When a client has been silent for too long. Who does not read is not read from either, and shows that it lives by what
    /// it takes.
    private func endOfPatience(with connection: Connection, _ keepAlive: TimeAmount) -> NIODeadline {
        let isSlow = connection.isBlocked || connection.streams.contains(where: \.isBlocked)
        let patience = isSlow ? keepAlive : Self.readingTime
        return max(connection.lastPacket + keepAlive, connection.lastProgress + patience)
    }

    private mutating func fire(_ deadline: Deadline, now: NIODeadline) {
        switch deadline.target {
        case .connection(let slot, let number):
            guard let connection = connection(slot: slot, number: number), connection.lookDue == deadline.instant else {
                return
            }
            connection.lookDue = nil
            let late = now - deadline.instant
            look(at: connection, respite: late > Self.punctuality ? late + Self.readingTime : .zero, now: now)
        case .will(let client, let number, let absence):
            guard let session = session(of: client, number: number, absence: absence) else { return }
            publishDelayedWill(of: session, now: now)
        case .sessionExpiry(let client, let number, let absence):
            guard let session = session(of: client, number: number, absence: absence) else { return }
            counters.sessionsExpired += 1
            end(session, now: now)
        case .retained(let topic):
            guard let levels = TopicLevels.split(topic, limit: limits.maximumTopicLevels) else { return }
            if let expiry = retained.expiry(levels), expiry <= now { retained.remove(levels) }
        }
    }

    /// A session whose client is still away as it was when a deadline was set. The number tells it from an earlier
    /// session of the same client.
    private func session(of client: UTF8Key, number: UInt64, absence: UInt64) -> Session? {
        guard let session = sessions[client], session.number == number, session.absence == absence,
            session.departure == nil
        else { return nil }
        return session
    }

    /// - Parameter respite: for how much longer than usual the client may have been silent.
    private mutating func look(at connection: Connection, respite: TimeAmount, now: NIODeadline) {
        switch connection.state {
        case .awaitingConnect, .connecting:
            if now < connection.accepted + limits.connectTimeout + respite {
                look(at: connection, noLaterThan: now + Self.readingTime)
            } else {
                counters.connectTimeouts += 1
                tell(.refused, connection)
                markDirty(connection)
                leave(connection, publishesWill: false, now: now)
            }
        case .connected, .subscribing:
            guard let keepAlive = connection.keepAlive else { return }
            if now < connection.lastPacket + keepAlive {
                watchKeepAlive(of: connection, now: now)
            } else if isStalled || now < endOfPatience(with: connection, keepAlive) + respite {
                look(at: connection, noLaterThan: now + Self.readingTime)
            } else {
                counters.keepAliveTimeouts += 1
                fail(connection, .keepAliveTimeout, now: now)
            }
        case .closed:
            return
        }
    }
}
