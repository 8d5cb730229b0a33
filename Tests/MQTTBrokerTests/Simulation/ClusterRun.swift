import MQTTCodec
import NIOCore
import Testing

@testable import MQTTBroker

/// One seed of the simulation of a cluster: nodes are killed, stand still, are isolated and come back, lanes move from node to node and back,
/// and links deliver when they like, or begin anew.
final class ClusterRun {
    var random: SeededGenerator
    let broker: SimulatedBroker
    let publishers: [DurablePublisher]
    let subscribers: [DurableSubscriber]
    let roamer: Roamer
    let mortal: MortalClient
    let twins: Twins
    private(set) var visitors: [Visitor] = []
    private let lanes: [Int]
    /// Some seeds have what others do not, so that a fault of one kind does not hide those of another.
    let hasResets: Bool
    let hasSuspicion: Bool
    private let hasPauses: Bool
    private let mostTangled: Int
    private var states: [State]

    /// What has become of a node.
    private enum State {
        case serving
        case dead(isKnown: Bool)
        case paused(isBuried: Bool)
        case isolated
    }

    init(seed: UInt64, fault: ClusterFault? = nil) {
        random = SeededGenerator(seed: seed &* 31 &+ 7)
        hasResets = seed % 3 == 1
        hasSuspicion = seed % 5 == 2
        hasPauses = seed % 2 == 1
        mostTangled = seed % 4 == 3 ? 40 : 6
        var limits = Limits()
        limits.maximumQueueLength = 100_000
        limits.maximumInflight = 6
        broker = SimulatedBroker.cluster(
            nodes: Int.random(in: 2...4, using: &random),
            shards: Int.random(in: 1...3, using: &random),
            limits: limits,
            seed: seed,
            hasLongTicks: true,
            fault: fault
        )
        let cast = ClusterCast(broker: broker)
        publishers = cast.publishers
        subscribers = cast.subscribers
        lanes = cast.lanes
        roamer = Roamer(name: "roamer", broker: broker, publishers: publishers)
        mortal = MortalClient(name: "mortal", broker: broker)
        twins = Twins(broker: broker)
        states = Array(repeating: .serving, count: broker.cluster?.nodes ?? 0)
    }

    /// A shard of a node that serves.
    func seat() -> Int {
        let node = broker.livingNodes.randomElement(using: &random) ?? 0
        return broker.seats(of: node).randomElement(using: &random) ?? 0
    }

    func perform() throws {
        defer { broker.end() }
        begin()
        for _ in 0..<300 {
            step()
            read(answering: Bool.random(using: &random))
        }
        finish()
        check()
    }

    private func begin() {
        for publisher in publishers { publisher.connect(on: seat()) }
        for subscriber in subscribers { subscriber.connect(on: seat()) }
        roamer.connect(on: seat())
        broker.settle()
        for subscriber in subscribers { subscriber.subscribe() }
        broker.settle()
    }

    private func read(answering: Bool) {
        for publisher in publishers { publisher.read() }
        for subscriber in subscribers { subscriber.read(answering: answering) }
        roamer.read()
        if Int.random(in: 0..<(roamer.isSubscribed ? 40 : 2), using: &random) == 0 { changeRoamer() }
        mortal.read()
        for visitor in visitors {
            visitor.read()
            if Int.random(in: 0..<4, using: &random) == 0 { visitor.change() }
        }
    }

    /// Now and then the others do not hear its session's node before its log is written.
    private func changeRoamer() {
        roamer.change()
        let lead = broker.cluster?.lanes[ClusterCast.lane(of: roamer.name)].lead
        guard Int.random(in: 0..<4, using: &random) == 0, let lead else { return }
        let node = broker.node(ofSeat: lead.seat)
        for other in broker.livingNodes where other != node {
            broker.cluster?.cuts.insert(.init(from: node, to: other))
        }
    }

