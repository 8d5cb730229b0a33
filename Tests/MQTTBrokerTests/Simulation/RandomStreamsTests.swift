import MQTTCodec
import NIOCore
import Testing

@testable import MQTTBroker

/// Clients whose data streams open, end, stall and are taken over at random while messages pass on them: whatever the
/// seed, each subscription's copy of each message arrives, and once.
@Suite struct RandomStreamsTests {
    @Test("No message is lost or repeated while streams come and go", arguments: [1, 2, 4], 0..<40 as Range<UInt64>)
    func streams(shards: Int, seed: UInt64) throws {
        var random = SeededGenerator(seed: seed &* 191)
        var limits = Limits()
        limits.maximumQueueLength = 100_000
        limits.maximumInflight = 4
        limits.outputHighWaterMark = 300
        let broker = SimulatedBroker(shards: shards, limits: limits, seed: seed, hasLongTicks: true)
        let reader = ReadingClient(broker: broker)
        reader.connect(on: 0)
        broker.settle()
        reader.subscribeControl()
        let writer = WritingClient(broker: broker)
        writer.connect(on: shards - 1)
        broker.settle()
        /// How many copies of each message are due, at least and at most.
        var due: [String: ClosedRange<Int>] = [:]
        func shard() -> Int { Int.random(in: 0..<shards, using: &random) }

        for round in 0..<400 {
            switch Int.random(in: 0..<16, using: &random) {
            case 0:
                broker.settle()
                try reader.open(qos: [.atLeastOnce, .exactlyOnce].randomElement(using: &random) ?? .atLeastOnce)
            case 1:
                reader.endStream(inOrder: Bool.random(using: &random), using: &random)
            case 2:
                broker.settle()
                reader.connect(on: shard())
            case 3:
                broker.settle()
                reader.drop()
                reader.connect(on: shard())
            case 4:
                reader.setBlocked(Bool.random(using: &random), using: &random)
            case 5, 6:
                for _ in 0..<Int.random(in: 0..<5, using: &random) { broker.step() }
            case 7:
                broker.settle()
                reader.settled()
            case 8:
                try writer.open()
            case 9:
                writer.endStream(using: &random)
            case 10:
                broker.settle()
                writer.drop()
                writer.connect(on: shard())
                broker.settle()
            default:
                // It is lost on its way, where its stream or connection ends before it has arrived.
                let isLost = Int.random(in: 0..<8, using: &random) == 0
                let payload = "\(round)"
                if isLost { due[payload] = 1...100 } else { due[payload] = reader.copies }
                writer.publish(payload, isLost: isLost, using: &random)
            }
            writer.read(answering: Bool.random(using: &random))
            reader.read(answering: Bool.random(using: &random))
        }
        broker.settle()
        writer.finishAll()
        broker.settle()
        reader.drop()
        reader.connect(on: shard())
        broker.settle()
        for _ in 0..<3000 where reader.read(answering: true) { broker.settle() }

        let counts = Dictionary(grouping: reader.received) { $0 }.mapValues(\.count)
        for (payload, range) in due {
            let count = counts[payload] ?? 0
            #expect(range.contains(count), "message \(payload): \(count) times, not \(range)")
        }
        #expect(counts.keys.allSatisfy { due[$0] != nil })

        reader.end()
        writer.end()
        broker.settle()
        broker.advance(by: .hours(10))
        broker.expectNothingLeft()
    }

    /// Subscribes on its control stream, and once more on each data stream. A message on a data stream that ended before
    /// it was acknowledged counts as not received.
    private final class ReadingClient {
        private let broker: SimulatedBroker
        private var client: SimulatedClient?
        private var lanes: [Lane] = []
        /// Kept over connections, as the session is.
        private var control: Lane?
        /// Streams that may still be taken for open, as long as a take-over is under way.
        private var ending = 0
        private(set) var received: [String] = []

