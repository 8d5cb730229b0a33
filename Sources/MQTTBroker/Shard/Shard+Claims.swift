import MQTTCodec
import NIOCore

// How a CONNECT gets the session of its client identifier, wherever that is.
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

    /// Nobody has a session for the claim's client.
    mutating func create(_ claim: Claim, now: NIODeadline) {
        guard let (connection, connect) = claimant(claim) else {
            send(.settled(claim.client, holder: nil), to: home(of: claim.client))
            return
        }
        guard sessions.count < limits.maximumSessions else {
            send(.settled(claim.client, holder: nil), to: home(of: claim.client))
            fail(connection, .quotaExceeded, now: now)
            return
        }
        let session = newSession(claim.client)
        sessions[claim.client] = session
        send(.settled(claim.client, holder: index), to: home(of: claim.client))
        attach(session, to: connection, connect, isPresent: false, now: now)
    }

    mutating func refuse(_ claim: Claim, now: NIODeadline) {
        guard let (connection, _) = claimant(claim) else { return }
        fail(connection, .serverBusy, now: now)
    }

    /// Another connection wants the session that this shard has: the old one ends [MQTT-3.1.4-3], and the session goes
    /// over, or ends where the new client wants none of it [MQTT-3.1.2-4].
    mutating func surrender(_ claim: Claim, now: NIODeadline) {
        guard let session = sessions[claim.client], session.departure == nil else {
            send(.create(claim), to: claim.connection.shard)
            return
        }
        if let connection = session.connection {
            counters.sessionsTakenOver += 1
            tell(.sessionTakenOver, connection)
            fail(connection, .sessionTakenOver, now: now)
        }
        // Ends with its connection, or is not wanted.
        if sessions[claim.client] !== session || claim.cleanStart {
            publishDelayedWill(of: session, now: now)
            discard(session)
            send(.create(claim), to: claim.connection.shard)
            return
        }
        if claim.connection.shard == index {
            send(.settled(claim.client, holder: index), to: home(of: claim.client))
            // A claimant that is gone already has changed nothing.
            if let (connection, connect) = claimant(claim) {
                attach(session, to: connection, connect, isPresent: true, now: now)
            }
            return
        }
        session.departure = Session.Departure(for: claim)
        session.absence &+= 1
        let subscriptions = session.subscriptions.map { (filter: $0.key, subscription: $0.value) }
        send(.leaving(claim, subscriptions: subscriptions), to: claim.connection.shard)
    }

    // MARK: - A session moves
    //
    // Both ends are subscribed for a while. Each shard says at one point of its stream of messages that the session has
    // switched over: what it handed over before belongs to the old end, what comes after to the new one. So nothing is
    // lost and nothing comes twice, whatever is published meanwhile.

    /// The new end: subscribes, ignoring every shard until it says that it has switched over.
    mutating func beginArrival(
        _ claim: Claim,
        _ subscriptions: [(filter: TopicFilter, subscription: Session.Subscription)],
        from holder: Int,
        now: NIODeadline
    ) {
        let session = newSession(claim.client)
        session.ignoredShards = allShards
        arriving[claim.client] = session
        for (filter, subscription) in subscriptions { add(subscription, filter, to: session) }
        for shard in 0..<count { send(.switchOver(claim.client, from: holder, to: index), to: shard) }
    }

    /// The old end: once all shards have switched over, nothing more can come, and the state goes.
    mutating func switchedAway(_ client: UTF8Key, by shard: Int) {
        guard let session = sessions[client], let departure = session.departure else { return }
        session.ignoredShards |= 1 << UInt32(shard)
        departure.switchedShards |= 1 << UInt32(shard)
        guard departure.switchedShards == allShards else { return }
        let claim = departure.claim
        let state = SessionState(
            window: session.window,
            queue: session.queue,
            retainedBacklog: session.retainedBacklog,
            awaitingRelease: session.awaitingRelease,
            orphans: session.orphans,
            expiryInterval: session.expiryInterval,
            delayedWill: session.delayedWill
        )
        counters.sessionsMoved += 1
        discard(session)
        send(.arrived(claim, state), to: claim.connection.shard)
    }

    mutating func switchedHere(_ client: UTF8Key, by shard: Int) {
        let session = arriving[client] ?? sessions[client]
        session?.ignoredShards &= ~(1 << UInt32(shard))
    }

    /// The new end: what came here since goes behind what the old end had.
    mutating func finishArrival(_ claim: Claim, _ state: SessionState, now: NIODeadline) {
        guard let session = arriving.removeValue(forKey: claim.client) else { return }
        session.window = state.window
        session.awaitingRelease = state.awaitingRelease
        session.orphans = state.orphans
        session.queue.prepend(state.queue)
        session.retainedBacklog.prepend(state.retainedBacklog)
        session.expiryInterval = state.expiryInterval
        sessions[claim.client] = session
        send(.settled(claim.client, holder: index), to: home(of: claim.client))
        if let (connection, connect) = claimant(claim) {
            attach(session, to: connection, connect, isPresent: true, now: now)
        } else {
            if let will = state.delayedWill { postpone(will, of: session) }
            startAbsence(of: session, now: now)
        }
    }

    private var allShards: UInt32 { count == 32 ? .max : (1 << UInt32(count)) - 1 }

    private func claimant(_ claim: Claim) -> (Connection, Connect)? {
        guard let connection = connection(claim.connection), let connect = connection.connect else { return nil }
        return (connection, connect.packet)
    }
}
