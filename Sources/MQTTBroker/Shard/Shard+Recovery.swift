import DequeModule
import MQTTCodec
package import NIOCore

// A shard after a restart: replays the logs of its lanes, then goes on where they end.
extension Shard {
    /// Replays a batch of a lane that this shard leads. The batches of a lane come in their order, before anything else.
    package mutating func restore(_ batch: LaneBatch, now: Instant) {
        lanes[batch.lane].restore(position: batch.position)
        for record in batch.records { replay(record, batch.lane, now: now) }
    }

    /// Replays what a commit of an earlier run has of the lanes that this shard leads. A batch that cannot be read damages its lane.
    ///
    /// - Throws: `LaneBatchError.newerVersion`.
    package mutating func restore(_ commit: ByteBuffer, now: Instant) throws(LaneBatchError) {
        var reader = BatchReader(commit, now: now, memory: lanes.queueMemory)
        var isLost = false
        // A bit for each lane.
        var found: UInt64 = 0
        while let item = try reader.next({ lanes.leader(of: $0) == own }) {
            switch item {
            case .batch(let batch):
                found |= batch.lane.bit
                if !recovery.suspected.isEmpty, recovery.suspected[batch.lane] == batch.position &- 1 {
                    recovery.suspected[batch.lane] = nil
                }
                restore(batch, now: now)
            case .damaged(let lane): recovery.damaged.insert(lane)
            case .lost: isLost = true
            }
        }
        guard isLost else { return }
        // It was of a lane that the commit has no other batch of.
        for lane in Lane.all where lanes.leader(of: lane) == own && found & lane.bit == 0 {
            if recovery.suspected[lane] == nil { recovery.suspected[lane] = lanes[lane].sealed }
        }
    }

    /// All batches are replayed. Clients that were connected are away from now on. Nothing is due before `handOverRestored`: the shard does
    /// not know yet who gets what.
    package mutating func finishRecovery(now: Instant) {
        isRestoring = true
        for lane in Lane.all {
            for (source, number) in lanes[lane].sources { sendToLeader(of: source, .outboxReached(source, number)) }
        }
        quarantineDamaged()
        mergeRestoredStreams()
        for lane in Lane.all { finishRecovery(of: lane, now: now) }
        recovery = Recovery()
        drainLocal(now: now)
    }

    /// Serves the restored sessions of a lane from here on.
    mutating func finishRecovery(of lane: Lane, now: Instant) {
        let part = recovery.take(lane)
        for (number, session) in part.sessions {
            // A session that no connection ever had, or that ended with its connection.
            guard let absence = part.absences[number] else {
                discard(session)
                continue
            }
            insertRestored(session)
            if let will = absence.will {
                let delay = will.properties.isEmpty ? 0 : will.properties.values.willDelayInterval ?? 0
                // If the wall clock was set back, no time has passed.
                let due =
                    absence.since.map { max(now.monotonic, now.noEarlier(than: $0).monotonic(of: absence.due)) }
                    ?? now.monotonic + max(.seconds(Int64(delay)), limits.restartPatience)
                postpone(Session.DelayedWill(will: will, due: due), of: session)
            }
            startAbsence(of: session, since: absence.since.map { min($0, now.wall) }, now: now)
        }
    }

    private mutating func insertRestored(_ session: Session) {
        sessions.insert(session)
        for (filter, subscription) in session.subscriptions { addToRouter(session, filter, subscription) }
    }

    /// All shards are restored, and know each other's interest: messages that were not kept everywhere are handed over again.
    package mutating func handOverRestored(now: Instant) {
        isRestoring = false
        for lane in Lane.all {
            for _ in lanes[lane].outbox.entries { handOverNext(ofOutbox: lane, now: now) }
        }
        drainLocal(now: now)
    }

