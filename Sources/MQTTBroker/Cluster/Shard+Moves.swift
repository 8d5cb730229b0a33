import MQTTCodec
import NIOCore

// A durable session whose lane gets another leader while its client is connected: the shard of the connection tells the new leader what is not
// settled, and both go on.
extension Shard {
    // MARK: - At the connection

    /// The lane of a connection's session has another leader.
    mutating func resume(_ connection: Connection, _ remote: RemoteSession, at leader: ShardReference, now: Instant) {
        // The log does not say which data stream a session of one belongs to once it is replayed.
        guard let packets = remote.unsettled?.retell(), connection.streams.isEmpty else {
            lostHome(of: connection, now: now)
            return
        }
        counters.sessionsMoved += 1
        remote.home = leader
        remote.resumptions += 1
        remote.isResuming = true
        remote.untoldOctets = 0
        remote.isHeldUp = false
        var isWaiting = false
        if case .home = connection.waiting { isWaiting = true }
        let resumption = ShardMessage.Resumption(
            number: remote.resumptions,
            term: lanes.term(of: remote.claim.lane),
            outstanding: remote.unsettled.map { Array($0.outstanding) } ?? [],
            packets: packets,
            isLast: isWaiting,
            isAcknowledged: isWaiting && remote.isAcknowledged
        )
        send(.resume(remote.claim, resumption), to: leader)
        if let address = connection.peer.address, address != remote.claim.peer.address {
            send(.toHome(connection.reference, .addressChanged(address)), to: leader)
        }
        if connection.isFinished, isWaiting { send(.toHome(connection.reference, .finished), to: leader) }
        // The shell is to read on.
        markDirty(connection)
    }

    /// A home does not know a connection any more. If it does not lead the lane either, the connection hears of the leader.
    mutating func lost(_ reference: ConnectionReference, by home: ShardReference, now: Instant) {
        guard let connection = connections[reference], !connection.isClosed else { return }
        if let claim = connection.pendingConnect?.claim {
            if lanes.leader(of: claim.lane) == home { send(claim, to: home) }
        } else if let remote = connection.remoteSession, remote.home == home,
            lanes.leader(of: remote.claim.lane) == home
        {
            resume(connection, remote, at: home, now: now)
        }
    }

    /// The home of a connection's session is gone: the client has to connect again, and finds its session.
    mutating func lostHome(of connection: Connection, now: Instant) {
        connection.remoteSession = nil
        fail(connection, .serverShuttingDown, now: now)
    }

    /// The node does not know any more what becomes of the lanes: clients with durable sessions have to connect again, to another node.
    package mutating func isolate(now: Instant) {
        // What the sessions of lanes subscribe to from here on, nobody tells this node before SUBACK.
        for lane in Lane.all { lanes.setLead(nil, of: lane) }
        lanes.limbo.addUnknown(.max)
        for connection in connections.all {
            if connection.remoteSession != nil {
                lostHome(of: connection, now: now)
            } else if let claim = connection.pendingConnect?.claim, !claim.isTransient {
                // The client may have its session already, and then its will was published when the others counted this run as over.
                fail(connection, .serverUnavailable, now: now)
            }
        }
        drainLocal(now: now)
    }

    // MARK: - At the home

    /// A connection goes on with the session that it had when the lane got another leader, and tells what is not settled.
    mutating func resume(_ claim: Claim, _ resumption: ShardMessage.Resumption, now: Instant) {
        // Otherwise the lane has moved on, and the shard of the connection hears that, too. What it says of an earlier term would be done twice.
        guard lanes.leader(of: claim.lane) == own, lanes.term(of: claim.lane) == resumption.term else { return }
        send(.toConnection(claim.connection, .resumed(resumption.number)), to: claim.connection.shard)
        if lanes.quarantined.contains(claim.lane) { return refuse(claim, .implementationSpecificError) }
        guard let session = sessions[claim.client], session.lane != nil, session.holder == claim.connection,
            session.connection == nil || session.connection?.reference == claim.connection
        else {
            // Another connection has got the session meanwhile, or has ended it with its own CONNECT.
            return refuse(claim, .sessionTakenOver)
        }
        // The link to the shard of the connection was lost meanwhile.
        if let earlier = session.connection { part(earlier, fromLost: session, now: now) }
        let deputy = addDeputy(for: claim, now: now)
        cancelDeadlines(of: session)
        session.delayedWill = nil
        join(deputy, session, claim)
        session.outgoing.window.resume(resumption.outstanding)
        log(.attached(session.number, expiryInterval: claim.expiryInterval, will: claim.will), of: session)
        receive(resumption.packets, isLast: resumption.isLast, on: deputy, now: now)
        if resumption.isAcknowledged { deputy.pendingSubscribe?.isSilent = true }
        pump(deputy, now: now)
    }

    /// A connection cannot go on with its session, and ends with a reason [MQTT-3.14.0-1].
    private mutating func refuse(_ claim: Claim, _ reason: ReasonCode) {
        var output = Output()
        if claim.version == .v5 { output.buffer.write(.disconnect(Disconnect(reasonCode: reason)), version: .v5) }
        send(.toConnection(claim.connection, .ended(output, reason)), to: claim.connection.shard)
    }

    /// Handles packets that the shard of a connection has passed on.
    ///
    /// In a cluster each is settled by itself: an answer that has left says that its packet is. Otherwise the packet could be told to the next
    /// leader together with what the client has sent upon the answer, which that one may know already.
    mutating func receive(_ packets: ByteBuffer, isLast: Bool, on deputy: Connection, now: Instant) {
        guard deputy.settlement != nil else {
            deputy.owesAnswer = isLast
            receive(packets, on: deputy, now: now)
            answer(deputy)
            return
        }
        var rest = packets
        while let packet = rest.readPacketSlice() {
            deputy.owesAnswer = isLast && rest.readableBytes == 0
            receive(packet, on: deputy, now: now)
            answer(deputy)
            note(packet, of: deputy)
        }
        if packets.readableBytes == 0 {
            deputy.owesAnswer = isLast
            answer(deputy)
        }
    }

    /// A packet of a deputy was handled, or waits to be.
    private mutating func note(_ packet: ByteBuffer, of deputy: Connection) {
        guard let settlement = deputy.settlement, let lane = deputy.session?.lane else { return }
        let position = lanes[lane].isClean ? lanes[lane].committed : lanes[lane].newest
        let isWaitedFor = settlement.lastPosition == position || position <= lanes[lane].committed
        settlement.add(
            packet.readableBytes,
            position: position,
            acknowledgements: deputy.withheld?.appendedCount ?? 0,
            isUnanswered: deputy.owesAnswer
        )
        // Nobody waits: the commit need not be at once.
        if !isWaitedFor { lanes[lane].wait(.settlement(deputy)) }
        settle(deputy)
    }

    /// Looks how far the packets of a deputy are settled.
    mutating func settle(_ deputy: Connection) {
        guard let settlement = deputy.settlement, let lane = deputy.session?.lane else { return }
        let acknowledged = deputy.withheld?.takenCount ?? 0
        if settlement.advance(committed: lanes[lane].committed, acknowledgements: acknowledged) { markDirty(deputy) }
    }
}
