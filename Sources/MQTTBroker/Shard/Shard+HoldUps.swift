import MQTTCodec
import NIOCore

// A connection is held up while too many acknowledgements wait, its own or those of all connections: it is not read, and its
// silence is not judged. That has an end, too.
extension Shard {
    /// This shard's share of the octets that may wait.
    private var maximumWithheldOctets: Int { limits.maximumWithheldBytesOfAll / count }

    /// Holds a connection up, or lets it go on, as its acknowledgements ask for.
    mutating func judgeHoldUp(of connection: Connection, now: Instant) {
        guard let withheld = connection.withheld else { return }
        let isOwn = withheld.count >= limits.maximumWithheld || withheld.octets >= limits.maximumWithheldBytes
        let isShared = !withheld.isEmpty && lanes.withheldOctets >= maximumWithheldOctets
        if isShared, !withheld.isListed {
            withheld.isListed = true
            lanes.heldUp.append(connection)
        }
        let isHeldUp = isOwn || isShared
        guard isHeldUp != (withheld.heldUpSince != nil) else { return }
        if isHeldUp {
            counters.acknowledgementsHeldUp += 1
            withheld.heldUpSince = now.monotonic
            check(connection, noLaterThan: now.monotonic + limits.maximumHoldUp)
        } else {
            withheld.heldUpSince = nil
            progressed(connection, now: now)
            watchKeepAlive(of: connection, now: now)
        }
        // The shell is to read on, or not.
        markDirty(connection)
        let reference = connection.reference
        if connection.isDeputy { send(.toConnection(reference, .heldUp(isHeldUp)), to: reference.shard) }
    }

    /// Judges the connections again that wait for others, once there is room.
    mutating func judgeHeldUp(now: Instant) {
        guard !lanes.heldUp.isEmpty, lanes.withheldOctets < maximumWithheldOctets else { return }
        var connections: [Connection] = []
        swap(&connections, &lanes.heldUp)
        for connection in connections { connection.withheld?.isListed = false }
        for connection in connections { judgeHoldUp(of: connection, now: now) }
    }

    /// Ends a connection that was held up for `Limits.maximumHoldUp`.
    ///
    /// - Parameter respite: for how much longer it may have been.
    mutating func checkHoldUp(of connection: Connection, since: NIODeadline, respite: TimeAmount, now: Instant) {
        let end = since + limits.maximumHoldUp + respite
        guard now.monotonic >= end else {
            check(connection, noLaterThan: end)
            return
        }
        counters.holdUpTimeouts += 1
        fail(connection, .quotaExceeded, now: now)
    }

    /// The connection has ended: nothing waits for it any more, and messages that were not taken are not.
    mutating func dropWithheld(of connection: Connection, now: Instant) {
        guard let withheld = connection.withheld else { return }
        connection.withheld = nil
        lanes.withheldOctets -= withheld.octets
        if !withheld.untaken.isEmpty { lanes.untaken.removeAll { $0 === connection } }
        if withheld.isListed { lanes.heldUp.removeAll { $0 === connection } }
        judgeHeldUp(now: now)
    }
}
