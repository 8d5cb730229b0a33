import HeapModule
import MQTTCodec
package import NIOCore

extension Shard {
    /// How often a connection is looked at at the least, so that deadlines of connections long gone do not pile up.
    private static var longestLook: TimeAmount { .seconds(30) }

    /// When `advance(to:)` is due.
    package var nextDeadline: NIODeadline? { deadlines.min?.instant }

    /// Carries out everything that is due.
    package mutating func advance(to now: NIODeadline) {
        while let next = deadlines.min, next.instant <= now {
            deadlines.removeMin()
            fire(next.target, now: now)
        }
        settleLocally(now: now)
    }

    mutating func schedule(_ target: Deadline.Target, at instant: NIODeadline) {
        deadlines.insert(Deadline(instant: instant, target: target))
    }

    /// Begins to watch the silence of a client that has connected [MQTT-3.1.2-22].
    mutating func watchKeepAlive(of connection: Connection, now: NIODeadline) {
        guard let keepAlive = connection.keepAlive else { return }
        schedule(
            .connection(slot: connection.slot, number: connection.number),
            at: min(connection.lastPacket + keepAlive, now + Self.longestLook)
        )
    }

    private mutating func fire(_ target: Deadline.Target, now: NIODeadline) {
        switch target {
        case .connection(let slot, let number):
            guard slot < connections.count, let connection = connections[slot], connection.number == number else {
                return
            }
            look(at: connection, now: now)
        case .will(let client, let absence):
            guard let session = sessions[client], session.absence == absence, session.leavingFor == nil else { return }
            publishDelayedWill(of: session, now: now)
        case .sessionExpiry(let client, let absence):
            guard let session = sessions[client], session.absence == absence, session.leavingFor == nil else { return }
            counters.sessionsExpired += 1
            end(session, now: now)
        }
    }

    private mutating func look(at connection: Connection, now: NIODeadline) {
        switch connection.state {
        case .awaitingConnect, .connecting:
            if now >= connection.accepted + limits.connectTimeout {
                counters.connectTimeouts += 1
                markDirty(connection)
                leave(connection, publishesWill: false, now: now)
            }
        case .connected, .subscribing:
            guard let keepAlive = connection.keepAlive else { return }
            if now >= connection.lastPacket + keepAlive {
                counters.keepAliveTimeouts += 1
                fail(connection, .keepAliveTimeout, now: now)
            } else {
                watchKeepAlive(of: connection, now: now)
            }
        case .closed:
            return
        }
    }
}