    private func step() {
        let publisher = publishers[Int.random(in: 0..<publishers.count, using: &random)]
        switch Int.random(in: 0..<44, using: &random) {
        case 0: kill()
        case 1: subscribers.randomElement(using: &random)?.connect(on: seat())
        case 2: subscribers.randomElement(using: &random)?.drop(settles: false)
        case 3: publisher.connect(on: seat())
        case 4, 5, 6: for _ in 0..<Int.random(in: 0..<30, using: &random) { broker.step() }
        case 7, 8: for _ in 0..<Int.random(in: 0..<10, using: &random) { broker.commit() }
        case 9: bury()
        case 10: broker.takeLanes()
        case 11: restore()
        case 12:
            broker.settle()
            broker.wait(until: broker.now.monotonic + .milliseconds(Int64.random(in: 0...4_000, using: &random)))
        case 13: steal()
        case 14, 15: addVisitor()
        case 16: cut()
        case 17: heal()
        case 18: tangle()
        case 19: stall()
        case 20: if hasPauses { pause() }
        case 21: if hasResets { reset() }
        case 22: if hasSuspicion { suspect() }
        case 23: if hasPauses { isolate() }
        case 24: broker.cleanLanes(of: seat())
        case 25: roamer.connect(on: seat())
        case 26: if roamer.isClosed { roamer.connect(on: seat()) }
        case 27: Bool.random(using: &random) ? mortal.connect(on: seat()) : mortal.drop()
        case 28: twins.connect(on: seat())
        case 29: publisher.publishAtMostOnce()
        case 30: publisher.publish(.exactlyOnce, retain: false, expiryInterval: 5)
        case 31: visitors.randomElement(using: &random)?.vanish()
        default:
            let qos: QualityOfService = Bool.random(using: &random) ? .exactlyOnce : .atLeastOnce
            let isRetained = Int.random(in: 0..<4, using: &random) == 0
            publisher.publish(qos, retain: isRetained)
        }
    }

    private func addVisitor() {
        let expiry: UInt32 = Int.random(in: 0..<3, using: &random) == 0 ? 5 : 100_000
        visitors.append(
            Visitor(name: "visitor \(visitors.count)", broker: broker, shard: seat(), expiry: expiry)
        )
    }

    // MARK: - Nodes

    private func kill() {
        guard broker.livingNodes.count > 1, let node = broker.livingNodes.randomElement(using: &random) else { return }
        broker.kill(node)
        states[node] = .dead(isKnown: false)
    }

    /// A node stands still.
    private func pause() {
        guard broker.livingNodes.count > 1, let node = broker.livingNodes.randomElement(using: &random) else { return }
        broker.pause(node)
        states[node] = .paused(isBuried: false)
    }

    /// A node knows that its run is over before the others count it so.
    private func isolate() {
        guard broker.livingNodes.count > 1, let node = broker.livingNodes.randomElement(using: &random) else { return }
        broker.isolate(node)
        states[node] = .isolated
    }

    /// What has happened to nodes is known to the others.
    private func bury() {
        for node in states.indices {
            switch states[node] {
            case .dead(isKnown: false):
                broker.bury(node)
                states[node] = .dead(isKnown: true)
            case .paused(isBuried: false) where Bool.random(using: &random):
                broker.bury(node)
                states[node] = .paused(isBuried: true)
            default: break
            }
        }
    }

    /// One of the nodes that do not serve serves again.
    private func restore() {
        let away = states.indices.filter { if case .serving = states[$0] { false } else { true } }
        if let node = away.randomElement(using: &random) { restore(node) }
    }

    private func restore(_ node: Int) {
        switch states[node] {
        case .serving: return
        case .dead(let isKnown):
            if !isKnown { broker.bury(node) }
            broker.restart(node)
        case .isolated:
            broker.bury(node)
            broker.restart(node)
        case .paused(let isBuried):
            broker.resume(node)
            if isBuried {
                for _ in 0..<Int.random(in: 0..<10, using: &random) { broker.step() }
                broker.isolate(node)
                broker.restart(node)
            }
        }
        states[node] = .serving
    }

    // MARK: - Lanes

    /// A lane of a client, or any other.
    private func lane() -> Int {
        let isClients = Int.random(in: 0..<4, using: &random) > 0
        return (isClients ? lanes.randomElement(using: &random) : nil) ?? Int.random(in: 0..<Lane.count, using: &random)
    }

    /// A node takes a lane whose leader lives, as one does that hears nothing of the leader for a while.
    private func steal() {
        guard let node = broker.livingNodes.randomElement(using: &random) else { return }
        let lane = lane()
        let seat = broker.seat(of: lane, at: node)
        if broker.shards[seat].shard.lanesLedByOwn & 1 << UInt64(lane) == 0 { broker.take(lane, by: seat) }
    }

