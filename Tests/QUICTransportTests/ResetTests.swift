import NIOCore
import Testing

@testable import QUICTransport

/// Stateless resets (RFC 9000 §10.3).
@Suite struct ResetTests {
    /// The server starts anew with the same secret; a client of the old one learns it by its next packet.
    @Test func clientLearnsThatItsServerHasForgotten() async throws {
        try await Scene.run { scene in
            let pair = try await scene.pair()
            let bystander = try await scene.client()
            let address = pair.server.localAddress
            let stream = try pair.connection.openBidirectionalStream()
            try await pair.server.vanish()
            let server = try await scene.listenAgain(on: address)
            let (_, other) = try await scene.connect(bystander, to: address)
            stream.write(ByteBuffer(repeating: 1, count: 100))
            try await scene.until("reset") { pair.recorder.reason != nil }
            #expect(pair.recorder.reason == .statelessReset)
            #expect(server.counters.resetsSent >= 1)
            #expect(pair.client.counters.resetsReceived == 1)
            #expect(other.reason == nil)
            try await scene.until("forgotten") { pair.client.table.identifierCount == 0 }
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
            _ = try await scene.listenAgain(on: address)
            stream.write(ByteBuffer(repeating: 1, count: 100))
            try await scene.until("reset") { lostRecorder.reason != nil }
            #expect(lostRecorder.reason == .statelessReset)
            #expect(keptRecorder.reason == nil)
        }
    }

    /// Another secret makes other tokens, which end nothing.
    @Test func resetOfAStrangerIsIgnored() async throws {
        try await Scene.run { scene in
            let pair = try await scene.pair()
            let address = pair.server.localAddress
            let stream = try pair.connection.openBidirectionalStream()
            try await pair.server.vanish()
            let server = try await scene.listenAgain(
                on: address,
                configure: { $0.staticSecret = [UInt8](repeating: 9, count: 32) }
            )
            stream.write(ByteBuffer(repeating: 1, count: 100))
            try await scene.until("reset") { server.counters.resetsSent >= 1 }
            try await scene.until("dropped") { pair.client.counters.dropped.unknownConnection >= 1 }
            #expect(pair.recorder.reason == nil)
        }
    }

    @Test func resetsCanBeSwitchedOff() async throws {
        try await Scene.run { scene in
            let server = try await scene.listen(configure: { $0.sendsStatelessResets = false })
            let plain = try await PlainSocket.bind(on: scene.loop)
            plain.send(ByteBuffer(repeating: 0x40, count: 100), to: server.localAddress)
            try await scene.until("dropped") { server.counters.dropped.unknownConnection == 1 }
            #expect(plain.received.isEmpty)
            try await plain.close()
        }
    }

    /// The connection may live on another loop of the same port.
    @Test func sharedPortsSendNoResets() async throws {
        try await Scene.run { scene in
            let first = try await scene.listen(sharesPort: true)
            let second = try await scene.listen(on: first.localAddress, sharesPort: true)
            let plain = try await PlainSocket.bind(on: scene.loop)
            plain.send(ByteBuffer(repeating: 0x40, count: 100), to: first.localAddress)
            try await scene.until("dropped") {
                first.counters.dropped.unknownConnection + second.counters.dropped.unknownConnection == 1
            }
            try await second.close().get()
            plain.send(ByteBuffer(repeating: 0x40, count: 100), to: first.localAddress)
            try await scene.until("reset") { plain.received.count == 1 }
            try await plain.close()
        }
    }

    /// Each reset is shorter than what it answers, so that two endpoints cannot answer each other for ever.
    @Test(arguments: [(20, 0), (38, 0), (39, 38), (43, 42), (200, 42), (1_400, 42)])
    func resetIsShorterThanItsTrigger(trigger: Int, answer: Int) async throws {
        try await Scene.run { scene in
            let server = try await scene.listen()
            let plain = try await PlainSocket.bind(on: scene.loop)
            plain.send(ByteBuffer(repeating: 0x40, count: trigger), to: server.localAddress)
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
            let server = try await scene.listen(configure: { $0.statelessPacketsPerSecond = 5 })
            let plain = try await PlainSocket.bind(on: scene.loop)
            for _ in 0..<50 { plain.send(ByteBuffer(repeating: 0x40, count: 100), to: server.localAddress) }
            try await scene.until("handled") { server.counters.datagramsIn == 50 }
            #expect(server.counters.resetsSent <= 7)
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
