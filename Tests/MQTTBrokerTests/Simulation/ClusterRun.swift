import MQTTCodec
import NIOCore
import Testing

@testable import MQTTBroker

/// One seed of the simulation of a cluster: nodes are killed and started again, lanes move from node to node, and links deliver when they
/// like.
final class ClusterRun {
    private var random: SeededGenerator
    private let broker: SimulatedBroker
    private let publishers: [DurablePublisher]
    private let subscribers: [DurableSubscriber]
    /// Of the subscribers. Not all get the same, so that the messages of a publisher concern now these lanes and now those.
    private let filters = ["load/#", "load/+/2", "load/#"]
    private var visitors: [Visitor] = []
    /// Nodes that are dead, and true for those that the others know to be.
    private var dead: [Int: Bool] = [:]

    init(seed: UInt64) {
        random = SeededGenerator(seed: seed &* 31 &+ 7)
        var limits = Limits()
        limits.maximumQueueLength = 100_000
        limits.maximumInflight = 6
        broker = SimulatedBroker.cluster(
            nodes: Int.random(in: 2...4, using: &random),
            shards: Int.random(in: 1...3, using: &random),
            limits: limits,
            seed: seed,
            hasLongTicks: true
        )
        let broker = broker
        publishers = (0..<3).map {
            DurablePublisher(name: "p\($0)", version: $0 < 2 ? .v5 : .v3_1_1, broker: broker)
        }
        subscribers = (0..<3).map { DurableSubscriber(name: "s\($0)", broker: broker) }
    }

    /// A shard of a node that is alive.
    private func seat() -> Int {
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
        for subscriber in subscribers {
            for publisher in publishers { checkDelivery(from: publisher, to: subscriber) }
        }
        checkWhatIsLeft()
    }

    private func begin() {
        for publisher in publishers { publisher.connect(on: seat()) }
        for subscriber in subscribers { subscriber.connect(on: seat()) }
        broker.settle()
        for (subscriber, filter) in zip(subscribers, filters) {
            subscriber.client?.subscribe(filter, qos: .exactlyOnce)
        }
        broker.settle()
    }

    private func read(answering: Bool) {
        for publisher in publishers { publisher.read() }
        for subscriber in subscribers { subscriber.read(answering: answering) }
        for visitor in visitors {
            visitor.read()
            if Int.random(in: 0..<4, using: &random) == 0 { visitor.change() }
        }
    }

    private func step() {
        let publisher = publishers[Int.random(in: 0..<publishers.count, using: &random)]
        switch Int.random(in: 0..<30, using: &random) {
        case 0: kill()
        case 1: subscribers.randomElement(using: &random)?.connect(on: seat())
        case 2: subscribers.randomElement(using: &random)?.drop(settles: false)
        case 3: publisher.connect(on: seat())
        case 4, 5, 6: for _ in 0..<Int.random(in: 0..<30, using: &random) { broker.step() }
        case 7, 8: for _ in 0..<Int.random(in: 0..<10, using: &random) { broker.commit() }
        case 9: bury()
        case 10: broker.takeLanes()
        case 11: restart()
        case 13, 18: steal()
        case 16: cut()
        case 17: broker.cluster?.cuts = []
        case 12:
            broker.settle()
            broker.wait(until: broker.now.monotonic + .milliseconds(Int64.random(in: 0...4_000, using: &random)))
        case 14, 15: visitors.append(Visitor(name: "visitor \(visitors.count)", broker: broker, shard: seat()))
        default:
            let qos: QualityOfService = Bool.random(using: &random) ? .exactlyOnce : .atLeastOnce
            let isRetained = Int.random(in: 0..<4, using: &random) == 0
            publisher.publish(qos, retain: isRetained)
        }
    }

    // MARK: - Nodes

    private func kill() {
        guard broker.livingNodes.count > 1, let node = broker.livingNodes.randomElement(using: &random) else { return }
        broker.kill(node)
        dead[node] = false
    }

    /// A node takes lanes whose leaders live, as one does that hears nothing of them for a while: mostly of lanes that the clients are in.
    private func steal() {
        let seats = broker.seats(of: broker.livingNodes.randomElement(using: &random) ?? 0)
        var lanes = (publishers.map(\.name) + subscribers.map(\.name)).map {
            MQTTBroker.Lane(clientHash: Session.identity(of: UTF8Key($0))).index
        }
        lanes = lanes.filter { _ in Bool.random(using: &random) } + [Int.random(in: 0..<Lane.count, using: &random)]
        for lane in lanes {
            // Within a node, a lane is always led by the same shard.
            let seat = seats.lowerBound + lane % seats.count
            let isLed = broker.shards[seat].shard.lanesLedByOwn & 1 << UInt64(lane) != 0
            if !isLed { broker.take(lane, by: seat) }
        }
    }