    /// Takes what is known of damaged lanes out of service.
    private mutating func quarantineDamaged() {
        let damaged = recovery.damaged.union(recovery.suspected.keys)
        if damaged.isEmpty { return }
        var filters: Set<TopicFilter> = []
        for lane in damaged {
            for session in recovery.take(lane).sessions.values { filters.formUnion(session.subscriptions.keys) }
        }
        removeRetained(of: damaged)
        for lane in damaged { lanes[lane].outbox = Outbox() }
        broadcast(.quarantine(damaged, Array(filters)))
        quarantine(damaged, Array(filters))
    }

    private mutating func replay(_ record: LaneRecord, _ lane: Lane, now: Instant) {
        switch record {
        case .session(let number, _) where !LaneLog.isSession(number, of: lane),
            .stream(let number, _) where !LaneLog.isSession(number, of: lane):
            // Another lane gives that number out, and may have given it to another session.
            recovery.damaged.insert(lane)
        case .session(let number, let client):
            forget(number, lane)
            if let older = recovery[lane].clients[client] { forget(older, lane) }
            let session = Session(
                clientIdentifier: client,
                identity: Session.identity(of: client),
                number: number,
                lane: lane
            )
            lanes[lane].restore(session: number)
            recovery[lane].sessions[number] = session
            recovery[lane].clients[client] = number
        case .stream(let number, let parent):
            guard let parent = recovery[lane].sessions[parent], parent.parent == nil,
                recovery[lane].sessions[number] == nil
            else { return }
            lanes[lane].restore(session: number)
            recovery[lane].sessions[number] = sessions.make(beside: parent, number: number)
            recovery[lane].streams[parent.number, default: []].append(number)
        case .ended(let number):
            forget(number, lane)
        case .attached(let number, let expiryInterval, let will):
            recovery[lane].sessions[number]?.expiryInterval = expiryInterval
            recovery[lane].absences[number] = Recovery.Absence(will: will)
        case .holder(let number, let connection):
            recovery[lane].sessions[number]?.holder = connection
        case .away(let number, let since, let expiryInterval, let will, let due):
            recovery[lane].sessions[number]?.expiryInterval = expiryInterval
            recovery[lane].absences[number] = Recovery.Absence(since: since, will: will, due: due)
        case .willPublished(let number):
            recovery[lane].absences[number]?.will = nil
        case .merged(let number):
            if let session = recovery[lane].sessions[number] { mergeRestored(session) }
        case .subscribed(let number, let filter, let subscription):
            if let session = recovery[lane].sessions[number] { session.subscriptions[filter] = subscription }
        case .unsubscribed(let number, let filter):
            recovery[lane].sessions[number]?.subscriptions.removeValue(forKey: filter)
        case .received(let number, let identifier, let publisher, let message, let retain, let outboxNumber):
            recovery[lane].sessions[number]?.awaitingRelease.insert(identifier)
            lanes[lane].outbox.restore(message, retain: retain, publisher: publisher, number: outboxNumber)
        case .posted(let publisher, let message, let retain, let outboxNumber):
            lanes[lane].outbox.restore(message, retain: retain, publisher: publisher, number: outboxNumber)
        case .orphaned(let number, let identifier):
            _ = recovery[lane].sessions[number]?.orphans.append(identifier, maximumCount: .max)
        case .released(let number, let identifier):
            guard let session = recovery[lane].sessions[number] else { return }
            if session.awaitingRelease.remove(identifier) == nil { _ = session.root.orphans.take(identifier) }
        case .adopted(let number, let identifier):
            guard let session = recovery[lane].sessions[number] else { return }
            _ = session.root.orphans.take(identifier)
            session.awaitingRelease.insert(identifier)
        case .forgotten(let number, let identifier):
            _ = recovery[lane].sessions[number]?.root.orphans.take(identifier)
        case .passed(let number):
            lanes[lane].outbox.restore(passed: number)
        case .retained(let message):
            restoreRetained(message)
        case .removed(let topic):
            guard let levels = TopicLevels.split(ByteBuffer(string: topic.string), limit: .max) else { return }
            if let node = retained.remove(levels) { deadlines.cancel(&node.deadline) }
        case .source(let source, let number):
            lanes[lane].sources[source] = number
        case .retainedSource(let source, let number):
            lanes[lane].retainedSources[source] = number
        case .message, .sent, .dropped, .segmented, .acknowledged, .recorded:
            replayDelivery(record, lane)
        }
    }

