import DequeModule
import MQTTCodec
package import NIOCore

// Who leads which lane. A lane that gets another leader takes its sessions along: the new leader has replayed the lane's log.
extension Shard {
    /// Replays what the log of a lane has, before this shard leads the lane. A batch that cannot be read damages the lane.
    ///
    /// - Throws: `LaneBatchError`.
    package mutating func restore(_ octets: ByteBuffer, ofLane number: Int, now: Instant) throws(LaneBatchError) {
        var octets = octets
        while let batch = try LaneBatch.read(from: &octets, now: now, memory: lanes.queueMemory) {
            guard Int(batch.lane.number) == number else { throw .malformedRecord(0) }
            restore(batch, now: now)
        }
    }

    /// Forgets what is known of a lane that this shard does not lead, whose log is about to be replayed or could not be.
    package mutating func clear(lane number: Int) {
        guard let lane = UInt8(exactly: number).flatMap({ Lane(number: $0) }) else { return }
        _ = recovery.take(lane)
        _ = lanes.reset(lane)
        removeRetained(of: [lane])
    }

    /// The logs of lanes are replayed: the shard leads them from here on, each in its term.
    ///
    /// - Returns: the lanes that another shard has taken later: it has said that it leads while the log was replayed.
    @discardableResult
    package mutating func lead(_ terms: [(lane: Int, term: UInt64)], now: Instant) -> [Int] {
        let replayed = terms.compactMap { item in
            UInt8(exactly: item.lane).flatMap { Lane(number: $0) }.map {
                ClusterMessage.LaneTerm(lane: $0, term: item.term)
            }
        }
        let terms = replayed.filter { $0.term >= lanes.term(of: $0.lane) }
        let superseded = replayed.filter { $0.term < lanes.term(of: $0.lane) }.map(\.lane.index)
        for lane in superseded { clear(lane: lane) }
        let set = terms.reduce(0) { $0 | $1.lane.bit }
        mergeRestoredStreams(of: set)
        for item in terms {
            lanes.setLead(LaneTable.Lead(shard: own, term: item.term), of: item.lane)
            finishRecovery(of: item.lane, now: now)
        }
        tellEverybody(.cluster(.leads(own, terms)))
        holdMoved(set, now: now)
        tookLead(of: set, own, now: now)
        for item in terms {
            for _ in lanes[item.lane].outbox.entries { handOverNext(ofOutbox: item.lane, now: now) }
        }
        drainLocal(now: now)
        return superseded
    }

    /// Another node leads a lane that this shard led, or nobody does as far as this shard knows.
    package mutating func lose(lane number: Int, now: Instant) {
        guard let lane = UInt8(exactly: number).flatMap({ Lane(number: $0) }), lanes.leader(of: lane) == own else {
            return
        }
        lanes.limbo.add(lane.bit, filters(of: lane))
        giveUp(lane, now: now)
        lanes.setLead(nil, of: lane)
        drainLocal(now: now)
    }

    /// A shard does not lead lanes any more: what their sessions subscribe to is not known until they have another leader.
    mutating func lost(_ shard: ShardReference, _ terms: [ClusterMessage.LaneTerm]) {
        for item in terms where lanes.leader(of: item.lane) == shard && lanes.term(of: item.lane) <= item.term {
            lanes.setLead(nil, of: item.lane)
            lanes.limbo.addUnknown(item.lane.bit)
        }
    }

    /// The lanes that a shard leads, each with its term.
    func leadTerms(of shard: ShardReference) -> [ClusterMessage.LaneTerm] {
        Lane.all.filter { lanes.leader(of: $0) == shard }.map { .init(lane: $0, term: lanes.term(of: $0)) }
    }

    /// A shard leads lanes.
    mutating func leads(_ shard: ShardReference, _ terms: [ClusterMessage.LaneTerm], now: Instant) {
        var taken: UInt64 = 0
        for item in terms {
            let known = lanes.term(of: item.lane)
            guard item.term > known || item.term == known && lanes.leader(of: item.lane) == nil else { continue }
            if lanes.leader(of: item.lane) == own {
                giveUp(item.lane, now: now)
            }
            lanes.setLead(LaneTable.Lead(shard: shard, term: item.term), of: item.lane)
            taken |= item.lane.bit
        }
        if taken == 0 { return }
        // What they have not said to keep goes to the new leader first.
        holdMoved(taken, now: now)
        tookLead(of: taken, shard, now: now)
    }

