import MQTTCodec
import NIOCore
import Testing

@testable import MQTTBroker

/// Long queues whose middle is on disk only.
@Suite struct SegmentTests {
    private struct Scene {
        let broker: SimulatedBroker
        let publisher: SimulatedClient
        var sent: [String] = []

        /// - Parameters:
        ///   - most: messages of each queue at most.
        ///   - memory: octets of all queues in memory at most, about.
        ///   - alone: octets of each queue in memory at most.
        init(most: Int = 1_000_000, memory: Int = 2_000, alone: Int = 1 << 20) {
            var limits = Limits()
            limits.maximumQueueBytesInMemory = alone
            limits.maximumQueueLength = most
            limits.maximumQueueMemory = memory
            limits.queueSegmentBytes = 500...1_000
            limits.maximumInflight = 10
            broker = SimulatedBroker(limits: limits, hasStore: true)
            publisher = broker.connect("publisher")
        }

        func away(_ name: String = "away", qos: QualityOfService = .atLeastOnce) {
            let client = broker.connect(name, expiry: 1_000)
            client.subscribe("a", qos: qos)
            broker.drop(client)
        }

        mutating func publish(_ count: Int, qos: QualityOfService = .atLeastOnce) {
            for _ in 0..<count {
                sent.append("message \(sent.count)")
                publisher.publish("a", sent[sent.count - 1], qos: qos, identifier: UInt16(sent.count))
                if qos == .exactlyOnce {
                    publisher.send(.acknowledgement(PublishAcknowledgement(.release, UInt16(sent.count))))
                }
            }
        }

        /// What a client gets that comes back and acknowledges everything.
        func fetched(by name: String = "away", atMost: Int = .max) -> [String] {
            let client = broker.connect(name, cleanStart: false, expiry: 1_000)
            defer { broker.drop(client) }
            return fetched(on: client, atMost: atMost)
        }

        func fetched(on client: SimulatedClient, atMost: Int = .max) -> [String] {
            var payloads: [String] = []
            while payloads.count < atMost {
                let messages = client.takePublishes()
                if messages.isEmpty { return payloads }
                for message in messages.prefix(atMost - payloads.count) {
                    payloads.append(String(buffer: message.payload))
                    let identifier = message.packetIdentifier
                    if message.qos == .exactlyOnce {
                        client.send(.acknowledgement(PublishAcknowledgement(.recorded, identifier)))
                        client.send(.acknowledgement(PublishAcknowledgement(.complete, identifier)))
                    } else {
                        client.send(.acknowledgement(PublishAcknowledgement(.received, identifier)))
                    }
                }
            }
            return payloads
        }

        var segments: Int { broker.store?.segments.count ?? 0 }
        var memory: Int { broker.shards[0].shard.lanes.queueMemory.octets }
    }

    @Test(
        "A long queue has little of the memory, and comes back whole and in order",
        arguments: [
            QualityOfService.atLeastOnce, .exactlyOnce,
        ]
    )
    func longQueue(qos: QualityOfService) throws {
        var scene = Scene()
        scene.away(qos: qos)
        scene.publish(1_000, qos: qos)
        #expect(scene.segments > 10)
        #expect(scene.memory < 4_000)
        #expect(scene.fetched() == scene.sent)
        #expect(scene.segments == 0)
        #expect(scene.memory == 0)
        #expect(scene.broker.counters.segmentsWritten > 10)
        try scene.broker.expectLogIsTrue()
    }

    @Test("Queues that fit the memory stay there") func shortQueue() {
        var scene = Scene(memory: 1 << 20)
        scene.away()
        scene.publish(1_000)
        #expect(scene.segments == 0)
        #expect(scene.fetched() == scene.sent)
    }

    @Test("One queue does not have all of the memory that there is") func veryLongQueue() throws {
        var scene = Scene(memory: 1 << 20, alone: 5_000)
        scene.away()
        scene.publish(1_000)
        #expect(scene.segments > 5)
        #expect(scene.memory < 6_000)
        #expect(scene.fetched() == scene.sent)
        try scene.broker.expectLogIsTrue()
    }