    private mutating func replayDelivery(_ record: LaneRecord, _ lane: Lane) {
        switch record {
        case .message(let logged):
            if let origin = logged.origin { lanes[lane].sources[origin.lane] = origin.number }
            for target in logged.targets {
                guard let session = recovery[lane].sessions[target.session] else { continue }
                let entry = MessageQueue.Entry(
                    message: logged.message,
                    qos: target.qos,
                    retain: target.retain,
                    identifiers: target.identifiers
                )
                if target.packetIdentifier == 0 {
                    session.outgoing.queue.append(entry)
                } else {
                    session.outgoing.window.append(entry, target.packetIdentifier, logged: nil)
                }
            }
        case .sent(let number, let identifier):
            guard let session = recovery[lane].sessions[number], let entry = session.outgoing.queue.removeFirst()?.entry
            else { return }
            session.outgoing.window.append(entry, identifier, logged: nil)
        case .dropped(let number, let count):
            guard let session = recovery[lane].sessions[number] else { return }
            for _ in 0..<count where session.outgoing.queue.removeFirst() == nil { return }
        case .segmented(let number, let segment, let taken):
            lanes[lane].restore(segment: segment.number)
            guard let session = recovery[lane].sessions[number] else { return }
            _ = session.outgoing.queue.takeForSegment(count: taken)
            session.outgoing.queue.append(QueueSegment(segment))
        case .acknowledged(let number, let identifier):
            recovery[lane].sessions[number]?.outgoing.window.remove(identifier)
        case .recorded(let number, let identifier):
            recovery[lane].sessions[number]?.outgoing.window.markRecorded(identifier)
        default:
            return
        }
    }

    /// A session has ended, or is written again from its beginning.
    private mutating func forget(_ number: UInt64, _ lane: Lane) {
        recovery[lane].absences[number] = nil
        for stream in recovery[lane].streams.removeValue(forKey: number) ?? [] {
            recovery[lane].sessions.removeValue(forKey: stream)?.clear()
        }
        guard let session = recovery[lane].sessions.removeValue(forKey: number) else { return }
        if recovery[lane].clients[session.clientIdentifier] == number {
            recovery[lane].clients[session.clientIdentifier] = nil
        }
        session.clear()
    }

    /// Merges the sessions of the data streams that were open to the end of the run.
    ///
    /// - Parameter set: lanes that are replayed to their ends, a bit for each.
    mutating func mergeRestoredStreams(of set: UInt64 = .max) {
        let streams = recovery.sessions.filter { $0.parent != nil && set & ($0.lane?.bit ?? 0) != 0 }
            .sorted { $0.number < $1.number }
        for stream in streams {
            // What this run logs of the client's session follows the merge.
            log(.merged(stream.number), of: stream)
            mergeRestored(stream)
        }
    }

    /// Merges the session of a data stream that has ended into the client's, as `merge` does. What that dropped has records of its
    /// own.
    private mutating func mergeRestored(_ session: Session) {
        guard let parent = session.parent, let lane = session.lane else { return }
        recovery[lane].sessions[session.number] = nil
        for entry in session.outgoing.window.unrecorded { parent.outgoing.queue.append(entry) }
        while let entry = session.outgoing.queue.popFirst() { parent.outgoing.queue.append(entry) }
        for identifier in session.awaitingRelease.sorted() { _ = parent.orphans.append(identifier, maximumCount: .max) }
        session.clear()
    }

    private mutating func restoreRetained(_ message: Message) {
        guard let levels = TopicLevels.split(message.encoded.topic, limit: .max),
            let node = retained.set(message, at: levels, limits: limits)
        else { return }
        watchExpiry(of: message, at: node)
    }
}
