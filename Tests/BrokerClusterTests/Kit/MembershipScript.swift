import BrokerCluster
import NATSClient
import NIOCore

/// A membership in the hands of a test, with a bucket that always answers, and others that say and hear what the test lets them.
struct MembershipScript {
    var membership: Membership
    private(set) var now = NIODeadline.uptimeNanoseconds(1_000_000_000_000)
    var others: [Int: Other] = [:]
    /// True if the node's own heartbeats come back.
    var isHearing = true
    /// True while the bucket answers.
    var hasBucket = true
    private(set) var bucket = SimulatedBucket()
    private(set) var events: [MembershipEvent] = []
    private(set) var refusals: [String] = []
    private(set) var remembered: [(node: Int, run: UInt64)] = []
    /// Numbers whose subjects were asked for, and whether anybody listens.
    private(set) var asked: [Int] = []
    var listens = true
    /// What the node published last.
    private(set) var last: Heartbeat?
    private var nextOthers = NIODeadline.distantPast

    struct Other {
        let record: MemberRecord
        var sent: UInt64 = 0
        var heard: UInt64 = 0
        var speaks = true
        var hears = true
        var isLeaving = false
        var isRetiring = false
        var secrets: [UInt64] = []
        /// Whom it says that it has heard, beside this node.
        var echoes: [Heartbeat.Echo] = []
    }

    static func identity(number: Int? = nil, earlier: Int? = nil, start: UInt64 = 7) -> NodeIdentity {
        NodeIdentity(
            token: "mine",
            number: number,
            earlierNumber: earlier,
            start: start,
            sender: 42,
            name: "me",
            shards: 2
        )
    }

    init(_ identity: NodeIdentity = MembershipScript.identity(), deadAfter: TimeAmount = .seconds(10)) {
        membership = Membership(identity, MembershipTimes(deadAfter: deadAfter))
    }

    /// Puts a record into the bucket, as another node does.
    mutating func put(_ node: Int, run: UInt64, token: String? = nil, speaks: Bool = true) {
        let member = Member(node: node, run: run, name: "other-\(node)", shards: 1, relay: nil, format: 1)
        let record = MemberRecord(member, token: token ?? "other-\(node)")
        others[node] = Other(record: record)
        others[node]?.speaks = speaks
        change(node, record.json)
    }

    mutating func delete(_ node: Int) { change(node, nil) }

    private mutating func change(_ node: Int, _ value: ByteBuffer?) {
        let revision = bucket.put(value, node: node, expecting: bucket.records[node]?.revision ?? 0) ?? 0
        membership.record(node: node, revision: revision, value: value, now)
        carryOut()
    }

    /// Connects, reads the bucket, and waits until the node is a member, if it may be one.
    mutating func join() {
        membership.connected(now)
        membership.recordsAreCurrent(now)
        carryOut()
        wait(.milliseconds(300))
    }

    /// Lets time pass as it does for a process that runs.
    mutating func wait(_ time: TimeAmount) {
        let end = now + time
        while now < end {
            now = now + .milliseconds(25)
            letOthersSpeak()
            membership.advance(now)
            carryOut()
        }
    }

    /// Lets time pass while the process stands still.
    mutating func pause(_ time: TimeAmount) { now = now + time }

    mutating func takeEvents() -> [MembershipEvent] {
        defer { events = [] }
        return events
    }

    mutating func leave() {
        membership.leave(now)
        carryOut()
    }

    mutating func retire() {
        membership.retire(now)
        carryOut()
    }

    var holdsLease: Bool { membership.holdsLease(now) }

    private mutating func letOthersSpeak() {
        guard now >= nextOthers else { return }
        nextOthers = now + .milliseconds(150)
        for (node, var other) in others.sorted(by: { $0.key < $1.key }) where other.speaks {
            other.sent += 1
            others[node] = other
            let own = membership.member.map {
                Heartbeat.Echo(identity: Heartbeat.Identity(node: $0.node, run: $0.run), number: other.heard)
            }
            let heartbeat = Heartbeat(
                sender: UInt64(1_000 + node),
                identity: Heartbeat.Identity(node: node, run: other.record.member.run),
                number: other.sent,
                isLeaving: other.isLeaving,
                isRetiring: other.isRetiring,
                echoes: other.echoes + [own].compactMap { $0 },
                secrets: other.secrets
            )
            membership.heard(heartbeat, now)
            carryOut()
        }
    }

    mutating func carryOut() {
        while true {
            let effects = membership.takeEffects()
            if effects.isEmpty { return }
            for effect in effects { carryOut(effect) }
        }
    }

    private mutating func carryOut(_ effect: MembershipEffect) {
        switch effect {
        case .tell(let event): events.append(event)
        case .publish(let heartbeat):
            last = heartbeat
            if isHearing { membership.heard(heartbeat, now) }
            for node in others.keys where others[node]?.hears == true { others[node]?.heard = heartbeat.number }
        case .ask(let node):
            asked.append(node)
            if !listens { membership.noResponders(node: node, now) }
        case .remember(let node, let run):
            remembered.append((node, run))
            membership.remembered(now)
        case .write(let record, let revision, let attempt):
            guard hasBucket else { return membership.written(attempt: attempt, .noAnswer(.timedOut), now) }
            let stored = bucket.put(record.json, node: record.member.node, expecting: revision)
            membership.written(attempt: attempt, stored.map { .stored($0) } ?? .sequenceIsAnother, now)
        case .remove(let node, let revision):
            guard hasBucket else { return membership.removed(node: node, .noAnswer(.timedOut), now) }
            let stored = bucket.put(nil, node: node, expecting: revision)
            membership.removed(node: node, stored.map { .stored($0) } ?? .sequenceIsAnother, now)
        case .read(let node):
            let record = bucket.records[node] ?? (0, nil)
            if hasBucket { membership.record(node: node, revision: record.revision, value: record.value, now) }
        case .refuse(let reason): refusals.append(reason)
        }
    }
}
