import BrokerCluster
import Glibc
import Logging
import MQTTBroker
import Metrics
import NIOCore
import NIOPosix
import QUICTransport

/// The part of this node in its cluster: who else is a member, the links to them, and which lanes this node leads.
///
/// Confined to the first event loop of the node, where the membership is; what is of another loop is told there.
final class NodeCluster {
    let configuration: ClusterConfiguration
    private let metricsInterval: TimeAmount
    let eventLoop: any EventLoop
    private let logger: Logger
    /// Says how this node is, should another one ask.
    private let status: @Sendable () async -> NodeStatus?
    private(set) var membership: MembershipRunner?
    private(set) var questions: NodeQuestions?
    private var shards: ShardGroup?
    private var parts: [NIOLoopBound<ShardCluster>] = []
    /// What the membership has told before the shards were there.
    private var early: [MembershipEvent] = []
    /// This node's run; `nil` while it is no member.
    private var own: Member?
    /// The number that this node had first.
    private(set) var number: Int?
    private var members: [Int: Member] = [:]
    private var suspected: Set<Int> = []
    /// Lanes that are being taken.
    private var taking: Set<Int> = []
    /// Lanes that could not be taken, or were lost, are left alone until then.
    private var waiting: [Int: NIODeadline] = [:]
    private var admitted = NIODeadline.now()
    /// When something was heard of the members last.
    private var changed = NIODeadline.now()
    private var timers: [RepeatedTask] = []
    /// True if clients were let go a second ago.
    private var isBalancing = false
    private var rotation: SecretRotation
    /// What stood in the way of reading the secrets last, so that it is logged once.
    private var secretTrouble: String?
    /// Gives QUIC listeners and the relay other keys; `nil` before they are there.
    private var onRing: ((KeyRing) -> EventLoopFuture<Void>)?
    /// `nil` before lanes are led.
    private var spaceWatch: SpaceWatch?
    /// Lanes of this node that JetStream has no space for.
    private var fullLanes: Set<Int> = []
    /// Why nothing new is kept; `nil` while it is.
    private var suspension: Suspension?
    /// `nil` without QUIC listeners.
    private var relay: NodeRelay?
    /// Runs that are over, the newest last.
    private var dead: [RelayNode] = []
    /// The last run of each node that is no member any more, by its number, and since when it is over.
    private(set) var departed: [Int: (member: Member, since: NIODeadline)] = [:]

    /// How often it is looked which lanes this node is to lead.
    static let interval = TimeAmount.milliseconds(100)
    /// How long a node that has just become a member waits for others that start with it, before it takes lanes.
    static let settling = TimeAmount.seconds(1)
    /// Lanes that are taken at a time from nodes that serve them.
    static let movesAtOnce = 4
    /// How long nothing has to be heard of nodes that come, go or are silent before lanes are taken from nodes that serve them.
    static let calm = TimeAmount.seconds(3)
    /// How long a node is remembered that is no member any more.
    static let memory = TimeAmount.hours(1)
    /// How long a lane is left alone that could not be taken.
    static let pause = TimeAmount.milliseconds(300)

    /// - Parameters:
    ///   - metricsInterval: time from one report to the metrics system to the next.
    ///   - status: says how this node is.
    init(
        _ configuration: ClusterConfiguration,
        metricsInterval: TimeAmount,
        on eventLoop: any EventLoop,
        logger: Logger,
        status: @escaping @Sendable () async -> NodeStatus?
    ) {
        self.configuration = configuration
        rotation = SecretRotation(configuration.secrets)
        self.metricsInterval = metricsInterval
        self.eventLoop = eventLoop
        self.logger = logger
        self.status = status
    }

    // MARK: - The start

    /// Becomes a member of the cluster, for as long as that takes.
    ///
    /// - Throws: `ClusterFailure`.
    func join(_ node: MembershipRunner.Node, memory: any MembershipMemory) -> EventLoopFuture<Member> {
        let membership = MembershipRunner(configuration, node, memory: memory, on: eventLoop, logger: logger) {
            [weak self] in self?.heard($0)
        }
        self.membership = membership
        do {
            let nats = configuration.nats(for: "questions")
            let questions = try NodeQuestions(configuration.name, nats: nats, on: eventLoop)
            questions.answer(NodeStatusQuestion.self) { [status] _ in await status() }
            questions.start()
            self.questions = questions
        } catch {
            return eventLoop.makeFailedFuture(error)
        }
        return membership.start()
    }

