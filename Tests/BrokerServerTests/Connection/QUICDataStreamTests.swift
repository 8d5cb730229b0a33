import MQTTBroker
import MQTTClient
import MQTTCodec
import NIOCore
import NIOPosix
import Testing

@testable import BrokerServer

/// Data streams as a client of ours uses them against a running broker.
@Suite(.timeLimit(.minutes(10))) struct QUICDataStreamTests {
    private func connected(
        loops: Int = 2,
        version: ProtocolVersion = .v5,
        will: Connect.Will? = nil,
        configure: (inout BrokerServerConfiguration) -> Void = { _ in },
        _ body: @escaping @Sendable (RunningBroker, MQTTClient) async throws -> Void
    ) async throws {
        try await RunningBroker.run(loops: loops, configure: configure) { broker, _ in
            let client = try broker.client("c", over: .quic, version: version, will: will)
            _ = try await client.connect()
            try await body(broker, client)
            await client.disconnect()
        }
    }

    @Test("Messages go and come on data streams at every QoS", arguments: ProtocolVersion.allCases)
    func messages(version: ProtocolVersion) async throws {
        try await connected(version: version) { _, client in
            let writing = try await client.openStream()
            let reading = try await client.openStream()
            for qos in QualityOfService.allCases {
                #expect(
                    try await client.subscribe(
                        [.init(topicFilter: "\(qos)", options: SubscriptionOptions(maximumQoS: qos))],
                        on: reading
                    ) == [ReasonCode(rawValue: qos.rawValue)]
                )
                for number in 0..<20 {
                    let code = try await client.publish(Publish("\(qos)", "\(number)", qos: qos), on: writing)
                    #expect(!code.isError)
                }
                for number in 0..<20 {
                    let message = try await client.nextMessage(on: reading)
                    #expect(message.map { String(buffer: $0.payload) } == "\(number)")
                    #expect(message?.qos == qos)
                }
            }
            try await client.close(writing)
            try await client.close(reading)
        }
    }

    @Test("Each stream has its copy of what it subscribed to, and ends its own subscriptions only")
    func copies() async throws {
        try await connected { _, client in
            let streams = [try await client.openStream(), try await client.openStream()]
            for stream in streams { try await client.subscribe([.init(topicFilter: "a")], on: stream) }
            #expect(try await client.unsubscribe(["a"]) == [.noSubscriptionExisted])
            try await client.publish(Publish("a", "both", qos: .atLeastOnce))
            for stream in streams { #expect(try await client.nextPayload(on: stream) == "both") }
            #expect(try await client.unsubscribe(["a"], on: streams[0]) == [.success])
            try await client.publish(Publish("a", "one", qos: .atLeastOnce))
            #expect(try await client.nextPayload(on: streams[1]) == "one")
            try await client.close(streams[1])
            #expect(try await client.publish(Publish("a", "nobody", qos: .atLeastOnce)) == .noMatchingSubscribers)
        }
    }

    @Test("A violation ends its stream with its reason, publishes no will, and leaves the others")
    func violation() async throws {
        let will = Connect.Will(topic: ByteBuffer(string: "will"), payload: ByteBuffer(string: "gone"))
        try await connected(will: will) { broker, client in
            let watcher = try broker.client("w", over: .tcp)
            _ = try await watcher.connect()
            try await watcher.subscribe("#")
            let stream = try await client.openStream()
            let other = try await client.openStream()
            // A topic name with a wildcard [MQTT-3.3.2-2].
            try await client.post(Publish("a/#", "x"), on: stream)
            let error = await #expect(throws: ClientError.self) { try await client.nextMessage(on: stream) }
            guard case .streamEnded(let code)? = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(code >= 0x80)
            try await client.publish(Publish("other", "lives", qos: .atLeastOnce), on: other)
            try await client.publish(Publish("control", "lives", qos: .atLeastOnce))
            let fresh = try await client.openStream()
            try await client.publish(Publish("fresh", "lives", qos: .atLeastOnce), on: fresh)
            for topic in ["other", "control", "fresh"] {
                #expect(try await watcher.nextMessage().map { String(buffer: $0.topic) } == topic)
            }
            await watcher.disconnect()
        }
    }

    @Test(
        "What a stream had not acknowledged when it ended goes on on the connection: nothing is lost, nor comes twice"
    )
    func reset() async throws {
        try await connected(configure: { $0.limits.maximumQueueLength = 10_000 }) { broker, client in
            let subscriber = try broker.client("s", over: .tcp)
            _ = try await subscriber.connect()
            try await subscriber.subscribe("up", qos: .exactlyOnce)
            var sent: [String] = []
            for round in 0..<20 {
                let stream = try await client.openStreamWhenAllowed()
                for number in 0..<15 {
                    sent.append("\(round):\(number)")
                    try await client.post(Publish("up", "\(round):\(number)", qos: .exactlyOnce), on: stream)
                }
                await client.reset(stream)
            }
            var received: [String] = []
            for _ in sent { received.append(try await subscriber.nextPayload() ?? "") }
            #expect(received.sorted() == sent.sorted())
            try await client.publish(Publish("up", "last", qos: .exactlyOnce))
            #expect(try await subscriber.nextPayload() == "last")
            await subscriber.disconnect()
        }
    }

    @Test("A reader that stops on one stream is bounded, and delays no other stream") func stuckStream() async throws {
        try await RunningBroker.run(loops: 1, configure: { $0.limits.maximumQueueLength = 50 }) { broker, _ in
            let client = try broker.client("c", over: .quic, messageLimit: 10)
            _ = try await client.connect()
            let stuck = try await client.openStream()
            let quick = try await client.openStream()
            for stream in [stuck, quick] { try await client.subscribe([.init(topicFilter: "flood")], on: stream) }
            let publisher = try broker.client("p", over: .tcp)
            _ = try await publisher.connect()
            let payload = String(repeating: "x", count: 10_000)
            for number in 0..<1000 {
                try await publisher.post(Publish("flood", "\(number) \(payload)"))
                #expect(try await client.nextPayload(on: quick)?.hasPrefix("\(number) ") == true)
            }
            try await client.publish(Publish("elsewhere", "works", qos: .atLeastOnce))
            await publisher.disconnect()
            await client.disconnect()
        }
    }

    @Test("As many streams as the listener allows, and others after those") func limit() async throws {
        try await connected { _, client in
            var streams: [ClientStreamID] = []
            let error = await #expect(throws: ClientError.self) {
                while true { streams.append(try await client.openStream()) }
            }
            #expect(error == .streamLimitReached)
            #expect(streams.count == 9)
            for stream in streams { try await client.close(stream) }
            let stream = try await client.openStreamWhenAllowed()
            try await client.publish(Publish("a", "b", qos: .exactlyOnce), on: stream)
        }
    }

    @Test("Packets on a data stream alone keep a client alive") func keepAlive() async throws {
        try await RunningBroker.run { broker, _ in
            for _ in 0..<10 {
                let raw = try await RawQUIC.open(to: broker)
                try await raw.open(RawQUIC.connect("c", keepAlive: 1))
                try await raw.wait("CONNACK") { $0.received[0] != nil }
                let stream = try await raw.open(RawQUIC.octets(.pingRequest))
                var longest = Duration.zero
                for _ in 0..<6 {
                    let begun = ContinuousClock.now
                    try await Task.sleep(for: .milliseconds(500))
                    await raw.send(RawQUIC.octets(.pingRequest), on: stream)
                    longest = max(longest, begun.duration(to: .now))
                }
                let reason = await raw.reason
                // A machine too busy for PINGREQ to leave in time says nothing of the broker.
                if reason != nil, longest > .milliseconds(1_300) { continue }
                #expect(reason == nil)
                try await raw.wait("keep alive") { $0.reason != nil }
                return
            }
        }
    }

    @Test("A goodbye comes after all that went over data streams") func goodbye() async throws {
        try await RunningBroker.run { broker, _ in
            let subscriber = try broker.client("s", over: .tcp)
            _ = try await subscriber.connect()
            try await subscriber.subscribe("#")
            let client = try broker.client("c", over: .quic)
            _ = try await client.connect()
            for _ in 0..<4 {
                let stream = try await client.openStream()
                for _ in 0..<50 {
                    try await client.post(Publish("a", String(repeating: "x", count: 5000)), on: stream)
                }
            }
            await client.disconnect()
            for _ in 0..<200 { #expect(try await subscriber.nextPayload()?.count == 5000) }
            await subscriber.disconnect()
        }
    }

    @Test("A stream whose reader has stopped does not turn a goodbye into a break") func goodbyeBesideStuckStream()
        async throws
    {
        try await RunningBroker.run(loops: 1) { broker, _ in
            let watcher = try broker.client("w", over: .tcp)
            _ = try await watcher.connect()
            try await watcher.subscribe("will")
            let will = Connect.Will(topic: ByteBuffer(string: "will"), payload: ByteBuffer(string: "gone"))
            let client = try broker.client("c", over: .quic, will: will, messageLimit: 10)
            _ = try await client.connect()
            let stuck = try await client.openStream()
            try await client.subscribe([.init(topicFilter: "flood")], on: stuck)
            let payload = String(repeating: "x", count: 10_000)
            for _ in 0..<200 { try await watcher.publish(Publish("flood", payload, qos: .atLeastOnce)) }
            await client.disconnect()
            // Everything that the end of the connection leads to has happened when its session is gone.
            let heir = try broker.client("c", over: .quic)
            _ = try await heir.connect()
            await heir.disconnect()
            try await watcher.publish(Publish("will", "nobody", qos: .atLeastOnce))
            #expect(try await watcher.nextPayload() == "nobody")
            await watcher.disconnect()
        }
    }

    @Test("A client of ours sends on data streams before CONNACK, and what it sends is handled after it")
    func early() async throws {
        let asked = AsyncStream.makeStream(of: Void.self)
        try await RunningBroker.run(configure: { configuration in
            configuration.authentication = .costly { _ in
                asked.continuation.yield()
                return .allowed
            }
        }) { broker, _ in
            let subscriber = try broker.client("s", over: .tcp)
            _ = try await subscriber.connect()
            try await subscriber.subscribe("early/#", qos: .exactlyOnce)
            let early = try EarlyClient(broker)
            try await early.run()
            var topics: Set<String> = []
            for _ in 0..<4 { topics.insert(try await subscriber.nextMessage().map { String(buffer: $0.topic) } ?? "") }
            #expect(topics == ["early/0", "early/1", "early/2", "early/3"])
            await subscriber.disconnect()
        }
    }
}

