import MQTTCodec
import NIOCore
import Testing

@testable import MQTTBroker

/// Clients that come, go, move between shards and are taken over at random while messages pass: whatever the seed,
/// nothing is lost, nothing comes twice at QoS 2, and the order holds.
@Suite struct RandomOperationsTests {
    @Test("No message is lost or repeated while sessions move", arguments: [1, 2, 5], 0..<40 as Range<UInt64>)
    func moving(shards: Int, seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var limits = Limits()
        limits.maximumQueueLength = 100_000
        let broker = SimulatedBroker(shards: shards, limits: limits, seed: seed &* 31)
        let subscribers = (0..<3).map { Subscriber(name: "s\($0)", broker: broker) }
        for subscriber in subscribers {
            subscriber.connect(on: 0)
            broker.settle()
            subscriber.client?.subscribe("load/#", qos: .exactlyOnce)
        }
        let publishers = (0..<3).map { broker.connect("p\($0)", on: $0 % shards) }
        var sent: [String] = []
        var identifier: UInt16 = 0
        for _ in 0..<300 {
            switch Int.random(in: 0..<10, using: &random) {
            case 0:
                subscribers.randomElement(using: &random)?.connect(on: Int.random(in: 0..<shards, using: &random))
            case 1:
                subscribers.randomElement(using: &random)?.drop()
            case 2, 3, 4:
                for _ in 0..<Int.random(in: 0..<4, using: &random) { broker.step() }
            default:
                let index = Int.random(in: 0..<publishers.count, using: &random)
                let payload = "\(index):\(sent.count)"
                identifier = identifier % 60_000 + 1
                sent.append(payload)
                publishers[index].publish(
                    "load/\(index)",
                    payload,
                    qos: .exactlyOnce,
                    identifier: identifier,
                    settles: false
                )
                publishers[index].send(.acknowledgement(PublishAcknowledgement(.release, identifier)), settles: false)
            }
            for subscriber in subscribers { subscriber.read(acknowledging: Bool.random(using: &random)) }
        }
        broker.settle()
        for subscriber in subscribers {
            subscriber.drop()
            subscriber.connect(on: Int.random(in: 0..<shards, using: &random))
            broker.settle()
            for _ in 0..<2000 where subscriber.read(acknowledging: true) { broker.settle() }
            #expect(subscriber.received.sorted() == sent.sorted(), "\(subscriber.name)")
            for index in publishers.indices {
                let own = subscriber.received.filter { $0.hasPrefix("\(index):") }
                #expect(
                    own == sent.filter { $0.hasPrefix("\(index):") },
                    "order of publisher \(index) at \(subscriber.name)"
                )
            }
        }
    }

    /// A client of QoS 2 that keeps its side of the bargain over reconnections.
    private final class Subscriber {
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
            client = broker.connect(name, on: shard, cleanStart: false, expiry: 10_000, settles: false)
        }

        func drop() {
            if let client, !client.isClosed { broker.drop(client) }
            client = nil
        }

        /// Takes what has come; returns whether there was anything.
        @discardableResult
        func read(acknowledging: Bool) -> Bool {
            guard let client else { return false }
            let packets = client.takeAll()
            for packet in packets {
                switch packet {
                case .publish(let publish):
                    if recorded.insert(publish.packetIdentifier).inserted {
                        received.append(String(buffer: publish.payload))
                    }
                    unanswered.append(.acknowledgement(PublishAcknowledgement(.recorded, publish.packetIdentifier)))
                case .acknowledgement(let acknowledgement) where acknowledgement.kind == .release:
                    recorded.remove(acknowledgement.packetIdentifier)
                    unanswered.append(
                        .acknowledgement(PublishAcknowledgement(.complete, acknowledgement.packetIdentifier))
                    )
                default:
                    continue
                }
            }
            if acknowledging, !client.isClosed {
                for packet in unanswered { client.send(packet, settles: false) }
                unanswered = []
            }
            return !packets.isEmpty
        }
    }
}
