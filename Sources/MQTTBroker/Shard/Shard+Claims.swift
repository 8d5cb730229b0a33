import DequeModule
import MQTTCodec
import NIOCore

// How a CONNECT gets the session of its client identifier, at the home of that: the shard that leads its lane.
extension Shard {
    /// A CONNECT asks for its session. An older connection of the client ends [MQTT-3.1.4-3].
    mutating func handle(_ claim: Claim, now: Instant) {
        // The claim is sent again once its shard knows the lane's leader.
        guard lanes.leader(of: claim.lane) == own else { return }
        if lanes.isUnusual, let reason = refusal(of: claim) {
            counters.sessionsRefused += 1
            send(.refuse(claim.connection, reason), to: claim.connection.shard)
            return
        }
        switch sessions.directory.claim(claim) {
        case .free: carryOut(claim, now: now)
        case .evict(let holder): send(.evict(holder, of: claim.client), to: holder.shard)
        case .wait: return
        case .again: send(.create(claim), to: claim.connection.shard)
        case .refuse: send(.refuse(claim.connection, .serverBusy), to: claim.connection.shard)
        }
    }

    /// Asks the leader of a lane for the session of a client identifier.
    mutating func send(_ claim: Claim, to leader: ShardReference) {
        send(.claim(claim, term: lanes.term(of: claim.lane)), to: leader)
    }

    /// Why a CONNECT cannot have a durable session just now; `nil` if it can. Nothing of an older session is touched before.
    private func refusal(of claim: Claim) -> ReasonCode? {
        if lanes.quarantined.contains(claim.lane), !claim.isTransient { return .serverUnavailable }
        let isKnown = sessions[claim.client]?.lane != nil
        switch lanes.suspension {
        case nil: return nil
        case .space: return claim.expiryInterval > 0 && !isKnown ? .quotaExceeded : nil
        // CONNACK would wait for what cannot be written, and so would all that the client tries again.
        case .disk: return claim.expiryInterval > 0 || isKnown && !claim.cleanStart ? .serverUnavailable : nil
        }
    }

    /// The client has no transient session, or has none any more: attaches the connection to the durable one, or creates a session.
    private mutating func carryOut(_ claim: Claim, now: Instant) {
        if let session = sessions[claim.client] {
            if let connection = session.connection {
                if connection.isDeputy, connection.reference == claim.connection {
                    // The claim comes again.
                    part(connection, fromLost: session, now: now)
                } else {
                    takeOver(connection, now: now)
                }
            }
            // The session may have ended with its connection.
            if sessions[claim.client] === session {
                // A claim that comes again does not clean what it has begun.
                if !claim.cleanStart || session.holder == claim.connection {
                    attach(session, claim, isPresent: !claim.cleanStart, now: now)
                    return
                }
                publishDelayedWill(of: session, now: now)  // [MQTT-3.1.2-4]
                discard(session)
            }
        }
        if claim.expiryInterval == 0 {
            sessions.directory.add(claim)
            send(.create(claim), to: claim.connection.shard)
            return
        }
        if claim.connection.shard == own, claimant(claim.connection) == nil { return }
        guard sessions.count < limits.maximumSessions else {
            send(.refuse(claim.connection, .quotaExceeded), to: claim.connection.shard)
            return
        }
        let session = makeDurable(claim)
        sessions.insert(session)
        log(.session(session.number, client: claim.client), of: session)
        attach(session, claim, isPresent: false, now: now)
    }

    private mutating func makeDurable(_ claim: Claim) -> Session {
        guard lanes.isLogging else { return sessions.make(claim, holder: nil) }
        return sessions.make(claim, in: claim.lane, number: lanes[claim.lane].makeSessionNumber(claim.lane))
    }

    /// Ends the connection that has a durable session [MQTT-3.1.4-3]. One that has not got CONNACK is refused: the client has
    /// connected again meanwhile.
    private mutating func takeOver(_ connection: Connection, now: Instant) {
        if connection.state == .connected {
            counters.sessionsTakenOver += 1
            tell(.sessionTakenOver, connection)
            fail(connection, .sessionTakenOver, now: now)
        } else if !connection.isDeputy {
            fail(connection, .serverBusy, now: now)
        } else {
            // An earlier claim may have attached the connection, which is ended then.
            writeIfTaken(.disconnect(Disconnect(reasonCode: .sessionTakenOver)), to: connection)
            connection.endReason = .sessionTakenOver
            markDirty(connection)
            leave(connection, publishesWill: false, now: now)
            send(.refuse(connection.reference, .serverBusy), to: connection.reference.shard)
        }
    }

    /// The transient session of a connection has ended: the claims that waited for that are carried out in their order.
    mutating func ended(_ client: UTF8Key, of holder: ConnectionReference, now: Instant) {
        for claim in sessions.directory.ended(client, of: holder) where isKnown(claim.connection.shard) {
            handle(claim, now: now)
        }
    }

