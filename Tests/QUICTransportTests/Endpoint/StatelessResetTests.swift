import NIOCore
import Testing

@testable import QUICTransport

/// Stateless resets (RFC 9000 §10.3).
@Suite struct StatelessResetTests {
    /// The server starts anew with the same secret; a client of the old one learns it by its next packet.
    @Test func clientLearnsThatItsServerHasForgotten() async throws {
        try await Scene.run { scene in
            let pair = try await scene.pair()
            let bystander = try await scene.client()
            let address = pair.server.localAddress
            let stream = try pair.connection.openBidirectionalStream()
            try await pair.server.vanish()
            let server = try await scene.listenAgain(on: address, configure: Self.nextRun)
            let (_, other) = try await scene.connect(bystander, to: address)
            stream.write(ByteBuffer(repeating: 1, count: 100))
            try await scene.until("reset") { pair.recorder.reason != nil }
            #expect(pair.recorder.reason == .statelessReset)
            // By the first packet of it that came. An acknowledgement may be on its way beside it.
            #expect((1...2).contains(server.counters.resetsSent))
            #expect(server.counters.dropped.unknownConnection == 0)
            #expect(pair.client.counters.resetsReceived == 1)
            #expect(other.reason == nil)
            try await scene.until("forgotten") { pair.client.table.identifierCount == 0 }
        }
    }

    private static func nextRun(_ configuration: inout QUICServerConfiguration) {
        configuration.identifiers.incarnation = 1
    }

    /// A node that was given a new secret still answers for connections that it had under the old one.
    @Test func resetsOutliveASecret() async throws {
        try await Scene.run { scene in
            let pair = try await scene.pair()
            let address = pair.server.localAddress
            let stream = try pair.connection.openBidirectionalStream()
            try await pair.server.vanish()
            _ = try await scene.listenAgain(on: address) {
                Self.nextRun(&$0)
                $0.identifiers.otherSecrets = [0: $0.staticSecret]
                $0.identifiers.rotation = 1
                $0.staticSecret = [UInt8](repeating: 9, count: 32)
            }
            stream.write(ByteBuffer(repeating: 1, count: 100))
            try await scene.until("reset") { pair.recorder.reason != nil }
            #expect(pair.recorder.reason == .statelessReset)
        }
    }

    /// In each form of identifiers.
    @Test(arguments: [QUICIdentifierConfiguration.Mode.plain, .aws(serverID: 5)])
    func clearIdentifiersAreResetToo(mode: QUICIdentifierConfiguration.Mode) async throws {
        try await Scene.run { scene in
            let pair = try await scene.pair(configureServer: { $0.identifiers.mode = mode })
            let address = pair.server.localAddress
            let stream = try pair.connection.openBidirectionalStream()
            try await pair.server.vanish()
            _ = try await scene.listenAgain(on: address) {
                Self.nextRun(&$0)
                $0.identifiers.mode = mode
            }
            stream.write(ByteBuffer(repeating: 1, count: 100))
            try await scene.until("reset") { pair.recorder.reason != nil }
            #expect(pair.recorder.reason == .statelessReset)
        }
    }

    /// A client of many on one socket: the reset ends the one that it is for.
    @Test func resetEndsOneConnectionOfASocket() async throws {
        try await Scene.run { scene in
            let first = try await scene.listen()
            let second = try await scene.listen()
            let client = try await scene.client()
            let (lost, lostRecorder) = try await scene.connect(client, to: first.localAddress)
            let (_, keptRecorder) = try await scene.connect(client, to: second.localAddress)
            let address = first.localAddress
            let stream = try lost.openBidirectionalStream()
            try await first.vanish()
            _ = try await scene.listenAgain(on: address, configure: Self.nextRun)
            stream.write(ByteBuffer(repeating: 1, count: 100))
            try await scene.until("reset") { lostRecorder.reason != nil }
            #expect(lostRecorder.reason == .statelessReset)
            #expect(keptRecorder.reason == nil)
        }
    }

    /// Another run, node or secret whose connections may live, this run itself, and strangers: nobody is told anything.
    @Test(arguments: [(0, 0), (0, 2), (1, 1), (1, 2), (2, 1)])
    func connectionsThatMayLiveAreNotReset(node: UInt16, incarnation: UInt16) async throws {
        try await Scene.run { scene in
            let pair = try await scene.pair(configureServer: { $0.identifiers.incarnation = 1 })
            let address = pair.server.localAddress
            let stream = try pair.connection.openBidirectionalStream()
            try await pair.server.vanish()
            let server = try await scene.listenAgain(on: address) {
                $0.identifiers.node = node
                $0.identifiers.incarnation = incarnation
                // With the same node and a later run, only the secret keeps it from an answer.
                if (node, incarnation) == (0, 2) { $0.staticSecret = [UInt8](repeating: 9, count: 32) }
            }
            stream.write(ByteBuffer(repeating: 1, count: 100))
            try await scene.until("dropped") { server.counters.dropped.unknownConnection >= 2 }
            #expect(server.counters.resetsSent == 0)
            #expect(pair.recorder.reason == nil)
        }
    }

