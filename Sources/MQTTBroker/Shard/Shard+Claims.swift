import MQTTCodec
import NIOCore

// How a CONNECT gets the session of its client identifier, whichever shard has it.
extension Shard {
    /// The shard that orders the claims of a client identifier.
    func home(of client: UTF8Key) -> Int {
        count == 1 ? 0 : Int(FNV1a.hash(client.string.utf8) % UInt64(count))
    }

    mutating func carryOut(_ decision: ClientDirectory.Decision) {
        switch decision {
        case .create(let claim): send(.create(claim), to: claim.connection.shard)
        case .surrender(let claim, let holder): send(.surrender(claim), to: holder)
        case .refuse(let claim): send(.refuse(claim), to: claim.connection.shard)
        case .wait: return
        }
    }

    /// No shard has a session for the claim's client.
    mutating func create(_ claim: Claim, now: Instant) {
        guard let (connection, pending) = claimant(claim) else {
            send(.claimDone(claim.client, holder: nil), to: home(of: claim.client))
            return
        }
        guard sessions.count < limits.maximumSessions else {
            send(.claimDone(claim.client, holder: nil), to: home(of: claim.client))
            fail(connection, .quotaExceeded, now: now)
            return
        }
        let session = sessions.make(claim.client)
        sessions.insert(session)
        send(.claimDone(claim.client, holder: index), to: home(of: claim.client))
        attach(session, to: connection, pending, isPresent: false, now: now)
    }

    mutating func refuse(_ claim: Claim, now: Instant) {
        guard let (connection, _) = claimant(claim) else { return }
        fail(connection, .serverBusy, now: now)
    }

    /// Another connection claims a session of this shard. The old connection ends [MQTT-3.1.4-3], and the session goes to the
    /// new one, or ends if the new client asks for a clean start [MQTT-3.1.2-4].
    mutating func surrender(_ claim: Claim, now: Instant) {
        guard let session = sessions[claim.client], session.departure == nil else {
            send(.create(claim), to: claim.connection.shard)
            return
        }
        if let connection = session.connection {
            counters.sessionsTakenOver += 1
            tell(.sessionTakenOver, connection)
            fail(connection, .sessionTakenOver, now: now)
        }
        // The session has ended with its connection, or is not wanted.
        if sessions[claim.client] !== session || claim.cleanStart {
            publishDelayedWill(of: session, now: now)
            discard(session)
            send(.create(claim), to: claim.connection.shard)
            return
        }
        if claim.connection.shard == index {
            send(.claimDone(claim.client, holder: index), to: home(of: claim.client))
            // If the connection that claims has ended, nothing changes.
            if let (connection, pending) = claimant(claim) {
                attach(session, to: connection, pending, isPresent: true, now: now)
            }
            return
        }
        session.departure = Session.Departure(for: claim)
        cancelDeadlines(of: session)
        let subscriptions = session.subscriptions.map { (filter: $0.key, subscription: $0.value) }
        send(.move(.leaving(claim, subscriptions: subscriptions)), to: claim.connection.shard)
    }

    /// The connection that a claim is for, and its CONNECT; `nil` if the connection has ended.
    func claimant(_ claim: Claim) -> (Connection, PendingConnect)? {
        guard let connection = connections[claim.connection], let pending = connection.pendingConnect else {
            return nil
        }
        return (connection, pending)
    }
}
