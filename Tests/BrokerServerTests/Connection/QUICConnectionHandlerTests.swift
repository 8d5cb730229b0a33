import MQTTBroker
import MQTTClient
import MQTTCodec
import NIOCore
import QUICTransport
import Testing

@testable import BrokerServer

/// Streams of a QUIC connection and their ends, octet by octet.
@Suite(.timeLimit(.minutes(10))) struct QUICConnectionHandlerTests {
    /// A connected client whose will would be seen by another.
    private func connected(
        configure: (inout BrokerServerConfiguration) -> Void = { _ in },
        _ body: @escaping @Sendable (RunningBroker, RawQUIC) async throws -> Void
    ) async throws {
        try await RunningBroker.run(configure: configure) { broker, _ in
            let raw = try await RawQUIC.open(to: broker)
            try await raw.openControl("raw", expiry: 60)
            try await body(broker, raw)
            await raw.close(code: 0)
        }
    }

    private static func code(_ reason: ReasonCode) -> UInt64 { UInt64(reason.rawValue) }

    @Test(
        "What a data stream must not bring ends it, and nothing else",
        arguments: [
            (
                ByteBuffer(bytes: [0x10, 0x0D, 0, 4, 0x4D, 0x51, 0x54, 0x54, 5, 2, 0, 0, 0, 0, 0]),
                ReasonCode.protocolError
            ),
            (ByteBuffer(bytes: [0xF0, 0x00]), .protocolError), (ByteBuffer(bytes: [0x00, 0x00]), .malformedPacket),
            (ByteBuffer(bytes: [0x30, 0xFF, 0xFF, 0xFF, 0x7F]), .packetTooLarge),
            (ByteBuffer(bytes: [0x20, 0x03, 0, 0, 0]), .protocolError),
        ]
    )
    func violations(octets: ByteBuffer, reason: ReasonCode) async throws {
        try await connected { _, raw in
            let other = try await raw.open(RawQUIC.octets(.pingRequest))
            try await raw.expect(.pingResponse, on: other)
            let stream = try await raw.open(octets)
            try await raw.wait("end") { $0.resets[stream] != nil && $0.stops[stream] != nil }
            #expect(await raw.resets[stream] == Self.code(reason))
            #expect(await raw.received[stream] == nil, "no CONNACK, no DISCONNECT")
            await raw.send(RawQUIC.octets(.pingRequest), on: other)
            try await raw.expect(.pingResponse, on: other)
            await raw.send(RawQUIC.octets(.pingRequest))
            try await raw.expect(.pingResponse, on: 0)
            let fresh = try await raw.open(RawQUIC.octets(.pingRequest))
            try await raw.expect(.pingResponse, on: fresh)
        }
    }

    @Test("The end of what a client sends on a data stream is answered by the end of ours, behind all answers")
    func finished() async throws {
        try await connected { _, raw in
            let publish = Publish("a", "x", qos: .atLeastOnce)
            var numbered = publish
            numbered.packetIdentifier = 3
            let stream = try await raw.open(RawQUIC.octets(.publish(numbered)))
            await raw.finish(stream)
            try await raw.wait("end") { $0.closed.contains(stream) }
            #expect(await raw.finished.contains(stream))
            #expect(await raw.resets[stream] == nil)
            let answer = PublishAcknowledgement(.received, 3, reasonCode: .noMatchingSubscribers)
            #expect(try await raw.takePackets(stream) == [.acknowledgement(answer)])
        }
    }

    @Test("DISCONNECT on a data stream ends it alone") func disconnect() async throws {
        try await connected { _, raw in
            let stream = try await raw.open(RawQUIC.octets(.disconnect(Disconnect(reasonCode: .normalDisconnection))))
            try await raw.wait("end") { $0.finished.contains(stream) }
            await raw.send(RawQUIC.octets(.pingRequest))
            try await raw.expect(.pingResponse, on: 0)
        }
    }

    @Test("A half of a data stream that is abandoned takes the other along, with the same code")
    func abandoned() async throws {
        try await connected { _, raw in
            let reset = try await raw.open(RawQUIC.octets(.pingRequest))
            try await raw.expect(.pingResponse, on: reset)
            await raw.reset(reset, code: 7)
            try await raw.wait("reset") { $0.resets[reset] == 7 }
            let stopped = try await raw.open(RawQUIC.octets(.pingRequest))
            try await raw.expect(.pingResponse, on: stopped)
            await raw.stopSending(stopped, code: 9)
            try await raw.wait("stop") { $0.stops[stopped] != nil }
            await raw.send(RawQUIC.octets(.pingRequest))
            try await raw.expect(.pingResponse, on: 0)
        }
    }

    @Test("Streams are given back: more of them in turn than may be open at once") func replenished() async throws {
        try await connected { _, raw in
            var open: [Int64] = []
            while let stream = try? await raw.open(RawQUIC.octets(.pingRequest)) { open.append(stream) }
            #expect(open.count == 9, "the control stream is the tenth")
            for _ in 0..<30 {
                await raw.finish(open.removeFirst())
                let stream = try await raw.openWhenAllowed(RawQUIC.octets(.pingRequest))
                try await raw.expect(.pingResponse, on: stream)
                open.append(stream)
            }
        }
    }

    @Test("The end of the control stream ends the connection: code 1 without DISCONNECT, 0 with it")
    func controlEnded() async throws {
        typealias Step = @Sendable (RawQUIC) async -> Void
        let ends: [(Step, UInt64)] = [
            ({ await $0.finish() }, 1), ({ await $0.reset(code: 5) }, 1), ({ await $0.stopSending(code: 5) }, 1),
            ({ await $0.send(RawQUIC.octets(.disconnect(Disconnect(reasonCode: .normalDisconnection)))) }, 0),
        ]
        for (end, code) in ends {
            try await connected { _, raw in
                let stream = try await raw.open(RawQUIC.octets(.pingRequest))
                try await raw.expect(.pingResponse, on: stream)
                await end(raw)
                try await raw.wait("close") { $0.reason != nil }
                #expect(await raw.reason == .application(by: .peer, code: code, reason: ""))
            }
        }
    }

    @Test("DISCONNECT and the end of the control stream at once are a goodbye") func goodbye() async throws {
        try await connected { _, raw in
            await raw.send(RawQUIC.octets(.disconnect(Disconnect(reasonCode: .normalDisconnection))))
            await raw.finish()
            try await raw.wait("close") { $0.reason != nil }
            #expect(await raw.reason == .application(by: .peer, code: 0, reason: ""))
        }
    }

    /// The code that stops the control stream beside it is seen by Tests/Outside/test_streams.py.
    @Test("A take-over is told by DISCONNECT on the control stream, and nothing on the others") func takeOver()
        async throws
    {
        try await connected { broker, raw in
            let stream = try await raw.open(RawQUIC.octets(.pingRequest))
            try await raw.expect(.pingResponse, on: stream)
            let newer = try broker.client("raw", over: .tcp, cleanStart: false, expiry: 60)
            #expect(try await newer.connect().sessionPresent)
            try await raw.wait("close") { $0.reason != nil }
            #expect(
                try await raw.takePackets(0) == [.disconnect(Disconnect(reasonCode: .sessionTakenOver))]
            )
            #expect(try await raw.takePackets(stream).isEmpty)
            #expect(await raw.reason == .application(by: .peer, code: 0, reason: ""))
            await newer.disconnect()
        }
    }

    @Test("A connection that the client closes ends all its streams") func closed() async throws {
        try await connected { broker, raw in
            let watcher = try broker.client("w", over: .tcp)
            _ = try await watcher.connect()
            let filter = Subscribe(packetIdentifier: 1, subscriptions: [.init(topicFilter: "a")])
            let stream = try await raw.open(RawQUIC.octets(.subscribe(filter)))
            try await raw.wait("SUBACK") { $0.received[stream] != nil }
            #expect(try await watcher.publish(Publish("a", "x", qos: .atLeastOnce)) == .success)
            await raw.close(code: 0)
            for attempt in 0..<24_000 {
                if try await watcher.publish(Publish("a", "x", qos: .atLeastOnce)) == .noMatchingSubscribers { break }
                #expect(attempt < 23_999)
                try await Task.sleep(for: .milliseconds(5))
            }
            await watcher.disconnect()
        }
    }

    @Test("Overload is told by code 2") func overload() async throws {
        try await RunningBroker.run(loops: 1, configure: { $0.limits.maximumSessions = 0 }) { broker, _ in
            let raw = try await RawQUIC.open(to: broker)
            try await raw.open(RawQUIC.connect("c"))
            try await raw.wait("close") { $0.reason != nil }
            #expect(await raw.reason == .application(by: .peer, code: 2, reason: ""))
        }
    }

    @Test("What data streams bring before CONNECT waits under flow control, and is handled after it")
    func early() async throws {
        try await RunningBroker.run { broker, _ in
            let watcher = try broker.client("w", over: .tcp)
            _ = try await watcher.connect()
            try await watcher.subscribe("early/#", qos: .atLeastOnce)
            let raw = try await RawQUIC.open(to: broker)
            let control = try await raw.open(ByteBuffer())
            // More than a stream's window, so that it needs credit that is not given yet.
            var publish = Publish("early/large", String(repeating: "x", count: 200_000), qos: .atLeastOnce)
            publish.packetIdentifier = 1
            let large = try await raw.open(RawQUIC.octets(.publish(publish)))
            publish = Publish("early/small", "small", qos: .atLeastOnce)
            publish.packetIdentifier = 1
            let small = try await raw.open(RawQUIC.octets(.publish(publish)))
            await raw.finish(small)
            try await Task.sleep(for: .milliseconds(200))
            #expect(await raw.isUntouched)
            await raw.send(RawQUIC.connect("early"), on: control)
            for stream in [large, small] {
                try await raw.expect(.acknowledgement(PublishAcknowledgement(.received, 1)), on: stream)
            }
            try await raw.wait("end") { $0.finished.contains(small) }
            let payloads = [try await watcher.nextPayload()?.count, try await watcher.nextPayload()?.count]
            #expect(payloads.compactMap { $0 }.sorted() == [5, 200_000])
            await raw.close(code: 0)
            await watcher.disconnect()
        }
    }

    @Test("What is held before CONNECT is bounded") func earlyBound() async throws {
        try await RunningBroker.run(configure: { $0.limits.maximumEarlyBytes = 100_000 }) { broker, _ in
            let raw = try await RawQUIC.open(to: broker)
            let control = try await raw.open(ByteBuffer())
            var streams: [Int64] = []
            for _ in 0..<3 { streams.append(try await raw.open(ByteBuffer(repeating: 0x30, count: 60_000))) }
            try await raw.wait("refusal") { $0.resets.count >= 1 }
            #expect(await raw.resets.values.allSatisfy { $0 == Self.code(.quotaExceeded) })
            await raw.send(RawQUIC.connect("c"), on: control)
            try await raw.wait("CONNACK") { $0.received[control] != nil }
            await raw.close(code: 0)
        }
    }
}
