import MQTTCodec
import NIOCore
import Testing

import class Foundation.ProcessInfo

@testable import MQTTBroker

/// A broker with a store that is killed at any moment and started again with another number of shards, while clients with durable
/// sessions publish and receive: whatever the seed, nothing that was acknowledged is lost, nothing comes twice at QoS 2, and the
/// order holds.
@Suite struct RandomCrashesTests {
    /// `make simulate SEEDS=n SEED=x` plays others.
    private static var seeds: Range<UInt64> {
        let environment = ProcessInfo.processInfo.environment
        let first = environment["MARTLET_SEED"].flatMap(UInt64.init) ?? 0
        let count = environment["MARTLET_SEEDS"].flatMap(UInt64.init) ?? 400
        return first..<first + count
    }

    @Test("Nothing acknowledged is lost in a crash", arguments: seeds)
    func crashes(seed: UInt64) {
        var random = SeededGenerator(seed: seed &* 31 &+ 7)
        var limits = Limits()
        limits.maximumQueueLength = 100_000
        limits.maximumInflight = 6
        let broker = SimulatedBroker(
            shards: Int.random(in: 1...4, using: &random),
            limits: limits,
            seed: seed,
            hasLongTicks: true,
            hasStore: true
        )
        let publishers = (0..<3).map { DurablePublisher(name: "p\($0)", broker: broker) }
        let subscribers = (0..<3).map { DurableSubscriber(name: "s\($0)", broker: broker) }
        for publisher in publishers { publisher.connect(on: 0) }
        for subscriber in subscribers { subscriber.connect(on: 0) }
        broker.settle()
        for subscriber in subscribers { subscriber.client?.subscribe("load/#", qos: .exactlyOnce) }
        broker.settle()
        /// Clients that come once, each with a session of its own, and those that were told so.
        var visitors: [(name: String, client: SimulatedClient)] = []
        var promised: Set<String> = []

        for _ in 0..<300 {
            func shard() -> Int { Int.random(in: 0..<broker.shards.count, using: &random) }
            let publisher = publishers[Int.random(in: 0..<publishers.count, using: &random)]
            switch Int.random(in: 0..<20, using: &random) {
            case 0:
                broker.crash(shards: Int.random(in: 1...4, using: &random))
                for publisher in publishers { publisher.connect(on: shard()) }
                for subscriber in subscribers where Bool.random(using: &random) { subscriber.connect(on: shard()) }
            case 1: subscribers.randomElement(using: &random)?.connect(on: shard())
            case 2: subscribers.randomElement(using: &random)?.drop()
            case 3: publisher.connect(on: shard())
            case 4, 5, 6: for _ in 0..<Int.random(in: 0..<6, using: &random) { broker.step() }
            case 7, 8: broker.commit()
            case 9: broker.beginCommit()
            case 10: broker.clean()
            case 11:
                let name = "visitor \(visitors.count)"
                let client = broker.connect(name, on: shard(), cleanStart: false, expiry: 100_000, settles: false)
                visitors.append((name, client))
            default:
                let qos: QualityOfService = Bool.random(using: &random) ? .exactlyOnce : .atLeastOnce
                let isRetained = Int.random(in: 0..<4, using: &random) == 0
                publisher.publish(qos, retain: isRetained)
            }
            for publisher in publishers { publisher.read() }
            for subscriber in subscribers { subscriber.read(answering: Bool.random(using: &random)) }
            for (name, client) in visitors where !client.takeAll().isEmpty { promised.insert(name) }
        }

        if Bool.random(using: &random) { broker.crash(shards: Int.random(in: 1...4, using: &random)) }
        broker.settle()
        for client in publishers { client.connect(on: 0) }
        for client in subscribers { client.connect(on: 0) }
        for _ in 0..<4000 {
            broker.settle()
            let isBusy = publishers.map { $0.read() } + subscribers.map { $0.read(answering: true) }
            if !isBusy.contains(true) { break }
        }
        for publisher in publishers { #expect(publisher.isIdle, "\(publisher.name) has all its answers") }
        for subscriber in subscribers {
            for publisher in publishers {
                let exactlyOnce = subscriber.received.filter { $0.hasPrefix("\(publisher.name):2:") }
                #expect(exactlyOnce == publisher.sent(.exactlyOnce), "\(publisher.name) to \(subscriber.name)")
                var seen: Set<String> = []
                let first = subscriber.received.filter {
                    $0.hasPrefix("\(publisher.name):1:") && seen.insert($0).inserted
                }
                #expect(first == publisher.sent(.atLeastOnce), "\(publisher.name) to \(subscriber.name)")
            }
        }
        // What is alive is all that is left.
        for _ in 0..<40 {
            broker.clean()
            broker.settle()
        }
        #expect(broker.store?.deleted ?? 0 > 0)
        broker.crash(shards: Int.random(in: 1...4, using: &random))
        broker.settle()
        let names = Set(broker.sessions.map(\.clientIdentifier.string))
        #expect(names.isSuperset(of: promised.union(publishers.map(\.name)).union(subscribers.map(\.name))))
        #expect(broker.sessions.allSatisfy { $0.outgoing.queue.isEmpty && $0.outgoing.window.isEmpty })
        // The last retained message of each topic.
        let late = broker.connect("late")
        late.subscribe("load/#", qos: .atMostOnce)
        broker.settle()
        let expected = publishers.flatMap(\.lastRetained).sorted()
        #expect(late.takePayloads().sorted() == expected)
        for seat in broker.shards {
            let awaited = seat.shard.lanes.awaitedCount
            #expect(awaited == 0)
        }
    }
}

/// A client that publishes as the standard asks: what is not acknowledged it sends again with its packet identifier, in order
/// [MQTT-4.4.0-1].
private final class DurablePublisher {
    let name: String
    private let broker: SimulatedBroker
    private var client: SimulatedClient?
    private var isConnected = false
    private var lastIdentifier: UInt16 = 0
    private var pending: [Exchange] = []
    private var log: [(qos: QualityOfService, payload: String, retain: Bool)] = []

