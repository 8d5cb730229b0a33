import BrokerCluster
import NATSClient
import NIOCore

/// Memberships, the NATS servers between them and their bucket in one process with virtual time, and the rules that hold whatever happens:
/// no two runs live with one number, and who is counted dead is over or knows it before.
final class SimulatedCluster {
    private(set) var now = 0
    private var agenda: [Int: [() -> Void]] = [:]
    var random: SeededGenerator
    let nodes: [SimulatedNode]
    private var bucket = SimulatedBucket()
    private let times: MembershipTimes
    /// Of a hundred messages of core NATS so many are lost.
    var loss: Int
    /// Broken rules.
    private(set) var findings: [String] = []
    private(set) var refusals: [String] = []
    /// What was told, for whoever looks for the reason of a finding.
    private(set) var log: [String] = []
    var deaths = 0
    var isolations = 0

    init(seed: UInt64, count: Int, hasNumbers: Bool, _ times: MembershipTimes, loss: Int) {
        var random = SeededGenerator(seed: seed)
        nodes = (0..<count).map { index in
            SimulatedNode(
                index: index,
                number: hasNumbers ? index : nil,
                clock: (
                    .random(in: 1_000_000_000_000...9_000_000_000_000, using: &random),
                    .random(in: 0.999...1.001, using: &random)
                )
            )
        }
        self.random = random
        self.times = times
        self.loss = loss
    }

    // MARK: Time

    func at(_ time: Int, _ body: @escaping () -> Void) { agenda[max(time, now), default: []].append(body) }

    func after(_ milliseconds: Int, _ body: @escaping () -> Void) { at(now + max(1, milliseconds), body) }

    func run(for milliseconds: Int) {
        let end = now + milliseconds
        while now < end {
            while let bodies = agenda.removeValue(forKey: now) { for body in bodies { body() } }
            now += 1
        }
    }

    private func delay() -> Int {
        Int.random(in: 0..<50, using: &random) == 0
            ? .random(in: 20...400, using: &random) : .random(in: 1...4, using: &random)
    }

    private func isLost() -> Bool { Int.random(in: 0..<100, using: &random) < loss }

    // MARK: Processes

    func start(_ node: SimulatedNode, deadAfter: TimeAmount? = nil) {
        guard node.membership == nil else { return }
        var times = times
        if let deadAfter { times.deadAfter = deadAfter }
        node.counter += 1
        node.life += 1
        (node.isPaused, node.mustBeIsolated, node.waiting) = (false, false, [])
        (node.known, node.suspected) = ([:], [])
        node.membership = Membership(
            NodeIdentity(
                token: node.token,
                number: node.number,
                earlierNumber: node.earlierNumber,
                start: node.counter,
                sender: random.next(),
                name: "node-\(node.index)",
                shards: 2
            ),
            times
        )
        say(node, "starts")
        tick(node, life: node.life)
        connect(node)
    }

    private func tick(_ node: SimulatedNode, life: Int) {
        after(37) {
            guard node.life == life else { return }
            self.handle(node, life: life) { membership, now in
                membership.advance(now)
                self.tick(node, life: life)
            }
            self.watchLink(node)
        }
    }

    func crash(_ node: SimulatedNode) {
        guard node.membership != nil else { return }
        say(node, "crashes")
        node.membership = nil
        node.life += 1
        node.isRegistered = false
    }

    func leave(_ node: SimulatedNode) {
        guard node.membership != nil, !node.isPaused else { return }
        say(node, "leaves")
        handle(node, life: node.life) { $0.retire($1) }
        handle(node, life: node.life) { $0.leave($1) }
        crash(node)
    }

    func pause(_ node: SimulatedNode, for milliseconds: Int) {
        guard node.membership != nil, !node.isPaused else { return }
        say(node, "is paused for \(milliseconds)")
        node.isPaused = true
        let life = node.life
        after(milliseconds) {
            guard node.life == life else { return }
            node.isPaused = false
            let waiting = node.waiting
            node.waiting = []
            for body in waiting { self.handle(node, life: life, body) }
        }
    }