    /// Gives a durable session to the connection that claims it: to the connection itself, or to a deputy if it is in another
    /// shard, or the lane may get another leader.
    private mutating func attach(_ session: Session, _ claim: Claim, isPresent: Bool, now: Instant) {
        let isHere = claim.connection.shard == own && neighbours == nil
        // If the connection has ended, nothing changes.
        guard let connection = isHere ? claimant(claim.connection) : addDeputy(for: claim, now: now) else { return }
        cancelDeadlines(of: session)
        session.connection = connection
        connection.session = session
        if !isHere { connection.waiting = .attachment }
        let attached = LaneRecord.attached(session.number, expiryInterval: claim.expiryInterval, will: claim.will)
        log(attached, of: session)
        if neighbours != nil {
            session.holder = claim.connection
            log(.holder(session.number, claim.connection), of: session)
        }
        whenCommitted(session.lane, .attached(session, connection, claim, isPresent: isPresent), now: now)
    }

    /// The log says that the connection, or its deputy, has the session: CONNACK can go.
    mutating func attached(
        _ session: Session,
        _ connection: Connection,
        _ claim: Claim,
        isPresent: Bool,
        now: Instant
    ) {
        // Otherwise the connection has ended meanwhile, or claims the session once more.
        guard session.connection === connection else { return }
        if isPresent { counters.sessionsResumed += 1 } else { counters.sessionsCreated += 1 }
        join(connection, session, claim)
        if !connection.isDeputy {
            accept(connection, isPresent: isPresent, now: now)
        } else {
            connection.waiting = nil
            send(.toConnection(claim.connection, .attached(claim, isPresent: isPresent)), to: claim.connection.shard)
            pump(connection, now: now)
        }
    }

    /// Connects a session and its client's connection or deputy.
    func join(_ connection: Connection, _ session: Session, _ claim: Claim) {
        session.connection = connection
        session.outgoing.window.beginResending()
        session.expiryInterval = claim.expiryInterval
        connection.session = session
        connection.state = .connected
        connection.will = claim.will
    }

    // MARK: - At the connection

    /// The connection gets a transient session.
    mutating func create(_ claim: Claim, now: Instant) {
        // One that was let in has it.
        if lanes.letIn.removeValue(forKey: claim.connection) != nil { return }
        guard let connection = claimant(claim.connection) else {
            if connections[claim.connection]?.session != nil { return }
            sendToLeader(of: claim.lane, .ended(claim.client, of: claim.connection))
            return
        }
        guard sessions.count < limits.maximumSessions else {
            sendToLeader(of: claim.lane, .ended(claim.client, of: claim.connection))
            fail(connection, .quotaExceeded, now: now)
            return
        }
        let session = sessions.make(claim, holder: claim.connection)
        sessions.insert(session)
        counters.sessionsCreated += 1
        join(connection, session, claim)
        accept(connection, isPresent: false, now: now)
    }

    mutating func refuse(_ reference: ConnectionReference, _ reason: ReasonCode, now: Instant) {
        let wasLetIn = lanes.letIn.removeValue(forKey: reference) != nil
        guard let connection = wasLetIn ? connections[reference] : claimant(reference) else { return }
        fail(connection, reason, now: now)
    }

    /// Another connection claims the client identifier of a connection with a transient session, at a home.
    mutating func evict(
        _ reference: ConnectionReference,
        of client: UTF8Key,
        by home: ShardReference,
        now: Instant
    ) {
        guard let connection = connections[reference] else {
            // It has ended, which another shard was told if that led the lane then.
            send(.ended(client, of: reference), to: home)
            return
        }
        counters.sessionsTakenOver += 1
        tell(.sessionTakenOver, connection)
        fail(connection, .sessionTakenOver, now: now)
        // Otherwise nobody has heard of the end, or another shard.
        if lanes.leader(of: Lane(clientHash: Session.identity(of: client))) != home {
            send(.ended(client, of: reference), to: home)
        }
    }

    /// The home has attached a connection to its durable session.
    mutating func attached(_ claim: Claim, isPresent: Bool, by home: ShardReference, now: Instant) {
        guard let connection = connections[claim.connection],
            connection.pendingConnect != nil || connection.remoteSession != nil
        else {
            send(.toHome(claim.connection, .abandoned), to: home)
            return
        }
        // Otherwise the lane has another leader, and the claim went there, too.
        guard neighbours == nil || lanes.leader(of: claim.lane) == home else { return }
        if let remote = connection.remoteSession {
            // An earlier claim of the connection was carried out, too, while the lane was led before.
            resume(connection, remote, at: home, now: now)
            return
        }
        connection.remoteSession = RemoteSession(home: home, claim: claim, isShared: neighbours != nil)
        connection.state = .connected
        accept(connection, isPresent: isPresent, now: now)
    }

    /// The connection that claims a session; `nil` if it has ended.
    func claimant(_ reference: ConnectionReference) -> Connection? {
        connections[reference].flatMap { $0.pendingConnect == nil ? nil : $0 }
    }
}