    /// Gives each shard its links and its lanes, and begins to lead lanes.
    ///
    /// - Parameter parts: one for each event loop.
    func begin(_ shards: ShardGroup, _ parts: [NIOLoopBound<ShardCluster>]) {
        self.shards = shards
        self.parts = parts
        let events = early
        early = []
        for event in events { heard(event) }
        watchSpace()
        membership?.onLease = { [weak self] end in self?.tellLease(until: end) }
        let loopBound = NIOLoopBound(self, eventLoop: eventLoop)
        timers = [
            eventLoop.scheduleRepeatedTask(initialDelay: Self.interval, delay: Self.interval) { _ in
                loopBound.value.takeLanes()
            },
            eventLoop.scheduleRepeatedTask(initialDelay: .seconds(1), delay: .seconds(1)) { _ in
                loopBound.value.countClients()
            },
            eventLoop.scheduleRepeatedTask(initialDelay: metricsInterval, delay: metricsInterval) { _ in
                loopBound.value.report()
            },
        ]
    }

    private func tellLease(until end: NIODeadline) {
        if own != nil { tellShard { $0.renewLease(until: end, now: .now()) } }
    }

    private func watchSpace() {
        guard let part = parts.first?.value else { return }
        let loopBound = NIOLoopBound(self, eventLoop: eventLoop)
        spaceWatch = SpaceWatch(part.lanes) { _ in loopBound.value.tellSpace() }
        spaceWatch?.start()
    }

    /// A lane of this node is doing well, or not.
    func heard(of lane: Int, _ health: LaneHealth) {
        if case .full(let reason) = health {
            guard fullLanes.insert(lane).inserted else { return }
            logger.error("JetStream has no space for a lane", metadata: ["lane": "\(lane)", "reason": "\(reason)"])
        } else {
            guard fullLanes.remove(lane) != nil else { return }
        }
        tellSpace()
    }

    /// Tells the shards how full the streams are, and that nothing new is to be kept while that is too full.
    private func tellSpace() {
        guard let shards, let space = spaceWatch?.space else { return }
        let suspension: Suspension? = !fullLanes.isEmpty ? .disk : space.isFull ? .space : nil
        if suspension != self.suspension {
            self.suspension = suspension
            switch suspension {
            case nil: logger.notice("JetStream has space again")
            case .space:
                logger.error(
                    "a stream of JetStream is full but for what is reserved: new messages for durable sessions are refused"
                )
            case .disk: logger.error("JetStream stores nothing: messages for durable sessions are refused")
            }
        }
        for shard in 0..<shards.count { shards.with(shard) { $0.learned(space, suspension) } }
    }

    // MARK: - Secrets

    /// How often the file of secrets is read again.
    static let secretInterval = TimeAmount.seconds(2)

    /// The QUIC listeners and the relay are there: they are given keys from here on, on all loops.
    func useKeys(_ body: @escaping @Sendable (KeyRing) -> EventLoopFuture<Void>) {
        onRing = body
        giveKeys()
        let loopBound = NIOLoopBound(self, eventLoop: eventLoop)
        timers.append(
            eventLoop.scheduleRepeatedTask(initialDelay: Self.secretInterval, delay: Self.secretInterval) { _ in
                loopBound.value.readSecrets()
            }
        )
    }

    /// Gives all loops the keys of the secrets that are known, and then tells the other nodes that this one knows them.
    private func giveKeys() {
        guard let onRing else { return }
        let fingerprints = rotation.fingerprints
        onRing(rotation.ring).hop(to: eventLoop).assumeIsolated().whenComplete { result in
            switch result {
            case .success: self.membership?.tell(secrets: fingerprints)
            case .failure(let error):
                self.logger.error("the keys of the cluster's secret cannot be used", metadata: ["reason": "\(error)"])
            }
        }
    }

    private func readSecrets() {
        guard let path = configuration.secretFile else { return }
        let loopBound = NIOLoopBound(self, eventLoop: eventLoop)
        NIOThreadPool.singleton.runIfActive(eventLoop: eventLoop) {
            try NodeSecret.readAll(path, key: "cluster.secret_file")
        }.whenComplete { loopBound.value.read($0) }
    }

