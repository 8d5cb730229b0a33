import MQTTCodec
import NIOCore

// A client that wants no session beyond its connection and finds none is let in although nobody says who else has its client identifier,
// so that a lane without a leader locks no such client out. Its claim is settled when the lane is led.
extension Shard {
    /// How long the claim of such a client may be without an answer.
    static var claimPatience: TimeAmount { .seconds(1) }

    /// The claim of a connection that has waited for too long and can be let in.
    func overdueClaim(of connection: Connection, _ now: Instant) -> Claim? {
        guard neighbours != nil, let pending = connection.pendingConnect, let claim = pending.claim,
            claim.isTransient, let due = pending.letInDue, now.monotonic >= due
        else { return nil }
        return claim
    }

    /// Gives a connection a transient session. An older connection of the client in this shard ends [MQTT-3.1.4-3], one elsewhere once the lane
    /// is led, and then an older durable session is discarded, too [MQTT-3.1.2-4].
    ///
    /// - Returns: false if it has to wait.
    mutating func letIn(_ claim: Claim, _ connection: Connection, now: Instant) -> Bool {
        if let older = sessions[claim.client] {
            guard older.lane == nil, let other = older.connection, other !== connection else { return false }
            evict(other.reference, of: claim.client, by: own, now: now)
            guard sessions[claim.client] == nil else { return false }
        }
        counters.clientsLetIn += 1
        create(claim, now: now)
        if !connection.isClosed { lanes.letIn[claim.connection] = claim }
        return true
    }
}
