import MQTTCodec
import NIOCore
import Testing

@testable import MQTTBroker

/// One seed of the simulation of crashes.
final class CrashRun {
    private var random: SeededGenerator
    /// A quarter of the seeds have queues of a few messages, so that messages are displaced: what is lost then is known to the log only.
    private let hasSmallQueues: Bool
    private let isFullAtTimes: Bool
    private let broker: SimulatedBroker
    private let publishers: [DurablePublisher]
    private let subscribers: [DurableSubscriber]
    private let mortal: MortalClient
    private var visitors: [Visitor] = []

    /// - Parameter fault: what the broker does wrong, if anything.
    init(seed: UInt64, fault: SimulatedFault? = nil) {
        random = SeededGenerator(seed: seed &* 31 &+ 7)
        hasSmallQueues = seed % 4 == 1
        isFullAtTimes = seed % 2 == 1
        var limits = Limits()
        limits.maximumQueueLength = hasSmallQueues ? Int.random(in: 1...4, using: &random) : 100_000
        if hasSmallQueues, Bool.random(using: &random) { limits.maximumQueueBytes = 100 }
        limits.maximumInflight = hasSmallQueues ? 2 : 6
        if Bool.random(using: &random) {
            if Bool.random(using: &random) { limits.maximumQueueMemory = 0 }
            limits.maximumQueueBytesInMemory = Int.random(in: 40...1_000, using: &random)
            limits.maximumSegmentCopies = Int.random(in: 1...8, using: &random)
            limits.queueSegmentBytes = 40...Int.random(in: 40...400, using: &random)
        }
        let broker = SimulatedBroker(
            shards: Int.random(in: 1...4, using: &random),
            limits: limits,
            seed: seed,
            hasLongTicks: true,
            hasStore: true,
            fault: fault
        )
        self.broker = broker
        publishers = (0..<3).map {
            DurablePublisher(name: "p\($0)", version: $0 < 2 ? .v5 : .v3_1_1, broker: broker)
        }
        subscribers = (0..<3).map { DurableSubscriber(name: "s\($0)", broker: broker) }
        mortal = MortalClient(name: "mortal", broker: broker)
    }

    private func shard() -> Int { Int.random(in: 0..<broker.shards.count, using: &random) }

    func perform() throws {
        defer { broker.end() }
        begin()
        for _ in 0..<300 {
            try step()
            for publisher in publishers { publisher.read(whileFull: broker.isSuspended) }
            for subscriber in subscribers { subscriber.read(answering: Bool.random(using: &random)) }
            mortal.read()
            for visitor in visitors {
                visitor.read()
                if Int.random(in: 0..<4, using: &random) == 0 { visitor.change() }
            }
        }
        finish()
        checkDelivery()
        try checkWhatIsLeft()
    }

    private func begin() {
        for publisher in publishers {
            publisher.connect(on: 0)
        }
        for subscriber in subscribers {
            subscriber.connect(on: 0)
            subscriber.onPayload = { [weak self] in self?.checkExpiry(of: $0) }
        }
        broker.settle()
        for subscriber in subscribers {
            subscriber.client?.subscribe("load/#", qos: .exactlyOnce)
            subscriber.client?.subscribe("will", qos: .exactlyOnce)
        }
        broker.settle()
    }

    private func step() throws {
        let publisher = publishers[Int.random(in: 0..<publishers.count, using: &random)]
        switch Int.random(in: 0..<28, using: &random) {
        case 0: crash()
        case 1: subscribers.randomElement(using: &random)?.connect(on: shard())
        case 2: subscribers.randomElement(using: &random)?.drop(settles: false)
        case 3: publisher.connect(on: shard())
        case 4, 5, 6: for _ in 0..<Int.random(in: 0..<6, using: &random) { broker.step() }
        case 7, 8: broker.commit()
        case 9: broker.beginCommit()
        case 10: broker.clean()
        case 11:
            visitors.append(Visitor(name: "visitor \(visitors.count)", broker: broker, shard: shard()))
        case 12:
            broker.settle()
            // What has come in time is read in time.
            for subscriber in subscribers { subscriber.read(answering: false) }
            broker.wait(until: broker.now.monotonic + .milliseconds(Int64.random(in: 0...4_000, using: &random)))
        case 13:
            publisher.publish(
                Bool.random(using: &random) ? .exactlyOnce : .atLeastOnce,
                retain: false,
                expiryInterval: 5
            )
        case 14: Bool.random(using: &random) ? mortal.connect(on: shard()) : mortal.drop()
        case 15: if Int.random(in: 0..<16, using: &random) == 0 { try broker.expectLogIsTrue() }
        case 16 where isFullAtTimes:
            broker.suspend([.space, .disk, nil, nil].randomElement(using: &random) ?? nil, settles: false)
        case 17: if Bool.random(using: &random) { visitors.suffix(2).randomElement(using: &random)?.leave() }
        default:
            let qos: QualityOfService = Bool.random(using: &random) ? .exactlyOnce : .atLeastOnce
            let isRetained = Int.random(in: 0..<4, using: &random) == 0
            publisher.publish(qos, retain: isRetained)
        }
    }

    private func crash() {
        broker.crash(shards: Int.random(in: 1...4, using: &random))
        mortal.crashed()
        for publisher in publishers { publisher.connect(on: shard()) }
        for subscriber in subscribers where Bool.random(using: &random) { subscriber.connect(on: shard()) }
    }