    /// What lanes have not said to keep waits for their leader.
    ///
    /// - Parameter number: of a message that they have refused, with all behind it; 0 if they have another leader.
    mutating func holdMoved(_ set: UInt64, from number: UInt64 = 0, now: Instant) {
        let moved = lanes.takeMoved(set, from: number)
        for message in moved.messages { lanes.limbo.hold(message) }
        for receipt in moved.settled { settle(receipt, now: now) }
    }

    /// Lanes have a leader: tells it what it has to know, and hands over what waited for it.
    private mutating func tookLead(of set: UInt64, _ leader: ShardReference, now: Instant) {
        releaseLimbo(set, to: leader, now: now)
        for connection in connections.all where !connection.isClosed {
            if let claim = connection.pendingConnect?.claim {
                if set & claim.lane.bit != 0 { send(claim, to: leader) }
            } else if let session = connection.session, session.lane == nil, let holder = session.holder {
                if set & Lane(clientHash: session.identity).bit != 0 {
                    if let claim = lanes.letIn[holder] {
                        send(claim, to: leader)
                    } else {
                        send(.cluster(.holds(session.clientIdentifier, holder)), to: leader)
                    }
                }
            } else if let remote = connection.remoteSession, set & Lane(clientHash: remote.identity).bit != 0 {
                resume(connection, remote, at: leader, now: now)
            }
        }
    }

    /// A connection has a transient session, as its shard tells the new leader of the lane. If another connection has one by now, that is
    /// the later one.
    mutating func holds(_ client: UTF8Key, _ holder: ConnectionReference) {
        guard lanes.leader(of: Lane(clientHash: Session.identity(of: client))) == own else { return }
        if !sessions.directory.add(client, holder) { send(.evict(holder, of: client), to: holder.shard) }
    }

    /// The shard does not lead a lane any more: forgets its sessions and retained messages. What was not committed is held for the new
    /// leader.
    private mutating func giveUp(_ lane: Lane, now: Instant) {
        // Before the others hear that the filters are gone: messages for the lane are to wait for its next leader.
        tellEverybody(.cluster(.lost(own, [.init(lane: lane, term: lanes.term(of: lane))])))
        _ = recovery.take(lane)
        for session in sessions.all where session.lane == lane {
            if let connection = session.connection { part(connection, fromLost: session, now: now) }
            erase(session)
        }
        sessions.directory.forget(lane)
        var log = lanes.reset(lane)
        for uncommitted in log.takeUncommitted() { hold(uncommitted, of: lane, now: now) }
        removeRetained(of: [lane])
    }

    /// Holds a message that was to be kept by a lane, for the lane's next leader.
    mutating func hold(_ uncommitted: LaneLog.Uncommitted, of lane: Lane, now: Instant) {
        defer { settle(uncommitted.receipt, now: now) }
        if case .shard(_, _, let source) = uncommitted.receipt.owner {
            tellMissing(lane.bit, uncommitted.receipt)
            lanes.refusals.add(lane, from: source, isRetained: uncommitted.isRetained)
            return
        }
        hold(
            uncommitted.publish,
            from: 0,
            uncommitted.receipt,
            origin: uncommitted.origin,
            lanes: lane.bit,
            isRetained: uncommitted.isRetained
        )
    }

    /// Ends the deputy of a session that is gone with its lane, without a word to the log or to the connection, which goes on with the lane's
    /// next leader.
    mutating func part(_ connection: Connection, fromLost session: Session, now: Instant) {
        let streams = connection.streams
        for stream in [connection] + streams {
            stream.session?.connection = nil
            stream.session = nil
            stream.deferred = nil
        }
        for stream in streams { leave(stream, publishesWill: false, .goesOn, now: now) }
        leave(connection, publishesWill: false, .goesOn, now: now)
    }

    /// Removes the retained messages of lanes, without a word to their logs.
    mutating func removeRetained(of lanes: Set<Lane>) {
        for topic in retained.topics where lanes.contains(Lane(ofTopic: topic)) {
            guard let levels = TopicLevels.split(topic, limit: .max), let node = retained.remove(levels) else {
                continue
            }
            deadlines.cancel(&node.deadline)
        }
    }

    /// The buckets of the filters of a lane's sessions.
    private func filters(of lane: Lane) -> Interest.Buckets {
        var buckets = Interest.Buckets()
        for session in sessions.all where session.lane == lane {
            for filter in session.subscriptions.keys { _ = buckets.set(Interest.bucket(of: filter), true) }
        }
        return buckets
    }
}