        private final class Lane {
            var link: SimulatedClient
            var recorded: Set<UInt16> = []
            var unanswered: [(packet: Packet, qos: QualityOfService, payload: String?)] = []
            init(_ link: SimulatedClient) { self.link = link }
        }

        init(broker: SimulatedBroker) { self.broker = broker }

        var copies: ClosedRange<Int> { 1 + lanes.count...1 + lanes.count + ending }

        func settled() { ending = 0 }

        func connect(on shard: Int) {
            forgetLanes()
            let client = broker.connect("reader", on: shard, cleanStart: false, expiry: 100_000, settles: false)
            self.client = client
            guard let control else {
                self.control = Lane(client)
                return
            }
            // At QoS 2 a repetition is known by its identifier, at QoS 1 it is not.
            control.unanswered.removeAll { $0.qos != .atLeastOnce }
            forget(control)
            control.link = client
            control.unanswered = []
        }

        func subscribeControl() { client?.subscribe("load/#", qos: .exactlyOnce) }

        func open(qos: QualityOfService) throws {
            settled()
            guard let client, !client.isClosed, lanes.count < 4 else { return }
            let stream = try broker.openStream(of: client)
            stream.subscribe("load/#", qos: qos)
            lanes.append(Lane(stream))
        }

        func drop() {
            if let client, !client.isClosed { broker.drop(client, settles: false) }
            client = nil
        }

        func endStream(inOrder: Bool, using random: inout SeededGenerator) {
            guard let index = lanes.indices.randomElement(using: &random) else { return }
            broker.settle()
            settled()
            let lane = lanes.remove(at: index)
            take(from: lane)
            if inOrder {
                answer(lane)
                broker.finish(lane.link)
            } else {
                broker.drop(lane.link)
            }
            forget(lane)
        }

        func setBlocked(_ isBlocked: Bool, using random: inout SeededGenerator) {
            guard let link = (lanes + [control].compactMap { $0 }).randomElement(using: &random)?.link else { return }
            if !link.isClosed { broker.setBlocked(isBlocked, link, settles: false) }
        }

        func end() {
            for lane in lanes { broker.finish(lane.link) }
            client?.disconnect(expiry: 0)
        }

        /// Takes what has come; returns whether there was anything.
        @discardableResult
        func read(answering: Bool) -> Bool {
            var hasRead = false
            for lane in lanes + [control].compactMap({ $0 }) {
                if take(from: lane) { hasRead = true }
                if answering, !lane.link.isClosed { answer(lane) }
            }
            return hasRead
        }

        @discardableResult
        private func take(from lane: Lane) -> Bool {
            let packets = lane.link.takeAll()
            for packet in packets {
                switch packet {
                case .publish(let message):
                    let payload = String(buffer: message.payload)
                    let kind = message.qos == .atLeastOnce ? PublishAcknowledgement.Kind.received : .recorded
                    let isNew = kind == .received || lane.recorded.insert(message.packetIdentifier).inserted
                    if isNew { received.append(payload) }
                    lane.unanswered.append(
                        (
                            .acknowledgement(PublishAcknowledgement(kind, message.packetIdentifier)), message.qos,
                            isNew ? payload : nil
                        )
                    )
                case .acknowledgement(let acknowledgement) where acknowledgement.kind == .release:
                    lane.recorded.remove(acknowledgement.packetIdentifier)
                    lane.unanswered.append(
                        (
                            .acknowledgement(PublishAcknowledgement(.complete, acknowledgement.packetIdentifier)),
                            .exactlyOnce, nil
                        )
                    )
                default: continue
                }
            }
            return !packets.isEmpty
        }

        private func answer(_ lane: Lane) {
            for (packet, _, _) in lane.unanswered { lane.link.send(packet, settles: false) }
            lane.unanswered = []
        }

        private func forgetLanes() {
            ending = lanes.count
            for lane in lanes {
                take(from: lane)
                forget(lane)
            }
            lanes = []
        }