    /// Everybody comes back, and everything is carried out.
    private func finish() {
        broker.suspend(nil)
        mortal.leaveForGood(on: shard())
        if Bool.random(using: &random) {
            broker.crash(shards: Int.random(in: 1...4, using: &random))
            mortal.crashed()
        }
        broker.settle()
        for client in publishers { client.connect(on: 0) }
        for client in subscribers { client.connect(on: 0) }
        visit()
        exchangeAll()
        // The last will is due.
        broker.advance(by: .seconds(60))
        exchangeAll()
    }

    /// Some come, and go.
    private func visit() {
        let last = (0..<3).map { Visitor(name: "late visitor \($0)", broker: broker, shard: shard()) }
        visitors += last
        for act in [Visitor.change, Bool.random(using: &random) ? Visitor.change : Visitor.leave] {
            broker.settle()
            for visitor in last {
                visitor.read()
                act(visitor)()
            }
        }
        broker.settle()
        for visitor in last { visitor.read() }
    }

    private func exchangeAll() {
        for _ in 0..<4000 {
            broker.settle()
            let isBusy = publishers.map { $0.read() } + subscribers.map { $0.read(answering: true) }
            if !isBusy.contains(true) { break }
        }
    }

    // MARK: - What has to hold

    private func checkExpiry(of payload: String) {
        guard let expiry = publishers.compactMap({ $0.expiries[payload] }).first else { return }
        // What goes through an outbox again has whole seconds left.
        #expect(broker.now.wall < expiry + 1_000, "\(payload) has expired")
    }

    private func checkDelivery() {
        for publisher in publishers { #expect(publisher.isIdle, "\(publisher.name) has all its answers") }
        for subscriber in subscribers {
            for publisher in publishers { checkDelivery(from: publisher, to: subscriber) }
            let wills = subscriber.received.filter { $0.hasPrefix("will ") }
            #expect(Set(wills).isSubset(of: mortal.wills.keys), "\(wills) at \(subscriber.name)")
            let exactlyOnce = wills.filter { mortal.wills[$0] == .exactlyOnce }
            #expect(Set(exactlyOnce).count == exactlyOnce.count, "\(wills) at \(subscriber.name)")
            if !hasSmallQueues { #expect(wills.contains(mortal.lastWill), "\(wills) at \(subscriber.name)") }
        }
    }

    /// Everything that was not refused came, in its order, and once at QoS 2; with small queues, what came did so.
    private func checkDelivery(from publisher: DurablePublisher, to subscriber: DurableSubscriber) {
        let who = "\(publisher.name) to \(subscriber.name)"
        let received = subscriber.received.filter { $0.hasPrefix("\(publisher.name):") }
        #expect(publisher.refused.isDisjoint(with: received), "\(who)")
        for qos in [QualityOfService.atLeastOnce, .exactlyOnce] {
            let came = received.filter { $0.hasPrefix("\(publisher.name):\(qos.rawValue):") }
            var seen: Set<String> = []
            let first = came.filter { seen.insert($0).inserted }
            if qos == .exactlyOnce { #expect(came == first, "once, \(who)") }
            let sent = publisher.sent(qos)
            // One that is sent again after it was refused comes behind those that were taken meanwhile.
            let inOrder = first.filter { !publisher.uncertain.contains($0) }
            let expected = sent.filter { !publisher.uncertain.contains($0) }
            if !hasSmallQueues {
                #expect(seen.isSuperset(of: sent), "\(who)")
                #expect(inOrder == expected, "\(who)")
            } else if qos == .exactlyOnce {
                // At QoS 1, a message that was displaced and not acknowledged comes again behind later ones.
                #expect(inOrder == expected.filter(seen.contains), "\(who)")
            }
        }
    }

    private func checkWhatIsLeft() throws {
        try broker.expectLogIsTrue()
        // What is alive is all that is left.
        for _ in 0..<40 {
            broker.clean()
            broker.settle()
        }
        #expect(broker.store?.deleted ?? 0 > 0)
        broker.crash(shards: Int.random(in: 1...4, using: &random))
        broker.settle()
        let names = Set(broker.sessions.map(\.clientIdentifier.string))
        #expect(names.isSuperset(of: publishers.map(\.name) + subscribers.map(\.name)))
        for visitor in visitors where visitor.isPromised {
            let session = broker.session(of: visitor.name)
            #expect(session != nil, "the session of \(visitor.name)")
            guard let isSubscribed = visitor.isSubscribed else { continue }
            #expect(session?.subscriptions.isEmpty == !isSubscribed, "the subscription of \(visitor.name)")
        }
        #expect(broker.sessions.allSatisfy { $0.outgoing.queue.isEmpty && $0.outgoing.window.isEmpty })
        // The last retained message of each topic.
        let late = broker.connect("late")
        late.subscribe("load/#", qos: .atMostOnce)
        broker.settle()
        let payloads = late.takePayloads()
        for publisher in publishers where publisher.uncertain.isEmpty {
            // What a connection had sent may reach the topic's home behind what its successor in another shard sends.
            let last = publisher.lastRetained.filter { !publisher.sentAgain.contains($0) }
            let found = payloads.filter { $0.hasPrefix("\(publisher.name):") && !publisher.sentAgain.contains($0) }
            #expect(Set(found).isSubset(of: last), "retained of \(publisher.name)")
            #expect(payloads.filter { $0.hasPrefix("\(publisher.name):") }.count == publisher.lastRetained.count)
        }
        for seat in broker.shards {
            let awaited = seat.shard.lanes.awaitedCount
            #expect(awaited == 0)
        }
    }
}