    private func read(_ result: Result<[[UInt8]], any Error>) {
        switch result {
        case .failure(let error):
            if secretTrouble != "\(error)" {
                secretTrouble = "\(error)"
                logger.error("the cluster's secrets stay as they are", metadata: ["reason": "\(error)"])
            }
        case .success(let secrets):
            secretTrouble = nil
            if rotation.learn(secrets) {
                logger.notice("the cluster's secrets are read again", metadata: ["secrets": "\(secrets.count)"])
                giveKeys()
            }
            guard rotation.choose(isKnownToAll: { membership?.isKnownToAll(secret: $0) ?? false }) else { return }
            logger.notice("all nodes know a newer secret of the cluster, which is used from now on")
            giveKeys()
        }
    }

    /// The relay is told the members from here on.
    func use(_ relay: NodeRelay) { self.relay = relay }

    private func updateRelay() {
        relay?.update(ClusterRelay.membership(own: own, members.values, suspected: suspected, dead: dead))
    }

    /// Leaves the cluster: the other nodes take this one's lanes at once.
    func leave() -> EventLoopFuture<Void> {
        for timer in timers { timer.cancel() }
        timers = []
        spaceWatch?.stop()
        shards = nil
        let left = membership?.leave() ?? eventLoop.makeSucceededVoidFuture()
        let asking = questions?.stop() ?? eventLoop.makeSucceededVoidFuture()
        let (parts, eventLoop) = (parts, eventLoop)
        return left.flatMap {
            let stopped = parts.map { part in part.eventLoop.flatSubmit { part.value.stop() } }
            return EventLoopFuture.andAllComplete(stopped + [asking], on: eventLoop)
        }
    }

    // MARK: - Members

    private func heard(_ event: MembershipEvent) {
        guard shards != nil else {
            early.append(event)
            return
        }
        defer { updateRelay() }
        changed = .now()
        switch event {
        case .admitted(let member): beAdmitted(member)
        case .isolated: beIsolated()
        case .joined(let member): joined(member)
        case .died(let member):
            dead = dead.suffix(ClusterRelay.maximumDead - 1) + [ClusterRelay.node(member)]
            departed = departed.filter { .now() < $0.value.since + Self.memory }
            departed[member.node] = (member, .now())
            died(member.node)
        case .suspected(let node):
            suspected.insert(node)
            tellShard { $0.suspected(node: node, true, now: .now()) }
            takeLanes()
        case .trusted(let node):
            suspected.remove(node)
            tellShard { $0.suspected(node: node, false, now: .now()) }
        }
    }

    private func beAdmitted(_ member: Member) {
        if let number, number != member.node {
            logger.critical("another node has taken this one's number, and the process ends to take another")
            raise(SIGTERM)
        }
        number = member.node
        own = member
        admitted = .now()
        questions?.begin(as: member)
        onEachPart {
            $0.links.begin(as: member)
            $0.lanes.begin(as: member)
        }
    }

    /// The others count this node's run as over: nothing is done in their name, and nothing of theirs is kept.
    private func beIsolated() {
        own = nil
        questions?.end()
        onEachPart {
            $0.links.end()
            $0.lanes.end()
        }
        for node in members.keys.sorted() { forget(node) }
        for shard in 0..<(shards?.count ?? 0) { shards?.with(shard) { $0.loseAllLanes() } }
        members = [:]
        suspected = []
        taking = []
    }

    private func joined(_ member: Member) {
        members[member.node] = member
        departed[member.node] = nil
        suspected.remove(member.node)
        // The shards know the node before anything comes from it.
        tellShard { $0.joined(node: member.node, shards: member.shards, now: .now()) }
        onEachPart { $0.links.open(to: member) }
        admitted = max(admitted, .now() - Self.settling + Self.interval * 3)
    }

    private func died(_ node: Int) {
        members[node] = nil
        suspected.remove(node)
        forget(node)
        takeLanes()
    }

    private func forget(_ node: Int) {
        onEachPart { $0.links.close(to: node) }
        tellShard { $0.died(node: node, now: .now()) }
    }

    /// A link to a node has lost messages: what this node knows of that one is told anew.
    func linkReset(_ node: Int) {
        guard let member = members[node] else { return }
        logger.error("a link to a node of the cluster has lost messages", metadata: ["number": "\(node)"])
        tellShard { $0.relearn(node: node, shards: member.shards, now: .now()) }
    }

    /// Tells shard 0, which tells the others.
    private func tellShard(_ body: @escaping @Sendable (inout Shard) -> Void) {
        shards?.with(0) { $0.change(body) }
    }