    /// A node does not hear another one for a while: the links deliver later.
    private func cut() {
        let nodes = broker.livingNodes.shuffled(using: &random)
        if nodes.count > 1 { broker.cluster?.cuts.insert(.init(from: nodes[0], to: nodes[1])) }
    }

    private func bury() {
        for (node, isKnown) in dead.sorted(by: { $0.key < $1.key }) where !isKnown {
            broker.bury(node)
            dead[node] = true
        }
    }

    private func restart() {
        guard let (node, isKnown) = dead.sorted(by: { $0.key < $1.key }).first else { return }
        if !isKnown { broker.bury(node) }
        dead[node] = nil
        broker.restart(node)
    }

    private func finish() {
        broker.cluster?.cuts = []
        while !dead.isEmpty { restart() }
        broker.settle()
        broker.takeLanes()
        broker.settle()
        for client in publishers { client.connect(on: seat()) }
        for client in subscribers { client.connect(on: seat()) }
        for _ in 0..<100 {
            broker.takeLanes()
            broker.settle()
            for client in publishers where client.isClosed { client.connect(on: seat()) }
            for client in subscribers where client.isClosed { client.connect(on: seat()) }
            var isBusy = false
            for publisher in publishers where publisher.read() { isBusy = true }
            for subscriber in subscribers where subscriber.read(answering: true) { isBusy = true }
            for visitor in visitors { visitor.read() }
            broker.wait(until: broker.now.monotonic + .milliseconds(30))
            if !isBusy, !broker.isHolding, broker.isEachLaneLed { return }
        }
        Issue.record("the clients do not come to rest")
    }

    // MARK: - What has to hold

    private func checkDelivery(from publisher: DurablePublisher, to subscriber: DurableSubscriber) {
        let who = "\(publisher.name) to \(subscriber.name)"
        let received = subscriber.received.filter { $0.hasPrefix("\(publisher.name):") }
        #expect(publisher.isIdle, "\(publisher.name) has all its answers")
        for qos in [QualityOfService.atLeastOnce, .exactlyOnce]
        where qos == .exactlyOnce || subscriber.name != subscribers[1].name {
            let came = received.filter { $0.hasPrefix("\(publisher.name):\(qos.rawValue):") }
            var seen: Set<String> = []
            let first = came.filter { seen.insert($0).inserted }
            if qos == .exactlyOnce { #expect(came == first, "once, \(who)") }
            let sent = publisher.sent(qos)
            #expect(seen.isSuperset(of: sent), "\(who)")
            #expect(first == sent, "in order, \(who)")
        }
    }

    private func checkWhatIsLeft() {
        for name in publishers.map(\.name) + subscribers.map(\.name) {
            let count = broker.sessions.filter { $0.clientIdentifier.string == name && $0.parent == nil }.count
            #expect(count == 1, "\(name) has one session in all nodes")
        }
        for visitor in visitors where visitor.isPromised {
            let session = broker.session(of: visitor.name)
            #expect(session != nil, "the session of \(visitor.name)")
            guard let isSubscribed = visitor.isSubscribed else { continue }
            #expect(session?.subscriptions.isEmpty == !isSubscribed, "the subscription of \(visitor.name)")
        }
        let late = broker.connect("late", on: seat())
        late.subscribe("load/#", qos: .atMostOnce)
        let payloads = late.takePayloads()
        for publisher in publishers {
            let last = publisher.lastRetained.filter { !publisher.sentAgain.contains($0) }
            let found = payloads.filter { $0.hasPrefix("\(publisher.name):") && !publisher.sentAgain.contains($0) }
            #expect(Set(found).isSubset(of: last), "retained of \(publisher.name)")
            #expect(payloads.filter { $0.hasPrefix("\(publisher.name):") }.count == publisher.lastRetained.count)
        }
        for seat in broker.shards {
            let awaited = seat.shard.lanes.awaitedCount
            let held = seat.shard.lanes.limbo.messages.count
            #expect(awaited == 0)
            #expect(held == 0)
        }
    }
}
