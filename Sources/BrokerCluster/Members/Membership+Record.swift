import NIOCore

/// This node's own record: how it becomes a member, and stays safe.
extension Membership {
    // MARK: Records

    /// - Parameter sent: when the record was sent, if it is this node's own and acknowledged.
    mutating func take(
        _ record: MemberRecord?,
        node: Int,
        revision: UInt64,
        sent: NIODeadline? = nil,
        _ now: NIODeadline
    ) {
        guard nodes.indices.contains(node) else { return }
        let isNews = nodes[node].take(record, revision: revision, now)
        if let write, write.record.member.node == node {
            if let record, record == write.record, revision > write.expected {
                // Whose acknowledgement may have been lost: any attempt may be the one that was stored.
                finish(write, sent: sent ?? write.begun, now)
            } else if revision > write.expected {
                self.write = nil
                if case .writing = state { state = .choosing }
            }
        }
        guard isNews else { return }
        if let member, member.node == node {
            guard record?.member.run != member.run || record?.token != identity.token else { return }
            becomeIsolated()
            guard record?.token == identity.token else { return }
            state = .left
            refuse("another process has a copy of this node's data folder; give each node its own node.data_dir")
        } else {
            tellRecord(node)
        }
    }

    mutating func finish(_ done: Write, sent: NIODeadline, _ now: NIODeadline) {
        write = nil
        safe = max(safe, sent)
        guard case .writing = state else { return }
        guard now < sent + times.confirmAfter else {
            // So long ago that the others may be about to delete it: it is confirmed first.
            let record = done.record
            write = Write(
                record: record,
                expected: nodes[record.member.node].revision,
                nextAttempt: now,
                begun: now
            )
            return
        }
        state = .member(done.record.member)
        earlierNumber = done.record.member.node
        hasRun = true
        refusal = nil
        safe = sent
        own.forget()
        effects.append(.tell(.admitted(done.record.member)))
        nextHeartbeat = now
        for node in nodes.indices where node != done.record.member.node {
            nodes[node].isSuspected = false
            tellRecord(node)
        }
    }

    mutating func becomeIsolated() {
        guard member != nil else { return }
        state = .reading
        write = nil
        told = Array(repeating: nil, count: told.count)
        own.forget()
        hearingSince = nil
        effects.append(.tell(.isolated))
    }

    // MARK: This node's own record

    mutating func join(_ now: NIODeadline) {
        if state == .reading, isConnected, hasRecords, hearingSince != nil { state = .choosing }
        guard state == .choosing, isConnected else { return }
        let choice = NumberChoice(
            identity,
            earlier: earlierNumber,
            among: nodes,
            silentSince: hearingSince,
            times,
            now
        )
        switch choice {
        case .wait: break
        case .refuse(let reason): refuse(reason)
        case .take(let node):
            newestRun = nextRun(after: nodes[node].record?.member.run ?? 0)
            state = .remembering(node: node, run: newestRun, revision: nodes[node].revision)
            effects.append(.remember(node: node, run: newestRun))
        }
    }

    mutating func refuse(_ reason: String) {
        guard refusal != reason else { return }
        refusal = reason
        effects.append(.refuse(reason))
    }

    /// The first run of a process has the low 16 bits of the start's number, which QUIC identifiers have been made with.
    func nextRun(after other: UInt64) -> UInt64 {
        guard !hasRun else { return max(newestRun, other) + 1 }
        let low = identity.start & 0xFFFF
        guard other >= identity.start else { return identity.start }
        let run = (other & ~0xFFFF) | low
        return run > other ? run : run + 0x1_0000
    }

    mutating func writeOwn(_ now: NIODeadline) {
        guard isConnected, let begun = write, now >= begun.nextAttempt else { return }
        attempts += 1
        write?.nextAttempt = now + MembershipTimes.retry
        if begun.sent.count >= Self.maximumAttempts { write?.sent = [:] }
        write?.sent[attempts] = now
        effects.append(.write(begun.record, expecting: begun.expected, attempt: attempts))
    }

    static let maximumAttempts = 8

    // MARK: Safety

    mutating func noteSafety() {
        let others = others
        var anchors = others.map { nodes[$0.node].echo ?? .distantPast }
        anchors.append(own.newestReturn ?? .distantPast)
        anchors.sort(by: >)
        // More than half of them are not older than this one.
        safe = max(safe, anchors[anchors.count / 2])
    }

    /// Confirms the record while a member does not echo, since that one may be about to delete it.
    mutating func confirm(_ now: NIODeadline) {
        guard let member, write == nil, let record = nodes[member.node].record else { return }
        let oldest = others.map { nodes[$0.node].echoOrJoin }.min() ?? .distantFuture
        let last = nodes[member.node].lastEvidence
        guard now >= oldest + times.confirmAfter, now >= last + times.confirmAfter else { return }
        write = Write(record: record, expected: nodes[member.node].revision, nextAttempt: now, begun: now)
        writeOwn(now)
    }
}