    @Test("Cleaning writes a very long queue in parts, though its messages are those of many, and each once")
    func cleaningInParts() throws {
        var scene = Scene(memory: 1 << 20, alone: 5_000)
        let names = (0..<9).map { "away \($0)" }
        for name in names { scene.away(name) }
        scene.publish(1_000)
        #expect(scene.segments == 0)
        scene.broker.clean()
        scene.broker.settle()
        let largest = try #require(scene.broker.store?.commits.map(\.readableBytes).max())
        #expect(largest < 10_000)
        let segments = scene.segments
        #expect(segments > 50)
        scene.broker.clean()
        scene.broker.settle()
        #expect(scene.segments == segments)
        for name in names { #expect(scene.fetched(by: name) == scene.sent) }
        try scene.broker.expectLogIsTrue()
    }

    @Test("Cleaning ends, though a very long queue grows faster") func cleaningOfGrowth() throws {
        var scene = Scene(memory: 1 << 20, alone: 5_000)
        for name in 0..<9 { scene.away("away \(name)") }
        scene.publish(1_000)
        let now = scene.broker.now
        scene.broker.shards[0].shard.beginCleaning()
        var steps = 0
        while scene.broker.shards[0].shard.isCleaning, steps < 1_000 {
            _ = scene.broker.shards[0].shard.clean(octets: 1, now: now)
            scene.publish(100)
            steps += 1
        }
        #expect(steps < 1_000)
        for name in 0..<9 { #expect(scene.fetched(by: "away \(name)") == scene.sent) }
        try scene.broker.expectLogIsTrue()
    }

    @Test("What a client has fetched of a segment does not come again, and the rest does, also after a crash")
    func parts() throws {
        for crashes in [false, true] {
            var scene = Scene()
            scene.away()
            scene.publish(300)
            var fetched: [String] = []
            while fetched.count < 300 {
                fetched += scene.fetched(atMost: 7)
                // What is under way when the client goes is sent again.
                scene.broker.settle()
                if crashes { scene.broker.crash(shards: 1) }
                try scene.broker.expectLogIsTrue()
            }
            #expect(fetched == scene.sent)
            #expect(scene.segments == 0)
        }
    }

    @Test("New messages come behind those on disk, to a client that is present as well") func newMessages() {
        var scene = Scene()
        scene.away()
        scene.publish(200)
        let client = scene.broker.connect("away", cleanStart: false, expiry: 1_000)
        var fetched = scene.fetched(on: client, atMost: 50)
        scene.publish(200)
        fetched += scene.fetched(on: client, atMost: 200)
        scene.publish(10)
        fetched += scene.fetched(on: client)
        #expect(fetched == scene.sent)
    }

    @Test("The oldest messages give way at the bound, wherever they are") func displaced() throws {
        var scene = Scene(most: 100)
        scene.away()
        scene.publish(555)
        #expect(scene.fetched() == Array(scene.sent.suffix(100)))
        #expect(scene.segments == 0)
        try scene.broker.expectLogIsTrue()
    }

    @Test("A session that ends takes its segments along") func ended() {
        var scene = Scene()
        scene.away()
        scene.publish(300)
        #expect(scene.segments > 0)
        scene.broker.advance(by: .seconds(1_001))
        scene.broker.settle()
        #expect(scene.segments == 0)
    }

    @Test("Messages that many get are in memory once and not on disk for each") func shared() {
        var scene = Scene()
        for number in 0...Limits().maximumSegmentCopies { scene.away("away \(number)") }
        scene.publish(200)
        #expect(scene.segments == 0)
        for number in 0...Limits().maximumSegmentCopies { #expect(scene.fetched(by: "away \(number)") == scene.sent) }
    }

    @Test("Cleaning writes of a segment only where it is") func cleaning() throws {
        var scene = Scene()
        scene.away()
        scene.publish(1_000)
        try scene.broker.expectLogIsTrue()
        #expect(scene.broker.store?.octets.readableBytes ?? .max < 8_000)
        scene.broker.crash(shards: 1)
        #expect(scene.fetched() == scene.sent)
    }

    @Test("A segment that cannot be read is lost alone, and counted") func lost() throws {
        var scene = Scene()
        scene.away()
        scene.publish(300)
        let first = try #require(scene.broker.store?.segments.keys.min())
        scene.broker.damageSegment(first)
        let fetched = scene.fetched()
        #expect(fetched == scene.sent.filter { fetched.contains($0) })
        #expect(fetched.count + Int(scene.broker.counters.messagesLost) == 300)
        #expect(scene.broker.counters.segmentsLost == 1)
        try scene.broker.expectLogIsTrue()
    }
}