    private func onEachPart(_ body: @escaping @Sendable (ShardCluster) -> Void) {
        for part in parts { part.eventLoop.execute { body(part.value) } }
    }

    // MARK: - Lanes

    /// Takes the lanes that this node is to lead: at once those that no node leads which is heard of, and then, few at a time, those that others
    /// have led since before this node was there. Their clients notice nothing.
    private func takeLanes() {
        guard let own, let shards, NIODeadline.now() >= admitted + Self.settling else { return }
        let living = members.keys.filter { !self.suspected.contains($0) } + [own.node]
        let wanted = (0..<Lane.count).filter { Rendezvous.node(for: $0, among: living) == own.node }
        let suspected = suspected
        let loopBound = NIOLoopBound(self, eventLoop: eventLoop)
        shards.with(0) { runner in
            // The first event loop is that of the first shard.
            guard runner.shard.knowsNeighbours else { return }
            var free: [Int] = []
            var served: [Int] = []
            for lane in wanted {
                guard let leader = runner.shard.lead(ofLane: lane) else {
                    free.append(lane)
                    continue
                }
                if leader.node == own.node { continue }
                if suspected.contains(leader.node) { free.append(lane) } else { served.append(lane) }
            }
            loopBound.value.take(free, served)
        }
    }

    /// - Parameters:
    ///   - free: lanes that this node is to lead and that no node leads.
    ///   - served: lanes that this node is to lead and that another one leads.
    private func take(_ free: [Int], _ served: [Int]) {
        taking = taking.filter { free.contains($0) || served.contains($0) }
        for lane in free { take(lane) }
        if !free.isEmpty || .now() < changed + Self.calm { return }
        for lane in served where taking.count < Self.movesAtOnce { take(lane) }
    }

    private func take(_ lane: Int) {
        let now = NIODeadline.now()
        guard !taking.contains(lane), waiting[lane] ?? now <= now else { return }
        taking.insert(lane)
        shards?.with(lane % parts.count) { $0.take(lane) }
    }

    /// A lane could not be taken, or is not led any more.
    func freed(_ lane: Int, _ failure: LaneFailure) {
        taking.remove(lane)
        waiting[lane] = .now() + Self.pause
        var level = Logger.Level.warning
        if case .fenced = failure { level = .info }
        logger.log(level: level, "a lane is not led", metadata: ["lane": "\(lane)", "reason": "\(failure)"])
    }

    // MARK: - Clients

    /// Tells the other nodes how many clients this one has, and lets some go if these are far more than the others have.
    private func countClients() {
        guard let shards else { return }
        let counts = EventLoopFuture.whenAllSucceed(shards.onEach { $0.shard.connectionCount }, on: eventLoop)
        counts.assumeIsolated().whenSuccess { self.balance($0) }
    }

    /// - Parameter counts: the connections of each shard.
    private func balance(_ counts: [Int]) {
        guard let shards, let membership, own != nil else { return }
        let clients = counts.reduce(0, +)
        membership.tell(clients: clients)
        var left = 0
        if suspected.isEmpty, .now() >= changed + Self.calm {
            left = configuration.balance.clientsToLetGo(
                own: clients,
                others: membership.clientsOfOthers,
                isUnderWay: isBalancing
            )
        }
        if left > 0, !isBalancing {
            logger.notice("lets clients go, which other nodes have fewer of", metadata: ["clients": "\(clients)"])
        }
        isBalancing = left > 0
        // Of each shard its share.
        for (shard, count) in counts.enumerated() where left > 0 {
            let share = (left * count + clients - 1) / max(1, clients)
            if share > 0 { shards.with(shard) { $0.change { $0.letGo(clients: share, now: .now()) } } }
        }
    }

    // MARK: - Metrics

    /// Reports the members, and of each event loop its links and lanes.
    private func report() {
        membership?.reportMetrics()
        for (stream, filling) in (spaceWatch?.space.fillings ?? []).enumerated() {
            let dimensions = [("stream", "\(stream)")]
            Gauge(label: "martlet_lanes_stream_octets", dimensions: dimensions).record(filling.octets)
            Gauge(label: "martlet_lanes_stream_maximum_octets", dimensions: dimensions).record(filling.maximum)
        }
        questions?.reportMetrics()
        onEachPart { part in
            let dimensions = [("shard", "\(part.links.shard)")]
            part.links.reportMetrics(dimensions: dimensions)
            part.lanes.reportMetrics(dimensions: dimensions)
        }
    }
}