    /// The connection that a packet is for lives on the other loop, or lived there in this run: neither is reset.
    @Test func otherLoopsOfTheRunAreNotReset() async throws {
        try await Scene.run { scene in
            let group = QUICEndpointGroup(count: 2)
            let first = try await scene.listen(in: group)
            let second = try await scene.listen(on: first.localAddress, in: group, worker: 1)
            try await scene.until("known") {
                first.courier.inboxes.count == 2 && second.courier.inboxes.allSatisfy { $0 != nil }
            }
            let plain = try await PlainSocket.bind(on: scene.loop)
            for _ in 0..<10 {
                plain.send(.shortPacket(to: first.context.identifiers.make()), to: first.localAddress)
                plain.send(.shortPacket(to: second.context.identifiers.make()), to: first.localAddress)
            }
            try await scene.until("dropped") {
                first.counters.dropped.unknownConnection + second.counters.dropped.unknownConnection == 20
            }
            #expect(first.counters.resetsSent + second.counters.resetsSent == 0)
            // A former run's is answered by whichever loop it comes to.
            plain.send(.shortPacket(to: try Self.superseded(by: first)), to: first.localAddress)
            try await scene.until("reset") { plain.received.count == 1 }
            try await plain.close()
        }
    }

    @Test func resetsCanBeSwitchedOff() async throws {
        try await Scene.run { scene in
            let server = try await scene.listen(configure: {
                Self.nextRun(&$0)
                $0.sendsStatelessResets = false
            })
            let plain = try await PlainSocket.bind(on: scene.loop)
            plain.send(.shortPacket(to: try Self.superseded(by: server)), to: server.localAddress)
            try await scene.until("dropped") { server.counters.dropped.unknownConnection == 1 }
            #expect(plain.received.isEmpty)
            try await plain.close()
        }
    }

    /// An identifier of the run before, with whose secret and number the server goes on.
    private static func superseded(by server: QUICEndpoint) throws -> QUICConnectionID {
        guard let configuration = server.acceptor?.configuration else { throw SceneError.timeout("server") }
        var before = configuration.identifiers
        before.incarnation &-= 1
        return try RoutableConnectionIDGenerator(
            before,
            ring: KeyRing(secret: configuration.staticSecret),
            worker: 0,
            of: 1
        ).make()
    }

    /// Each reset is shorter than what it answers, so that two endpoints cannot answer each other for ever.
    @Test(arguments: [(20, 0), (38, 0), (39, 38), (43, 42), (200, 42), (1_400, 42)])
    func resetIsShorterThanItsTrigger(trigger: Int, answer: Int) async throws {
        try await Scene.run { scene in
            let server = try await scene.listen(configure: Self.nextRun)
            let plain = try await PlainSocket.bind(on: scene.loop)
            plain.send(.shortPacket(to: try Self.superseded(by: server), count: trigger), to: server.localAddress)
            try await scene.until("handled") { server.counters.datagramsIn == 1 }
            try await scene.pause(.milliseconds(20))
            #expect(plain.received.map { $0.data.readableBytes } == (answer > 0 ? [answer] : []))
            // It looks like a packet with a short header.
            if let packet = plain.received.first?.data {
                #expect(packet.getInteger(at: 0, as: UInt8.self).map { $0 & 0xc0 } == 0x40)
            }
            try await plain.close()
        }
    }

    @Test func statelessAnswersAreLimited() async throws {
        try await Scene.run { scene in
            let server = try await scene.listen(configure: {
                Self.nextRun(&$0)
                $0.statelessPacketsPerSecond = 5
            })
            let plain = try await PlainSocket.bind(on: scene.loop)
            let identifier = try Self.superseded(by: server)
            let begun = NIODeadline.now()
            for _ in 0..<50 { plain.send(.shortPacket(to: identifier), to: server.localAddress) }
            try await scene.until("handled") { server.counters.datagramsIn == 50 }
            let seconds = Int((NIODeadline.now() - begun).nanoseconds / 1_000_000_000)
            #expect(server.counters.resetsSent <= 7 + 5 * seconds)
            #expect(server.counters.dropped.statelessLimit + server.counters.resetsSent == 50)
            try await plain.close()
        }
    }
}

extension QUICEndpoint {
    /// Ends as a process that is killed: nobody hears of it.
    func vanish(isolation: isolated (any Actor)? = #isolation) async throws {
        let now = self.now
        for connection in self.table.connections { self.finish(connection, .silent(.idleTimeout), now: now) }
        try await self.close().get()
    }
}