extension MQTTClient {
    /// A stream that has ended is given back a moment later.
    fileprivate func openStreamWhenAllowed() async throws -> ClientStreamID {
        for _ in 0..<24_000 {
            do throws(ClientError) {
                return try openStream()
            } catch {
                guard error == .streamLimitReached else { throw error }
            }
            try await Task.sleep(for: .milliseconds(5))
        }
        throw ClientError.streamLimitReached
    }
}

/// Opens four data streams as soon as its transport is up, as deployed clients do, and publishes on each at once.
private actor EarlyClient: ClientLinkDelegate {
    nonisolated var unownedExecutor: UnownedSerialExecutor { eventLoop.executor.asUnownedSerialExecutor() }
    private nonisolated let eventLoop: any EventLoop
    private let target: ConnectionTarget
    private var connection: ClientConnection?
    private var streams: [ClientLink] = []
    private var acknowledged = 0
    private var done: CheckedContinuation<Void, any Error>?

    init(_ broker: RunningBroker) throws {
        eventLoop = MultiThreadedEventLoopGroup.singleton.next()
        target = ConnectionTarget(
            addresses: broker.address(.quic).map { [$0] } ?? [],
            transport: .quic(serverName: "localhost", trust: .insecure)
        )
    }

    func run() async throws {
        let loop = ClientLoop(eventLoop: eventLoop)
        let connection = ClientConnection(
            configuration: ClientConfiguration(connect: Connect(clientIdentifier: "early")),
            target: target,
            loop: loop
        )
        self.connection = connection
        connection.control.delegate = self
        try await withCheckedThrowingContinuation { continuation in
            done = continuation
            connection.connect()
        }
        connection.disconnect()
        try await loop.shutdown().get()
    }

    nonisolated func linkOpened(_ link: ClientLink) {
        assumeIsolated { client in
            do {
                for number in 0..<4 {
                    guard let stream = try client.connection?.openStream() else { return }
                    stream.delegate = client
                    client.streams.append(stream)
                    let message = Publish("early/\(number)", "x", qos: .exactlyOnce)
                    try stream.publish(message, token: UInt64(number), now: .now())
                }
            } catch {
                client.finish(error)
            }
        }
    }

    nonisolated func link(_ link: ClientLink, received event: ClientEvent) {
        let isControl = link.id == .control
        assumeIsolated { client in
            switch event {
            case .published where !isControl:
                client.acknowledged += 1
                if client.acknowledged == 4 { client.finish(nil) }
            case .closed(let error) where isControl:
                client.finish(error ?? .notConnected)
            default: break
            }
        }
    }

    nonisolated func linkBecameWritable(_ link: ClientLink) {}

    private func finish(_ error: (any Error)?) {
        if let error { done?.resume(throwing: error) } else { done?.resume() }
        done = nil
    }
}