    /// Gives an event to the process, now or when it goes on.
    private func handle(_ node: SimulatedNode, life: Int, _ body: @escaping (inout Membership, NIODeadline) -> Void) {
        guard node.life == life, var membership = node.membership else { return }
        guard !node.isPaused else { return node.waiting.append(body) }
        body(&membership, node.time(now))
        if let end = membership.leaseEnd(node.time(now)) { node.leaseEnd = max(node.leaseEnd, end) }
        node.membership = membership
        let effects = node.membership?.takeEffects() ?? []
        if node.mustBeIsolated {
            node.mustBeIsolated = false
            if effects.first != .tell(.isolated) { find(node, "was counted dead, goes on, and does not know") }
        }
        for effect in effects { carryOut(effect, of: node, life: life) }
    }

    // MARK: Links

    private func connect(_ node: SimulatedNode) {
        guard node.isReachable, !node.isRegistered else { return }
        node.isRegistered = true
        node.cutSince = nil
        let life = node.life
        after(delay()) { self.handle(node, life: life) { $0.connected($1) } }
        let records = bucket.records
        after(delay() + 5) {
            self.handle(node, life: life) { membership, now in
                for (key, record) in records {
                    membership.record(node: key, revision: record.revision, value: record.value, now)
                }
                membership.recordsAreCurrent(now)
            }
        }
    }

    private func watchLink(_ node: SimulatedNode) {
        guard node.membership != nil else { return }
        guard !node.isReachable else {
            node.cutSince = nil
            return connect(node)
        }
        let since = node.cutSince ?? now
        node.cutSince = since
        guard node.isRegistered, now - since > 3_000 else { return }
        node.isRegistered = false
        let life = node.life
        handle(node, life: life) { $0.disconnected($1) }
    }

    // MARK: Effects

    private func carryOut(_ effect: MembershipEffect, of node: SimulatedNode, life: Int) {
        switch effect {
        case .tell(let event): hear(event, node)
        case .publish(let heartbeat): publish(heartbeat, node)
        case .ask(let number): ask(number, node, life: life)
        case .remember(let number, let run):
            node.earlierNumber = number
            node.counter = run
            after(delay()) { self.handle(node, life: life) { $0.remembered($1) } }
        case .write(let record, let revision, let attempt):
            request(node, life: life) {
                self.put(record.json, node: record.member.node, expecting: revision)
            } answer: {
                $0.written(attempt: attempt, $1, $2)
            }
        case .remove(let number, let revision):
            request(node, life: life) {
                self.put(nil, node: number, expecting: revision)
            } answer: {
                $0.removed(node: number, $1, $2)
            }
        case .read(let number):
            guard now >= bucket.isElectingUntil, node.isReachable else { return }
            let record = bucket.records[number] ?? (0, nil)
            after(delay()) {
                self.handle(node, life: life) {
                    $0.record(node: number, revision: record.revision, value: record.value, $1)
                }
            }
        case .refuse(let reason): refusals.append("node-\(node.index): \(reason)")
        }
    }

    private func publish(_ heartbeat: Heartbeat, _ sender: SimulatedNode) {
        guard sender.canSend, sender.isRegistered else { return }
        for node in nodes where !node.deafTo.contains(sender.index) {
            guard node.canReceive, node.isRegistered, !isLost() else { continue }
            let life = node.life
            // Octets, so that they are what is heard.
            guard let heard = Heartbeat(heartbeat.octets) else { return find(sender, "sends what is no heartbeat") }
            after(delay()) { self.handle(node, life: life) { $0.heard(heard, $1) } }
        }
    }

    private func ask(_ number: Int, _ node: SimulatedNode, life: Int) {
        guard node.isReachable, node.isRegistered else { return }
        let listens = nodes.contains { $0.isRegistered && $0.membership?.member?.node == number }
        guard !listens else { return }
        after(delay()) { self.handle(node, life: life) { $0.noResponders(node: number, $1) } }
    }

    private func put(_ value: ByteBuffer?, node: Int, expecting revision: UInt64) -> AppendAnswer {
        guard let stored = bucket.put(value, node: node, expecting: revision) else { return .sequenceIsAnother }
        for watcher in nodes { tellRecord(node, stored, value, watcher, life: watcher.life) }
        return .stored(stored)
    }

    /// The watch goes on until it has told.
    private func tellRecord(_ node: Int, _ revision: UInt64, _ value: ByteBuffer?, _ watcher: SimulatedNode, life: Int)
    {
        after(delay()) {
            guard watcher.life == life else { return }
            guard watcher.canReceive else {
                return self.after(200) { self.tellRecord(node, revision, value, watcher, life: life) }
            }
            self.handle(watcher, life: life) { $0.record(node: node, revision: revision, value: value, $1) }
        }
    }

