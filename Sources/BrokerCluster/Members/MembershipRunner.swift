package import Logging
internal import Metrics
import NATSClient
package import NIOCore
import NIOPosix

/// The membership of this node in its cluster, on one event loop: `Membership` with a connection to NATS, a bucket, a clock and the data
/// folder. All methods are called on the loop, and all that it tells comes on the loop.
///
/// Heartbeats leave from this loop: one that is busy for 0.6 s at a time makes the node lose its lease.
package final class MembershipRunner {
    package let eventLoop: any EventLoop
    private let cluster: ClusterConfiguration
    private let memory: any MembershipMemory
    private let logger: Logger
    private let onEvent: (MembershipEvent) -> Void

    private var membership: Membership
    private var client: NATSClient?
    private var bucket: MemberBucket?
    private var watch: Replay?
    private var subjectOfNode: SubscriptionIdentifier?
    private var timer: Scheduled<Void>?
    private var timerDeadline = NIODeadline.distantFuture
    private var isCarryingOut = false
    private var isStopped = false
    /// Is called on the loop with the time until which the node has its lease, now and then, and before it is over.
    package var onLease: (NIODeadline) -> Void = { _ in }
    private var leaseTold = NIODeadline.distantPast
    /// By how much the lease has to be longer to be told.
    private static let leaseStep: TimeAmount = .milliseconds(50)

    private var doubt = ServerDoubt()

    private var joined: EventLoopPromise<Member>?
    private var leaving: EventLoopPromise<Void>?
    private var isDeletingOwn = false
    /// What stood in the way last, so that it is logged once.
    private var trouble: String?

    package private(set) var counters = MembershipCounters()
    private var reported = MembershipCounters()

    /// What a member brings along beside its data folder and configuration.
    package struct Node: Sendable {
        /// Event loops, 1 to 32.
        package var shards: Int
        /// Where relayed QUIC datagrams are taken, if they are.
        package var relay: Member.RelayPlace?
        /// The newest version of frames and batches that the node reads.
        package var format: Int

        package init(shards: Int, relay: Member.RelayPlace? = nil, format: Int = 1) {
            self.shards = shards
            self.relay = relay
            self.format = format
        }
    }

    /// - Parameter onEvent: is called on the loop.
    package init(
        _ cluster: ClusterConfiguration,
        _ node: Node,
        memory: any MembershipMemory,
        on eventLoop: any EventLoop,
        logger: Logger,
        onEvent: @escaping (MembershipEvent) -> Void
    ) {
        self.cluster = cluster
        self.memory = memory
        self.eventLoop = eventLoop
        self.logger = logger
        self.onEvent = onEvent
        let identity = NodeIdentity(
            token: memory.token,
            number: cluster.number,
            earlierNumber: memory.number(in: cluster.name),
            start: memory.start,
            sender: .random(in: 0 ... .max),
            name: cluster.nodeName,
            shards: node.shards,
            relay: node.relay,
            format: node.format
        )
        membership = Membership(identity, MembershipTimes(deadAfter: cluster.deadAfter))
    }

    // MARK: The owner

    /// Connects, and becomes a member, for as long as that takes.
    ///
    /// - Returns: the first run. It fails with `ClusterFailure` if servers, configuration or number make it impossible.
    package func start() -> EventLoopFuture<Member> {
        let promise = eventLoop.makePromise(of: Member.self)
        joined = promise
        do {
            var nats = cluster.nats(for: "members")
            // This is the connection that answers. It knows by the echoes of heartbeats whether its own server is cut off.
            nats.connection.presence = nil
            let client = try NATSClient(nats, on: eventLoop) { [weak self] in self?.take($0) }
            guard let heartbeats = Subject("martlet.\(cluster.name).heartbeat") else { throw ClusterFailure.unusable }
            bucket = try MemberBucket(cluster.name, client)
            self.client = client
            _ = client.subscribe(heartbeats) { [weak self] in self?.hear($0) }
            if let presence = cluster.presence {
                _ = client.subscribe(presence) { [weak client] question in
                    guard let replyTo = question.replyTo else { return }
                    try? client?.publish(Publication(subject: replyTo))
                }
            }
            client.start()
            advance()
        } catch {
            fail(error as? ClusterFailure ?? ClusterFailure(description: "cluster: \(error)"))
        }
        return promise.futureResult
    }

    /// Tells the others that this node is about to leave, so that they take its lanes.
    package func retire() {
        guard !isStopped else { return }
        membership.retire(.now())
        carryOut()
    }

    /// Ends the run by this node's own will: tells the others, deletes the record, and disconnects.
    package func leave() -> EventLoopFuture<Void> {
        guard leaving == nil, !isStopped else { return stop() }
        let promise = eventLoop.makePromise(of: Void.self)
        leaving = promise
        membership.leave(.now())
        carryOut()
        if !isDeletingOwn { hasLeft() }
        return promise.futureResult
    }

    /// Disconnects without leaving, as if the process ended.
    package func stop() -> EventLoopFuture<Void> {
        isStopped = true
        timer?.cancel()
        watch?.stop()
        bucket?.stop()
        joined?.fail(ClusterFailure(description: "stopped before it was a member of the cluster"))
        joined = nil
        return client?.stop() ?? eventLoop.makeSucceededVoidFuture()
    }

    /// This node's own run, while it is a member.
    package var member: Member? { membership.member }

    /// The other members.
    package var others: [Member] { membership.others }

    package func isSuspected(_ node: Int) -> Bool { membership.isSuspected(node) }

    package func isRetiring(_ node: Int) -> Bool { membership.isRetiring(node) }

    /// Tells the other members how many connections of clients this node has.
    package func tell(clients: Int) { membership.clients = clients }

    /// The connections of clients at each other member that is heard of and tells them.
    package var clientsOfOthers: [Int] { membership.clientsOfOthers }

    /// See `Membership.silence`.
    package func silence(of node: Int) -> TimeAmount? { membership.silence(of: node, .now()) }

    /// The connection to NATS.
    package var nats: NATSStatus { NATSStatus(of: client, for: "members") }

    /// Tells the others from now on which secrets this node knows.
    package func tell(secrets: [UInt64]) { membership.secrets = secrets }

    /// See `Membership.isKnownToAll`; false while this node is no member.
    package func isKnownToAll(secret: UInt64) -> Bool { member != nil && membership.isKnownToAll(secret: secret) }

    /// See `Membership.holdsLease`.
    package var holdsLease: Bool { membership.holdsLease(.now()) }

    /// Adds the growth of the counters since the last call to the counters `martlet_members_NAME_total`, and sets the gauges
    /// `martlet_members` (this node included), `martlet_members_suspected`, `martlet_members_lease` and `martlet_members_connected`.
    package func reportMetrics() {
        for (name, path) in MembershipCounters.names {
            let grown = counters[keyPath: path] - reported[keyPath: path]
            if grown > 0 { Counter(label: "martlet_members_\(name)_total").increment(by: grown) }
        }
        reported = counters
        let others = others
        Gauge(label: "martlet_members").record(others.count + (member == nil ? 0 : 1))
        Gauge(label: "martlet_members_suspected").record(others.count { isSuspected($0.node) })
        Gauge(label: "martlet_members_lease").record(holdsLease ? 1 : 0)
        Gauge(label: "martlet_members_connected").record(client?.isReady == true ? 1 : 0)
    }

    // MARK: NATS

    private func take(_ event: ClientEvent) {
        guard !isStopped else { return }
        switch event {
        case .ready(let info, let address):
            logger.info("connected to NATS", metadata: ["server": "\(info.name)", "address": "\(address)"])
            trouble = nil
            membership.connected(.now())
            if watch == nil { prepare() }
        case .disconnected(let failure, let address):
            counters.disconnections += 1
            membership.disconnected(.now())
            if failure.isLasting, joined != nil {
                fail(ClusterFailure(description: "cluster.servers: \(address): \(failure)"))
            } else {
                note("\(address): \(failure)")
            }
        case .complained(let text): note(text)
        }
        carryOut()
    }

    private var isPreparing = false

    private func prepare() {
        guard !isPreparing else { return }
        isPreparing = true
        bucket?.prepare { [weak self] in
            self?.note($0)
        } done: { [weak self] failure in
            guard let self, !isStopped else { return }
            isPreparing = false
            if let failure { return fail(failure) }
            beginWatch()
        }
    }

    private func beginWatch() {
        watch = bucket?.watch { [weak self] node, revision, value in
            self?.membership.record(node: node, revision: revision, value: value, .now())
            self?.carryOut()
        } onCurrent: { [weak self] in
            self?.membership.recordsAreCurrent(.now())
            self?.carryOut()
        } onLost: { [weak self] in
            guard let self else { return }
            logger.error("the bucket of the cluster's members is gone, and is made again")
            watch = nil
            membership.recordsAreLost(.now())
            carryOut()
            prepare()
        }
    }

    private func hear(_ publication: Publication) {
        guard let heartbeat = Heartbeat(publication.payload) else {
            counters.malformed += 1
            return
        }
        counters.heartbeatsReceived += 1
        membership.heard(heartbeat, .now())
        carryOut()
        guard let end = membership.leaseEnd(.now()), end >= leaseTold + Self.leaseStep else { return }
        leaseTold = end
        onLease(end)
    }

    // MARK: What the membership wants

    private func carryOut() {
        guard !isCarryingOut else { return }
        isCarryingOut = true
        while !isStopped {
            let effects = membership.takeEffects()
            guard !effects.isEmpty else { break }
            for effect in effects where !isStopped { carryOut(effect) }
        }
        isCarryingOut = false
        setTimer()
    }

    private func carryOut(_ effect: MembershipEffect) {
        switch effect {
        case .tell(let event): tell(event)
        case .publish(let heartbeat):
            guard let subject = Subject("martlet.\(cluster.name).heartbeat") else { return }
            counters.heartbeatsSent += 1
            try? client?.publish(Publication(to: subject, payload: heartbeat.octets))
        case .ask(let node): ask(node)
        case .remember(let node, let run): remember(node, run)
        case .write(let record, let revision, let attempt):
            counters.writes += 1
            bucket?.write(record, expecting: revision) { [weak self] answer in
                if case .refused(let error) = answer { self?.note("the record of this node is refused: \(error)") }
                self?.membership.written(attempt: attempt, answer, .now())
                self?.carryOut()
            }
        case .remove(let node, let revision): remove(node, revision)
        case .read(let node):
            bucket?.read(node) { [weak self] revision, value in
                self?.membership.record(node: node, revision: revision, value: value, .now())
                self?.carryOut()
            }
        case .refuse(let reason): fail(ClusterFailure(description: "cluster: \(reason)"))
        }
    }

    private func tell(_ event: MembershipEvent) {
        switch event {
        case .admitted(let member):
            counters.admissions += 1
            logger.notice(
                "a member of the cluster",
                metadata: ["cluster": "\(cluster.name)", "number": "\(member.node)", "run": "\(member.run)"]
            )
            listen(as: member)
            joined?.succeed(member)
            joined = nil
        case .isolated:
            counters.isolations += 1
            logger.error("cut off from the cluster, paused, or removed from it: this node's run is over")
            if let subjectOfNode { client?.unsubscribe(subjectOfNode) }
            subjectOfNode = nil
        case .joined(let member):
            logger.notice("a node has joined", metadata: ["number": "\(member.node)", "name": "\(member.name)"])
        case .died(let member):
            counters.deaths += 1
            logger.notice("a node's run is over", metadata: ["number": "\(member.node)", "name": "\(member.name)"])
        case .suspected(let node):
            counters.suspicions += 1
            logger.warning("a node is not heard of", metadata: ["number": "\(node)"])
        case .retiring(let node): logger.notice("a node is about to leave", metadata: ["number": "\(node)"])
        case .trusted(let node): logger.notice("a node is heard of again", metadata: ["number": "\(node)"])
        }
        onEvent(event)
    }

    private func subject(of node: Int) -> Subject? { Subject("martlet.\(cluster.name).node.\(node)") }

    /// Answers the others' question whether this node's connection is there.
    private func listen(as member: Member) {
        guard let subject = subject(of: member.node) else { return }
        subjectOfNode = client?.subscribe(subject) { [weak self] question in
            guard let replyTo = question.replyTo else { return }
            try? self?.client?.publish(Publication(subject: replyTo))
        }
    }

    private func ask(_ node: Int) {
        guard let client, let subject = subject(of: node) else { return }
        client.request(Publication(to: subject)).assumeIsolated().whenSuccess { [weak self] reply in
            guard let self, case .noResponders = reply else { return }
            membership.noResponders(node: node, .now())
            carryOut()
        }
    }

    private func remember(_ node: Int, _ run: UInt64) {
        let (memory, cluster) = (memory, cluster.name)
        let loopBound = NIOLoopBound(self, eventLoop: eventLoop)
        NIOThreadPool.singleton.runIfActive(eventLoop: eventLoop) {
            try memory.remember(number: node, run: run, in: cluster)
        }.whenComplete { result in
            let runner = loopBound.value
            guard !runner.isStopped else { return }
            switch result {
            case .success: runner.membership.remembered(.now())
            case .failure(let error): runner.membership.notRemembered("\(error)", .now())
            }
            runner.carryOut()
        }
    }

    /// How long a node that leaves tries to delete its record, if the stream has no leader. The others delete it otherwise.
    private static let leaveTimeout: TimeAmount = .seconds(1)

    private func remove(_ node: Int, _ revision: UInt64) {
        let isOwn = leaving != nil
        isDeletingOwn = isOwn
        let deadline = isOwn ? NIODeadline.now() + Self.leaveTimeout : nil
        bucket?.remove(node, expecting: revision, until: deadline) { [weak self] answer in
            guard let self else { return }
            if isOwn { return hasLeft() }
            membership.removed(node: node, answer, .now())
            carryOut()
        }
    }

    private func hasLeft() {
        guard !isStopped else { return }
        stop().cascade(to: leaving)
    }

    // MARK: Time

    private func setTimer() {
        guard !isStopped else { return }
        let deadline = membership.nextDeadline
        // A timer that fires too early looks again.
        guard deadline < timerDeadline else { return }
        timer?.cancel()
        timerDeadline = deadline
        let loopBound = NIOLoopBound(self, eventLoop: eventLoop)
        timer = eventLoop.scheduleTask(deadline: deadline) { loopBound.value.advance() }
    }

    private func advance() {
        timerDeadline = .distantFuture
        membership.advance(.now())
        carryOut()
        lookWhetherCutOff(.now())
    }

    /// Goes to another server if this one seems to be cut off from the others.
    private func lookWhetherCutOff(_ now: NIODeadline) {
        let others = others
        let step = doubt.look(
            isAlone: client?.isReady != true || others.isEmpty,
            holdsLease: membership.holdsLease(now),
            isSomebodySilent: others.contains { isSuspected($0.node) },
            now
        )
        carryOut(step)
    }

    private func carryOut(_ step: ServerDoubt.Step) {
        switch step {
        case .nothing: return
        case .leave: client?.leaveCutOffServer()
        case .ask:
            bucket?.ask(timeout: ServerDoubt.answerTimeout) { [weak self] hasAnswered in
                guard let self, !isStopped else { return }
                carryOut(doubt.answered(hasAnswered, .now()))
            }
        }
    }

    // MARK: Trouble

    /// Before the node was a member at all it ends the attempt; later the node goes on trying.
    private func fail(_ failure: ClusterFailure) {
        guard let joined else {
            return logger.error("not a member of the cluster", metadata: ["reason": "\(failure)"])
        }
        self.joined = nil
        joined.fail(failure)
        _ = stop()
    }

    private func note(_ text: String) {
        guard trouble != text else { return }
        trouble = text
        logger.warning("trouble with NATS", metadata: ["reason": "\(text)"])
    }
}

extension ClusterFailure {
    fileprivate static let unusable = ClusterFailure(description: "cluster.name cannot be part of a subject")
}
