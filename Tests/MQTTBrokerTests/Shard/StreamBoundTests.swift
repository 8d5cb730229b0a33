import MQTTCodec
import NIOCore
import Testing

@testable import MQTTBroker

/// A client has one bound over its streams: what waits for it, and what is under way to it.
@Suite struct StreamBoundTests {
    /// A client with data streams, each subscribed to a topic that is called as its number; 0 is the control stream.
    private struct Scene {
        let broker: SimulatedBroker
        let streams: [SimulatedClient]
        let publisher: SimulatedClient

        init(streams count: Int, limits: Limits) throws {
            broker = SimulatedBroker(limits: limits)
            let client = broker.connect("c")
            streams = try [client] + (0..<count).map { [broker] _ in try broker.openStream(of: client) }
            publisher = broker.connect("p")
            for (number, stream) in streams.enumerated() {
                stream.subscribe("\(number)", qos: .exactlyOnce)
                _ = stream.takeAll()
            }
        }

        func publish(_ count: Int, to stream: Int, qos: QualityOfService = .atLeastOnce, size: Int = 0) {
            for number in 1...count {
                let text = "\(number)" + String(repeating: "x", count: size)
                publisher.publish("\(stream)", text, qos: qos, identifier: qos == .atMostOnce ? 0 : 1)
            }
        }

        func block(_ isBlocked: Bool) {
            for stream in streams { broker.setBlocked(isBlocked, stream) }
        }

        /// Takes what a stream has been sent, and acknowledges it.
        func acknowledge(_ stream: Int) -> Int {
            let messages = streams[stream].takePublishes()
            for message in messages {
                streams[stream].send(.acknowledgement(PublishAcknowledgement(.received, message.packetIdentifier)))
            }
            return messages.count
        }
    }

    @Test("At the bound a message displaces the oldest of the stream that most wait for") func count() throws {
        var limits = Limits()
        limits.maximumQueueLength = 6
        let scene = try Scene(streams: 2, limits: limits)
        scene.block(true)
        scene.publish(5, to: 1)
        scene.publish(4, to: 2)
        // The third on 2 displaces one of 1's five, and so does the next; control's only message another.
        scene.publish(1, to: 0)
        #expect(scene.broker.counters.messagesDroppedQueueFull == 4)
        scene.block(false)
        #expect(scene.streams.map { $0.takePayloads() } == [["1"], ["4", "5"], ["2", "3", "4"]])
    }

    @Test("So it is at the bound of octets") func bytes() throws {
        var limits = Limits()
        limits.maximumQueueBytes = 3_500
        let scene = try Scene(streams: 2, limits: limits)
        scene.block(true)
        scene.publish(3, to: 1, size: 1_000)
        // Many that are short, on a stream with fewer octets.
        scene.publish(8, to: 2, size: 100)
        #expect(scene.broker.counters.messagesDroppedQueueFull == 1)
        scene.publish(1, to: 2, size: 3_500)
        #expect(scene.broker.counters.messagesDroppedQueueFull == 2, "it can never fit, and displaces nothing")
        scene.block(false)
        #expect(scene.streams[1].takePayloads().map { $0.prefix(1) } == ["2", "3"])
        #expect(scene.streams[2].takePayloads().count == 8)
    }

    @Test("A message larger than all other queues leave displaces from as many as it takes") func large() throws {
        var limits = Limits()
        limits.maximumQueueBytes = 4_000
        let scene = try Scene(streams: 3, limits: limits)
        scene.block(true)
        for stream in 1...3 { scene.publish(1, to: stream, size: 1_000) }
        scene.publish(1, to: 0, size: 2_900)
        #expect(scene.broker.counters.messagesDroppedQueueFull == 2)
        scene.block(false)
        #expect(scene.streams.map { $0.takePayloads().count } == [1, 0, 0, 1])
    }

    @Test("A message at QoS 0 yields") func atMostOnce() throws {
        var limits = Limits()
        limits.maximumQueueLength = 3
        let scene = try Scene(streams: 2, limits: limits)
        scene.block(true)
        scene.publish(3, to: 1)
        scene.publish(2, to: 2, qos: .atMostOnce)
        #expect(scene.broker.counters.messagesDroppedQueueFull == 2)
        scene.block(false)
        #expect(scene.streams.map { $0.takePayloads() } == [[], ["1", "2", "3"], []])
    }

    @Test("A queue without room holds nothing", arguments: [QualityOfService.atMostOnce, .atLeastOnce])
    func nothing(qos: QualityOfService) throws {
        var limits = Limits()
        limits.maximumQueueLength = 0
        let scene = try Scene(streams: 1, limits: limits)
        scene.block(true)
        scene.publish(2, to: 1, qos: qos)
        #expect(scene.broker.counters.messagesDroppedQueueFull == 2)
        scene.block(false)
        #expect(scene.streams[1].takePayloads().isEmpty)
    }

    @Test("Streams share the client's window, and one alone has it whole") func window() throws {
        var limits = Limits()
        limits.maximumInflight = 8
        let scene = try Scene(streams: 3, limits: limits)
        scene.publish(20, to: 1)
        let first = scene.streams[1].takePublishes()
        #expect(first.count == 8)
        // The others have their share of two, and go on when theirs are acknowledged.
        for stream in [0, 2, 3] { scene.publish(5, to: stream) }
        #expect(scene.acknowledge(2) == 2)
        #expect(scene.acknowledge(2) == 2)
        #expect(scene.acknowledge(2) == 1)
        #expect(scene.streams[0].takePublishes().count == 2)
        #expect(scene.streams[3].takePublishes().count == 2)
        // Twelve are under way. As the first comes down to its share, what the rest leaves is anybody's.
        for message in first {
            scene.streams[1].send(.acknowledgement(PublishAcknowledgement(.received, message.packetIdentifier)))
        }
        #expect(scene.streams[1].takePublishes().count == 4)
        #expect(scene.broker.counters.messagesDroppedQueueFull == 0)
    }

    @Test("With more streams than the window has room each has one message") func narrowWindow() throws {
        var limits = Limits()
        limits.maximumInflight = 2
        let scene = try Scene(streams: 5, limits: limits)
        for stream in 0...5 { scene.publish(3, to: stream) }
        for _ in 0..<2 { #expect((1...5).map { scene.acknowledge($0) } == [1, 1, 1, 1, 1]) }
        #expect(scene.acknowledge(0) == 2, "it was first")
    }

    @Test("Retained messages that wait are counted over all streams") func retained() throws {
        var limits = Limits()
        limits.maximumRetainedBacklog = 5
        limits.maximumInflight = 1
        let scene = try Scene(streams: 2, limits: limits)
        for number in 1...4 {
            scene.publisher.publish("r/\(number)", "x", qos: .atLeastOnce, identifier: 1, retain: true)
        }
        scene.block(true)
        for stream in scene.streams { stream.subscribe("r/+", qos: .atLeastOnce) }
        #expect(scene.broker.counters.messagesDroppedQueueFull == 2, "one for each stream that has no room for all")
    }
}
