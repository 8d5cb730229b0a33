import BrokerCluster
import Logging
import MQTTBroker
import Metrics
import NIOCore
import QUICTransport

/// The part of this node in its cluster: who else is a member, the links to them, and which lanes this node leads.
///
/// Confined to the first event loop of the node, where the membership is; what is of another loop is told there.
final class NodeCluster {
    let configuration: ClusterConfiguration
    private let metricsInterval: TimeAmount
    let eventLoop: any EventLoop
    let logger: Logger
    private let answers: @Sendable (NodeQuestions) -> Void
    private(set) var membership: MembershipRunner?
    private(set) var questions: NodeQuestions?
    private(set) var meta: MetaLane?
    var shards: ShardGroup?
    var parts: [NIOLoopBound<ShardCluster>] = []
    /// What the membership has told before the shards were there.
    var early: [MembershipEvent] = []
    /// This node's run; `nil` while it is no member.
    var own: Member?
    /// The number that this node had first.
    var number: Int?
    var members: [Int: Member] = [:]
    var suspected: Set<Int> = []
    /// Members that are about to leave.
    var retiring: Set<Int> = []
    /// True if this node is about to leave, and takes no lanes any more.
    var isRetiring = false
    /// Lanes that are being taken.
    var taking: Set<Int> = []
    /// Lanes that could not be taken, or were lost, are left alone until then.
    var waiting: [Int: NIODeadline] = [:]
    var admitted = NIODeadline.now()
    /// When something was heard of the members last.
    var changed = NIODeadline.now()
    var timers: [RepeatedTask] = []
    /// True if clients were let go a second ago.
    var isBalancing = false
    var rotation: SecretRotation
    /// What stood in the way of reading the secrets last, so that it is logged once.
    var secretTrouble: String?
    /// Gives QUIC listeners and the relay other keys; `nil` before they are there.
    var onRing: ((KeyRing) -> EventLoopFuture<Void>)?
    /// `nil` before lanes are led.
    var spaceWatch: SpaceWatch?
    /// Lanes of this node that JetStream has no space for.
    var fullLanes: Set<Int> = []
    /// Why nothing new is kept; `nil` while it is.
    var suspension: Suspension?
    /// `nil` without QUIC listeners.
    var relay: NodeRelay?
    /// Runs that are over, the newest last.
    var dead: [RelayNode] = []
    /// The last run of each node that is no member any more, by its number, and since when it is over.
    var departed: [Int: (member: Member, since: NIODeadline)] = [:]

    /// How often it is looked which lanes this node is to lead.
    static let interval = TimeAmount.milliseconds(100)

    /// - Parameters:
    ///   - metricsInterval: time from one report to the metrics system to the next.
    ///   - answers: lets this node answer questions of other nodes.
    init(
        _ configuration: ClusterConfiguration,
        metricsInterval: TimeAmount,
        on eventLoop: any EventLoop,
        logger: Logger,
        answers: @escaping @Sendable (NodeQuestions) -> Void
    ) {
        self.configuration = configuration
        rotation = SecretRotation(configuration.secrets)
        self.metricsInterval = metricsInterval
        self.eventLoop = eventLoop
        self.logger = logger
        self.answers = answers
    }

    // MARK: - The start

    /// Becomes a member of the cluster, and reads all records of its meta lane, for as long as that takes.
    ///
    /// - Throws: `ClusterFailure`.
    func join(_ node: MembershipRunner.Node, memory: any MembershipMemory) -> EventLoopFuture<Member> {
        if isRetiring { return eventLoop.makeFailedFuture(CancellationError()) }
        let membership = MembershipRunner(configuration, node, memory: memory, on: eventLoop, logger: logger) {
            [weak self] in self?.heard($0)
        }
        self.membership = membership
        do {
            let nats = configuration.nats(for: "questions")
            let questions = try NodeQuestions(configuration.name, nats: nats, on: eventLoop)
            answers(questions)
            questions.start()
            self.questions = questions
            let meta = try MetaLane(configuration.name, sharing: questions.client, logger: logger)
            meta.start()
            self.meta = meta
            let current = meta.whenCurrent()
            let joined = membership.start()
            // Nobody waits for the records then.
            joined.assumeIsolated().whenFailure { _ in meta.stop() }
            return joined.flatMap { member in current.map { member } }
        } catch {
            return eventLoop.makeFailedFuture(error)
        }
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

    /// Leaves the cluster: the other nodes take at once what lanes this one leads yet.
    func leave() -> EventLoopFuture<Void> {
        isRetiring = true
        for timer in timers { timer.cancel() }
        timers = []
        spaceWatch?.stop()
        meta?.stop()
        shards = nil
        let loopBound = NIOLoopBound(self, eventLoop: eventLoop)
        return tellRest()
            .flatMap { loopBound.value.membership?.leave() ?? loopBound.value.eventLoop.makeSucceededVoidFuture() }
            .flatMap { loopBound.value.stop() }
    }

    private func stop() -> EventLoopFuture<Void> {
        let stopped = parts.map { part in part.eventLoop.flatSubmit { part.value.stop() } }
        let asking = questions?.stop() ?? eventLoop.makeSucceededVoidFuture()
        return EventLoopFuture.andAllComplete(stopped + [asking], on: eventLoop)
    }

    // MARK: - The shards

    /// Tells shard 0, which tells the others.
    func tellShard(_ body: @escaping @Sendable (inout Shard) -> Void) {
        shards?.with(0) { $0.change(body) }
    }

    func onEachPart(_ body: @escaping @Sendable (ShardCluster) -> Void) {
        for part in parts { part.eventLoop.execute { body(part.value) } }
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
        meta?.reportMetrics()
        onEachPart { part in
            let dimensions = [("shard", "\(part.links.shard)")]
            part.links.reportMetrics(dimensions: dimensions)
            part.lanes.reportMetrics(dimensions: dimensions)
        }
    }
}
