import MQTTCodec
import NIOCore

// The log of the lanes that this shard leads: what durable sessions and retained messages go through, and what waits until that is
// committed. Without a store nothing is logged, and nothing waits.
extension Shard {
    /// True if there are records that no batch has taken.
    package var hasRecords: Bool { lanes.hasRecords }
    /// The lanes with such records: a bit for each.
    package var lanesWithRecords: UInt64 { lanes.lanesWithRecords }
    /// True if there are such records of lanes; a bit for each lane.
    package func hasRecords(ofLanes set: UInt64) -> Bool { lanes.hasRecords(of: set) }
    /// True if a commit of the records is not to be put off.
    package var isCommitUrgent: Bool { lanes.isUrgent }

    /// Logs a change of a durable session; of another, nothing.
    mutating func log(_ record: @autoclosure () -> LaneRecord, of session: Session) {
        guard let lane = session.lane else { return }
        lanes.append(record(), to: lane)
    }

    /// Does what `waiter` says once all records of the lane so far are committed: at once if they are, or if there is no lane.
    mutating func whenCommitted(_ lane: Lane?, _ waiter: LaneLog.Waiter, now: Instant) {
        guard let lane, !lanes[lane].isClean else {
            goOn(waiter, lane, now: now)
            return
        }
        lanes[lane].wait(waiter)
        lanes.isUrgent = true
    }

    private mutating func goOn(_ waiter: LaneLog.Waiter, _ lane: Lane?, now: Instant) {
        switch waiter {
        case .receipt(let receipt), .retained(let receipt, _, _), .repeated(let receipt, _, _):
            settle(receipt, now: now)
        case .output(let connection):
            guard let lane, let part = connection.deferred?.take(upTo: lanes[lane].committed) else { return }
            connection.outbound.outstanding -= part.octets.readableBytes
            markDirty(connection)
            connection.outbound.output.buffer.writeImmutableBuffer(part.octets)
            if !part.identifiers.isEmpty { connection.settlement?.sent += part.identifiers }
            pump(connection, now: now)
            endIfFinished(connection, now: now)
        case .settlement(let deputy): settle(deputy)
        case .attached(let session, let connection, let claim, let isPresent):
            attached(session, connection, claim, isPresent: isPresent, now: now)
        case .subscribed(let requester):
            announced(requester, by: own, now: now)
        case .answer(let deputy):
            deputy.settlement?.isAnswerDeferred = false
            answer(deputy)
        case .segment(let number, let session):
            lanes.fetch(number, of: session)
            effects.fetches.append(number)
        case .outbox:
            if let lane { handOverNext(ofOutbox: lane, now: now) }
        }
    }

    // MARK: - Packets that wait for a commit

    /// Appends PUBREC, PUBREL or PUBCOMP to a connection's output once what it says is committed.
    mutating func acknowledgeWhenCommitted(
        _ kind: PublishAcknowledgement.Kind,
        _ identifier: UInt16,
        _ reason: ReasonCode,
        on connection: Connection,
        _ session: Session
    ) {
        let version = connection.outbound.version
        let isDeferred = deferOutput(of: connection, session) { buffer in
            buffer.writePublishAcknowledgement(
                kind,
                packetIdentifier: identifier,
                reasonCode: reason,
                version: version
            )
        }
        if !isDeferred { acknowledge(kind, identifier, reason, on: connection) }
    }

    /// Appends a packet to those of a connection that wait for a commit.
    ///
    /// - Returns: false if nothing has to wait, or the client does not take the packet.
    mutating func deferUntilCommitted(_ packet: Packet, of connection: Connection, _ session: Session) -> Bool {
        var octets = ByteBuffer()
        guard octets.write(packet, version: connection.outbound.version) <= connection.outbound.maximumPacketSize else {
            return false
        }
        return deferOutput(of: connection, session) { $0.writeImmutableBuffer(octets) }
    }

    /// Appends octets to those of a connection that wait for a commit of the session's lane.
    ///
    /// - Returns: false if everything is committed, so that nothing has to wait.
    mutating func deferOutput(
        of connection: Connection,
        _ session: Session,
        _ write: (inout ByteBuffer) -> Int
    ) -> Bool {
        guard let lane = session.lane, !lanes[lane].isClean else { return false }
        let deferred = connection.deferred ?? DeferredOutput()
        connection.deferred = deferred
        let position = lanes[lane].newest
        if deferred.lastPosition != position {
            lanes[lane].wait(.output(connection))
            lanes.isUrgent = true
        }
        connection.outbound.outstanding += deferred.append(at: position, write)
        return true
    }

    // MARK: - Batches

    /// Takes the records of lanes for the store. The next batches of a lane are to be taken once these are committed.
    ///
    /// - Parameter set: a bit for each lane.
    package mutating func takeBatches(
        _ age: LaneBatch.Age = .any,
        of set: UInt64 = .max,
        now: Instant
    ) -> [LaneBatch] {
        var batches: [LaneBatch] = []
        for batch in lanes.take(age, of: set, now: now) {
            if !batch.records.isEmpty {
                batches.append(batch)
            } else if let last = batches.indices.last, batches[last].lane == batch.lane {
                batches[last].emptyPositions += 1
            } else {
                committed(batch.lane, upTo: batch.position, now: now)
            }
        }
        drainLocal(now: now)
        return batches
    }

    /// A batch of a lane is committed.
    package mutating func committed(_ batch: LaneBatch, now: Instant) {
        for case .message(let message) in batch.records {
            guard let receipt = message.receipt else { continue }
            message.receipt = nil
            settle(receipt, now: now)
        }
        committed(batch.lane, upTo: batch.position + batch.emptyPositions, now: now)
        drainLocal(now: now)
    }

    private mutating func committed(_ lane: Lane, upTo position: UInt64, now: Instant) {
        lanes[lane].commit(upTo: position)
        while let waiter = lanes[lane].popWaiter() { goOn(waiter, lane, now: now) }
    }
}
