package import NATSClient
package import NIOCore

/// The membership of a node in its cluster, without IO: records of the bucket, heartbeats, answers and the present instant go in, and what
/// is to be done and told comes out.
///
/// A node is a member by its record, which it writes by compare-and-set and which the others delete when nobody has heard of the node
/// for `deadAfter`. Until then the node must know by itself that it may be counted dead: it is **safe** while more than half of the
/// members, itself included, echo its heartbeats, or while it can confirm its record, which is a write that makes a deletion by what was
/// known before fail. A node that was neither for 0.6 of `deadAfter` is isolated, and takes a new run.
///
/// Only half or more of the members that hear each other delete records at `deadAfter`. So a node that is safe by echoes is known to one of
/// them, which says so in its own heartbeats. Fewer wait for `deadAfterForFew`, and each member confirms its record while another one does not echo.
package struct Membership {
    package let times: MembershipTimes
    let identity: NodeIdentity
    var state = State.reading
    /// All numbers of the cluster, this node's own among them.
    var nodes = (0..<Heartbeat.maximumNodes).map { KnownNode(number: $0) }
    var own = OwnHeartbeats()
    var effects: [MembershipEffect] = []

    var isConnected = false
    var hasRecords = false
    var nextHeartbeat = NIODeadline.distantPast
    var nextTick = NIODeadline.distantPast
    /// Since when this node hears its own heartbeats, so that silence is the others'.
    var hearingSince: NIODeadline?

    /// The newest instant at which this run was safe. It never goes back.
    var safe = NIODeadline.distantPast
    /// The newest run that this node took, or the start of the process before it took any.
    var newestRun: UInt64
    /// True once this process was a member.
    var hasRun = false
    var earlierNumber: Int?
    var write: Write?
    var attempts: UInt64 = 0
    /// True if this node is about to leave, as its heartbeats tell.
    var isRetiring = false
    /// Connections of clients at this node, which its heartbeats tell.
    package var clients = 0
    /// What the owner was told of last, so that it is told once.
    var refusal: String?
    var told: [Member?] = Array(repeating: nil, count: Heartbeat.maximumNodes)

    /// A write of this node's own record. Each attempt is the same write again.
    struct Write {
        let record: MemberRecord
        let expected: UInt64
        /// When each attempt without an answer was sent. At most `maximumAttempts`.
        var sent: [UInt64: NIODeadline] = [:]
        var nextAttempt: NIODeadline
        /// When the first one was sent.
        let begun: NIODeadline
    }

    enum State: Equatable {
        /// It waits for the connection and the records.
        case reading
        /// It looks for a number.
        case choosing
        /// The choice was made by this revision of the number's record.
        case remembering(node: Int, run: UInt64, revision: UInt64)
        case writing(node: Int)
        case member(Member)
        case left
    }

    /// Fingerprints of the secrets that this node knows, which its heartbeats tell.
    package var secrets: [UInt64] = []

    package init(_ identity: NodeIdentity, _ times: MembershipTimes) {
        self.identity = identity
        self.times = times
        newestRun = identity.start
        earlierNumber = identity.earlierNumber
    }

    // MARK: What comes out

    package mutating func takeEffects() -> [MembershipEffect] {
        defer { effects = [] }
        return effects
    }

    /// When `advance` has something to do.
    package var nextDeadline: NIODeadline { state == .left ? .distantFuture : nextTick }

    /// This node's own run, while it is a member.
    package var member: Member? { if case .member(let member) = state { member } else { nil } }

    /// The other members.
    package var others: [Member] { told.compactMap { $0 } }

    package func isSuspected(_ node: Int) -> Bool { nodes.indices.contains(node) && nodes[node].isSuspected }

    package func isRetiring(_ node: Int) -> Bool { nodes.indices.contains(node) && nodes[node].isRetiring }

    /// How long ago the newest heartbeat of another node's run came; `nil` before the first.
    package func silence(of node: Int, _ now: NIODeadline) -> TimeAmount? {
        guard nodes.indices.contains(node), let heard = nodes[node].lastHeard else { return nil }
        return now - heard
    }

    /// True while no other node can suspect this one without this one knowing: acknowledgements that rely on other nodes' knowledge of this
    /// one are to be withheld otherwise. Half of the members suffice, and those that this node itself suspects are passed over.
    package func holdsLease(_ now: NIODeadline) -> Bool {
        guard member != nil, let newestReturn = own.newestReturn else { return false }
        let oldest = now - times.leaseEcho
        guard newestReturn >= oldest else { return false }
        var fresh = 1
        for member in others {
            let node = nodes[member.node]
            if node.echoOrJoin >= oldest {
                fresh += 1
            } else if !node.isSuspected {
                return false
            }
        }
        return 2 * fresh >= others.count + 1
    }

    /// True if all other members have told that they know a secret.
    package func isKnownToAll(secret: UInt64) -> Bool { others.allSatisfy { nodes[$0.node].secrets.contains(secret) } }

    /// The time until which `holdsLease` is sure to be true, whatever is heard or not; `nil` if it is not.
    package func leaseEnd(_ now: NIODeadline) -> NIODeadline? {
        guard holdsLease(now), let newestReturn = own.newestReturn else { return nil }
        let echoes = others.map { (echo: nodes[$0.node].echoOrJoin, isNeeded: !nodes[$0.node].isSuspected) }
        var needed = [newestReturn] + echoes.filter(\.isNeeded).map(\.echo)
        // Of suspected ones as many as make half.
        let more = echoes.filter { !$0.isNeeded }.map(\.echo).sorted(by: >)
        needed += more.prefix(max(0, (others.count + 2) / 2 - needed.count))
        return needed.min().map { $0 + times.leaseEcho }
    }

    // MARK: What comes in

    package mutating func connected(_ now: NIODeadline) {
        begin(now)
        isConnected = true
        nextHeartbeat = now
        settle(now)
    }

    package mutating func disconnected(_ now: NIODeadline) {
        begin(now)
        isConnected = false
        settle(now)
    }

    /// A record changed, or was read.
    ///
    /// - Parameter value: `nil` if it was deleted.
    package mutating func record(node: Int, revision: UInt64, value: ByteBuffer?, _ now: NIODeadline) {
        begin(now)
        take(value.flatMap { MemberRecord($0, node: node) }, node: node, revision: revision, now)
        settle(now)
    }

    /// All records that there are came.
    package mutating func recordsAreCurrent(_ now: NIODeadline) {
        begin(now)
        hasRecords = true
        settle(now)
    }

    /// The bucket is gone, and will be made again.
    package mutating func recordsAreLost(_ now: NIODeadline) {
        begin(now)
        hasRecords = false
        if member != nil { becomeIsolated() }
        nodes = (0..<Heartbeat.maximumNodes).map { KnownNode(number: $0) }
        settle(now)
    }

    package mutating func heard(_ heartbeat: Heartbeat, _ now: NIODeadline) {
        begin(now)
        if heartbeat.sender == identity.sender {
            own.returned(heartbeat.number)
        } else {
            hear(heartbeat, now)
        }
        settle(now)
    }

    /// Nobody listens on the subject of a node.
    package mutating func noResponders(node: Int, _ now: NIODeadline) {
        begin(now)
        if nodes.indices.contains(node), nodes[node].isUnheard(now), !nodes[node].isSuspected { suspect(node) }
        settle(now)
    }

    /// The number and the run are on disk.
    package mutating func remembered(_ now: NIODeadline) {
        begin(now)
        if case .remembering(let node, let run, let revision) = state {
            let member = Member(
                node: node,
                run: run,
                name: identity.name,
                shards: identity.shards,
                relay: identity.relay,
                format: identity.format
            )
            state = .writing(node: node)
            write = Write(
                record: MemberRecord(member, token: identity.token),
                expected: revision,
                nextAttempt: now,
                begun: now
            )
        }
        settle(now)
    }

    /// The number and the run cannot be put on disk.
    package mutating func notRemembered(_ reason: String, _ now: NIODeadline) {
        begin(now)
        if case .remembering = state {
            state = .choosing
            refuse(reason)
        }
        settle(now)
    }

    /// What became of an attempt to write this node's record.
    package mutating func written(attempt: UInt64, _ answer: AppendAnswer, _ now: NIODeadline) {
        begin(now)
        if let sent = write?.sent.removeValue(forKey: attempt), let record = write?.record {
            switch answer {
            case .stored(let revision): take(record, node: record.member.node, revision: revision, sent: sent, now)
            case .sequenceIsAnother:
                // Another one's record, or an attempt before whose answer was lost.
                effects.append(.read(node: record.member.node))
            case .busy: write?.nextAttempt = now + times.tick
            case .noAnswer, .refused: break
            }
        }
        settle(now)
    }

    /// A record was deleted, with this revision.
    package mutating func removed(node: Int, _ answer: AppendAnswer, _ now: NIODeadline) {
        begin(now)
        if case .stored(let revision) = answer { take(nil, node: node, revision: revision, now) }
        settle(now)
    }

    package mutating func advance(_ now: NIODeadline) {
        begin(now)
        settle(now)
    }

    /// Tells the others at once that this node is about to leave.
    package mutating func retire(_ now: NIODeadline) {
        begin(now)
        isRetiring = true
        nextHeartbeat = now
        settle(now)
    }

    /// Ends the run by the node's own will: the others are told at once, and its record is deleted.
    package mutating func leave(_ now: NIODeadline) {
        begin(now)
        if let member {
            publish(isLeaving: true, now)
            effects.append(.remove(node: member.node, expecting: nodes[member.node].revision))
        }
        state = .left
        write = nil
    }

    // MARK: Before and after each of them

    /// First of all it is found out whether the run is still safe, for instance after the process was paused.
    mutating func begin(_ now: NIODeadline) {
        if member != nil, now >= safe + times.isolatedAfter { becomeIsolated() }
    }

    mutating func settle(_ now: NIODeadline) {
        guard state != .left else { return }
        nextTick = now + times.tick
        listen(now)
        if now >= nextHeartbeat, isConnected {
            nextHeartbeat = now + times.heartbeat
            publish(isLeaving: false, now)
        }
        join(now)
        writeOwn(now)
        guard member != nil else { return }
        noteSafety()
        confirm(now)
        judge(now)
    }

    mutating func publish(isLeaving: Bool, _ now: NIODeadline) {
        let echoes = nodes.compactMap { node in
            node.member.flatMap { member in
                node.newestHeartbeat > 0
                    ? Heartbeat.Echo(identity: member.identity, number: node.newestHeartbeat) : nil
            }
        }
        let heartbeat = Heartbeat(
            sender: identity.sender,
            identity: member?.identity,
            number: own.next(now),
            isLeaving: isLeaving,
            isRetiring: isRetiring,
            echoes: echoes,
            secrets: secrets,
            clients: clients
        )
        effects.append(.publish(heartbeat))
    }
}