    /// Nodes take lanes from each other, one soon after the other.
    private func tangle() {
        for _ in 0..<Int.random(in: 1...mostTangled, using: &random) {
            steal()
            if Bool.random(using: &random) {
                publishers.randomElement(using: &random)?.publish(.exactlyOnce, retain: false)
            }
            for _ in 0..<Int.random(in: 0..<12, using: &random) {
                if Bool.random(using: &random) { broker.step() } else { broker.commit() }
            }
            if Int.random(in: 0..<4, using: &random) == 0 { read(answering: true) }
        }
    }

    /// The streams of some lanes have no leader for a while.
    private func stall() {
        let stream: UInt64 = 0xFFFF << UInt64(Int.random(in: 0..<4, using: &random) * 16)
        broker.cluster?.stalled |= stream
    }

    // MARK: - Links

    /// A node does not hear another one for a while, or a shard a shard: the links deliver later.
    private func cut() {
        if Bool.random(using: &random), let links = broker.cluster?.links.count {
            for _ in 0..<3 { broker.cluster?.slow.insert(Int.random(in: 0..<links, using: &random)) }
            return
        }
        let nodes = broker.livingNodes.shuffled(using: &random)
        guard nodes.count > 1 else { return }
        broker.cluster?.cuts.insert(.init(from: nodes[0], to: nodes[1]))
        if Bool.random(using: &random) { broker.cluster?.cuts.insert(.init(from: nodes[1], to: nodes[0])) }
    }

    private func heal() {
        broker.cluster?.cuts = []
        broker.cluster?.slow = []
        broker.cluster?.stalled = 0
    }

    /// A link loses what is on its way.
    private func reset() {
        let nodes = broker.livingNodes.shuffled(using: &random)
        guard nodes.count > 1, let one = broker.seats(of: nodes[0]).randomElement(using: &random),
            let other = broker.seats(of: nodes[1]).randomElement(using: &random)
        else { return }
        broker.resetLink(from: one, to: other)
    }

    /// A node does not hear another one, and takes its lanes; or hears it again.
    private func suspect() {
        let nodes = broker.livingNodes.shuffled(using: &random)
        guard nodes.count > 1 else { return }
        let isSuspected = Bool.random(using: &random)
        broker.suspect(nodes[1], by: nodes[0], isSuspected)
        if !isSuspected { return }
        for lane in 0..<Lane.count {
            let seat = broker.seat(of: lane, at: nodes[0])
            if broker.shards[seat].shard.lead(ofLane: lane)?.node == nodes[1] { broker.take(lane, by: seat) }
        }
    }

    // MARK: - The end

    /// Everything heals, everybody comes back, and everything is carried out.
    private func finish() {
        heal()
        for node in states.indices { restore(node) }
        for node in states.indices {
            for other in states.indices where other != node { broker.suspect(other, by: node, false) }
        }
        broker.settle()
        broker.takeLanes()
        broker.settle()
        mortal.leaveForGood(on: seat())
        for client in publishers { client.connect(on: seat()) }
        for client in subscribers { client.connect(on: seat()) }
        roamer.connect(on: seat())
        twins.connect(on: seat())
        comeToRest()
        // The last will is due, and sessions expire.
        broker.advance(by: .seconds(60))
        comeToRest()
    }

    private func comeToRest() {
        for _ in 0..<100 {
            broker.takeLanes()
            broker.settle()
            for client in publishers where client.isClosed { client.connect(on: seat()) }
            for client in subscribers where client.isClosed { client.connect(on: seat()) }
            if roamer.isClosed { roamer.connect(on: seat()) }
            var isBusy = false
            for publisher in publishers where publisher.read() { isBusy = true }
            for subscriber in subscribers where subscriber.read(answering: true) { isBusy = true }
            if roamer.read() { isBusy = true }
            for visitor in visitors { visitor.read() }
            broker.wait(until: broker.now.monotonic + .milliseconds(30))
            if !isBusy, !broker.isHolding, broker.isEachLaneLed { return }
        }
        Issue.record("the clients do not come to rest")
    }
}