    private struct Exchange {
        let identifier: UInt16
        let qos: QualityOfService
        let payload: String
        let retain: Bool
        var isRecorded = false
    }

    init(name: String, broker: SimulatedBroker) {
        self.name = name
        self.broker = broker
    }

    var isIdle: Bool { pending.isEmpty }

    func sent(_ qos: QualityOfService) -> [String] { log.filter { $0.qos == qos }.map(\.payload) }

    /// Of each topic.
    var lastRetained: [String] {
        [QualityOfService.atLeastOnce, .exactlyOnce].compactMap { qos in
            log.last { $0.qos == qos && $0.retain }?.payload
        }
    }

    func connect(on shard: Int) {
        isConnected = false
        client = broker.connect(name, on: shard, cleanStart: false, expiry: 100_000, settles: false)
    }

    func publish(_ qos: QualityOfService, retain: Bool) {
        guard isConnected, pending.count < 20 else { return }
        // Few, so that they are used again soon: an exchange that is forgotten too late takes the next one's message.
        repeat { lastIdentifier = lastIdentifier % 25 + 1 } while pending.contains { $0.identifier == lastIdentifier }
        let payload = "\(name):\(qos.rawValue):\(log.count)"
        log.append((qos, payload, retain))
        let exchange = Exchange(identifier: lastIdentifier, qos: qos, payload: payload, retain: retain)
        pending.append(exchange)
        send(exchange, isDuplicate: false)
    }

    private func send(_ exchange: Exchange, isDuplicate: Bool) {
        client?.publish(
            "load/\(name)/\(exchange.qos.rawValue)",
            exchange.payload,
            qos: exchange.qos,
            identifier: exchange.identifier,
            retain: exchange.retain,
            isDuplicate: isDuplicate,
            settles: false
        )
    }

    /// Takes what has come; returns whether there was anything.
    @discardableResult
    func read() -> Bool {
        guard let client, !client.isClosed else { return false }
        let packets = client.takeAll()
        for packet in packets {
            switch packet {
            case .connectAcknowledgement:
                isConnected = true
                for exchange in pending {
                    if exchange.isRecorded {
                        release(exchange.identifier)
                    } else {
                        send(exchange, isDuplicate: true)
                    }
                }
            case .acknowledgement(let answer):
                guard let index = pending.firstIndex(where: { $0.identifier == answer.packetIdentifier }) else { break }
                switch answer.kind {
                case .received:
                    let earlier = pending[..<index].contains { $0.qos == .atLeastOnce }
                    #expect(!earlier, "acknowledgements keep the order of their PUBLISH [MQTT-4.6.0-2]")
                    pending.remove(at: index)
                case .complete: pending.remove(at: index)
                case .recorded:
                    let earlier = pending[..<index].contains { $0.qos == .exactlyOnce && !$0.isRecorded }
                    #expect(!earlier, "acknowledgements keep the order of their PUBLISH [MQTT-4.6.0-3]")
                    pending[index].isRecorded = true
                    release(answer.packetIdentifier)
                case .release: break
                }
            default: break
            }
        }
        return !packets.isEmpty
    }

    private func release(_ identifier: UInt16) {
        client?.send(.acknowledgement(PublishAcknowledgement(.release, identifier)), settles: false)
    }
}

/// A client that remembers what it has recorded over its connections (MQTT 5.0 §4.3.3).
private final class DurableSubscriber {
    let name: String
    private let broker: SimulatedBroker
    private(set) var client: SimulatedClient?
    private(set) var received: [String] = []
    private var recorded: Set<UInt16> = []
    private var unanswered: [Packet] = []

    init(name: String, broker: SimulatedBroker) {
        self.name = name
        self.broker = broker
    }

    func connect(on shard: Int) {
        unanswered = []
        client = broker.connect(name, on: shard, cleanStart: false, expiry: 100_000, settles: false)
    }

    func drop() {
        if let client, !client.isClosed { broker.drop(client, settles: false) }
        client = nil
    }

    /// Takes what has come; returns whether there was anything.
    @discardableResult
    func read(answering: Bool) -> Bool {
        guard let client, !client.isClosed else { return false }
        let packets = client.takeAll()
        for packet in packets {
            switch packet {
            case .publish(let publish) where publish.qos == .exactlyOnce:
                if recorded.insert(publish.packetIdentifier).inserted {
                    received.append(String(buffer: publish.payload))
                }
                unanswered.append(.acknowledgement(PublishAcknowledgement(.recorded, publish.packetIdentifier)))
            case .publish(let publish):
                received.append(String(buffer: publish.payload))
                unanswered.append(.acknowledgement(PublishAcknowledgement(.received, publish.packetIdentifier)))
            case .acknowledgement(let answer) where answer.kind == .release:
                recorded.remove(answer.packetIdentifier)
                unanswered.append(.acknowledgement(PublishAcknowledgement(.complete, answer.packetIdentifier)))
            default: break
            }
        }
        if answering {
            for packet in unanswered { client.send(packet, settles: false) }
            unanswered = []
        }
        return !packets.isEmpty
    }
}