        private func forget(_ lane: Lane) {
            for case let payload? in lane.unanswered.map(\.payload) {
                if let index = received.lastIndex(of: payload) { received.remove(at: index) }
            }
        }
    }

    /// Publishes at QoS 2 on any of its streams. What a stream has not finished goes on on the control stream.
    private final class WritingClient {
        private let broker: SimulatedBroker
        private var client: SimulatedClient?
        private var streams: [SimulatedClient] = []
        private var exchanges: [UInt16: Exchange] = [:]
        private var lastIdentifier: UInt16 = 0

        private struct Exchange {
            let payload: String
            var link: SimulatedClient
            var isRecorded = false
        }

        init(broker: SimulatedBroker) { self.broker = broker }

        func connect(on shard: Int) {
            let client = broker.connect("writer", on: shard, cleanStart: false, expiry: 100_000)
            self.client = client
            for identifier in exchanges.keys.sorted() { goOn(with: identifier, on: client) }
        }

        func open() throws {
            guard let client, streams.count < 4 else { return }
            streams.append(try broker.openStream(of: client))
        }

        func publish(_ payload: String, isLost: Bool, using random: inout SeededGenerator) {
            lastIdentifier += 1
            guard let link = (streams + [client].compactMap { $0 }).randomElement(using: &random) else { return }
            exchanges[lastIdentifier] = Exchange(payload: payload, link: link)
            if !isLost {
                send(lastIdentifier, payload, on: link, isDuplicate: false)
            } else if link === client {
                drop()
                connect(on: link.shard)
            } else {
                end(link, isReset: true)
            }
        }

        func endStream(using random: inout SeededGenerator) {
            if let stream = streams.randomElement(using: &random) { end(stream, isReset: Bool.random(using: &random)) }
        }

        func drop() {
            if let client { broker.drop(client, settles: false) }
            streams = []
        }

        func read(answering: Bool) {
            for link in streams + [client].compactMap({ $0 }) {
                for case .acknowledgement(let acknowledgement) in link.takeAll() {
                    let identifier = acknowledgement.packetIdentifier
                    if acknowledgement.kind == .recorded { exchanges[identifier]?.isRecorded = true }
                    if acknowledgement.kind == .complete { exchanges[identifier] = nil }
                }
                guard answering else { continue }
                for (identifier, exchange) in exchanges.sorted(by: { $0.key < $1.key })
                where exchange.isRecorded && exchange.link === link {
                    link.send(.acknowledgement(PublishAcknowledgement(.release, identifier)), settles: false)
                }
            }
        }

        func finishAll() {
            for stream in streams { end(stream, isReset: false) }
            for _ in 0..<3 {
                read(answering: true)
                broker.settle()
            }
        }

        func end() { client?.disconnect(expiry: 0) }

        private func end(_ stream: SimulatedClient, isReset: Bool) {
            streams.removeAll { $0 === stream }
            if isReset { broker.drop(stream, settles: false) } else { broker.finish(stream, settles: false) }
            guard let client else { return }
            for (identifier, exchange) in exchanges.sorted(by: { $0.key < $1.key }) where exchange.link === stream {
                goOn(with: identifier, on: client)
            }
        }

        private func goOn(with identifier: UInt16, on client: SimulatedClient) {
            guard let exchange = exchanges[identifier] else { return }
            exchanges[identifier]?.link = client
            if exchange.isRecorded {
                client.send(.acknowledgement(PublishAcknowledgement(.release, identifier)), settles: false)
            } else {
                send(identifier, exchange.payload, on: client, isDuplicate: true)
            }
        }

        private func send(_ identifier: UInt16, _ payload: String, on link: SimulatedClient, isDuplicate: Bool) {
            link.publish(
                "load/x",
                payload,
                qos: .exactlyOnce,
                identifier: identifier,
                isDuplicate: isDuplicate,
                settles: false
            )
        }
    }
}