    private func request(
        _ node: SimulatedNode,
        life: Int,
        _ body: @escaping () -> AppendAnswer,
        answer: @escaping (inout Membership, AppendAnswer, NIODeadline) -> Void
    ) {
        let silence = { self.after(500) { self.handle(node, life: life) { answer(&$0, .noAnswer(.timedOut), $1) } } }
        guard node.canSend, node.isRegistered, !isLost() else { return silence() }
        after(delay()) {
            guard self.now >= self.bucket.isElectingUntil else { return silence() }
            let result = body()
            guard node.canReceive, !self.isLost() else { return silence() }
            self.after(self.delay()) { self.handle(node, life: life) { answer(&$0, result, $1) } }
        }
    }

    func elect(for milliseconds: Int) {
        bucket.isElectingUntil = max(bucket.isElectingUntil, now + milliseconds)
        log.append("\(now) the bucket is without a leader for \(milliseconds)")
    }

    // MARK: What must hold

    private func hear(_ event: MembershipEvent, _ node: SimulatedNode) {
        say(node, "\(event)")
        switch event {
        case .admitted(let member):
            node.leaseEnd = .distantPast
            (node.known, node.suspected) = ([:], [])
            holds(
                "\(member.node) is given to another while its run lives",
                node
            ) { $0.index != node.index && $0.membership?.member?.node == member.node }
        case .isolated:
            isolations += 1
            (node.known, node.suspected) = ([:], [])
        case .joined(let member):
            if node.known[member.node] != nil { find(node, "is told of a run before the end of the one before") }
            if node.membership?.member == nil { find(node, "is told of others while it is no member") }
            node.known[member.node] = member
        case .died(let member):
            deaths += 1
            if node.known.removeValue(forKey: member.node) != member {
                find(node, "is told of the end of what it does not know")
            }
            node.suspected.remove(member.node)
            holds("\(member.node) is counted dead while its run lives", node) {
                $0.membership?.member?.node == member.node && $0.membership?.member?.run == member.run
            }
        case .suspected(let number):
            if !node.suspected.insert(number).inserted { find(node, "suspects twice") }
            guard let run = node.known[number]?.run else { return }
            for other in nodes where other.membership?.member?.node == number && other.membership?.member?.run == run {
                // Two that do not hear each other know that of each other.
                let own = node.membership?.member?.node
                if other.time(now) < other.leaseEnd, own.map({ !other.suspected.contains($0) }) ?? true {
                    find(node, "suspects \(number) while that has its lease")
                }
            }
        case .trusted(let number):
            if node.suspected.remove(number) == nil { find(node, "trusts whom it did not suspect") }
        case .retiring(let number):
            if node.known[number] == nil { find(node, "is told of the retirement of whom it does not know") }
        }
    }

    /// Nobody may be so, except who is paused, and finds out first of all.
    private func holds(_ rule: String, _ node: SimulatedNode, _ isBroken: (SimulatedNode) -> Bool) {
        for other in nodes where isBroken(other) {
            if other.isPaused { other.mustBeIsolated = true } else { find(node, "\(rule): node-\(other.index)") }
        }
    }

    /// After all is healed everybody knows everybody, and nobody else.
    func checkAgreement() {
        let members = nodes.compactMap { node in node.membership?.member.map { (node, $0) } }
        if members.count != nodes.count {
            findings.append("\(now) only \(members.count) of \(nodes.count) are members")
        }
        for (node, own) in members {
            let expected = members.map(\.1).filter { $0 != own }.sorted { $0.node < $1.node }
            let known = node.known.values.sorted { $0.node < $1.node }
            if known != expected { find(node, "knows \(known.map(\.node)) of \(expected.map(\.node))") }
            if node.membership?.others != known { find(node, "was not told what it knows") }
            if !node.suspected.isEmpty { find(node, "suspects \(node.suspected)") }
            if node.membership?.holdsLease(node.time(now)) != true { find(node, "holds no lease") }
        }
        let records = bucket.records.filter { $0.value.value != nil }.keys.sorted()
        if records != members.map(\.1.node).sorted() { findings.append("\(now) records of \(records)") }
    }

    private func find(_ node: SimulatedNode, _ text: String) { findings.append("\(now) node-\(node.index) \(text)") }

    private func say(_ node: SimulatedNode, _ text: String) { log.append("\(now) node-\(node.index) \(text)") }
}
