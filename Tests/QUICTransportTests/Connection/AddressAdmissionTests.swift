import NIOCore
import Testing

@testable import QUICTransport

/// New addresses of a peer, which are let in at a rate.
@Suite struct AddressAdmissionTests {
    private static func addresses(_ count: Int) throws -> [DatagramAddress] {
        try (1...count).map { try #require(DatagramAddress(SocketAddress(ipAddress: "192.0.2.1", port: $0))) }
    }

    @Test func newAddressesComeAtARate() throws {
        let addresses = try Self.addresses(40)
        var admission = AddressAdmission(burst: 4, interval: 1_000)
        func admits(_ index: Int, at now: UInt64) -> Bool { admission.admits(addresses[index], now: now) }
        #expect((0..<10).map { admits($0, at: 5) } == (0..<10).map { $0 < 4 })
        // Those that were let in stay so.
        #expect(admits(3, at: 5))
        #expect(!admits(20, at: 1_004))
        #expect(admits(20, at: 1_005))
        #expect(!admits(21, at: 1_006))
        // The eldest of them has made room.
        #expect(!admits(0, at: 1_006))
    }

    /// A client that answers from wherever it is may move as often as it likes, at one instant.
    @Test func validatedAddressesGiveTheirTokensBack() throws {
        let addresses = try Self.addresses(1_000)
        var admission = AddressAdmission(burst: 1, interval: 1_000)
        for (previous, next) in zip(addresses, addresses.dropFirst()) {
            let isAdmitted = admission.admits(next, now: 5)
            #expect(isAdmitted)
            admission.validate(next, insteadOf: previous)
        }
    }

    /// Addresses that answer do not pay for those that do not, and none gives back more than it took.
    @Test func unansweredAddressesOweTheirTokens() throws {
        let addresses = try Self.addresses(10)
        var admission = AddressAdmission(burst: 3, interval: 1_000)
        func admits(_ index: Int, at now: UInt64 = 5) -> Bool { admission.admits(addresses[index], now: now) }
        #expect((1...4).map { admits($0) } == [true, true, true, false])
        admission.validate(addresses[3], insteadOf: addresses[0])
        admission.validate(addresses[3], insteadOf: addresses[0])
        #expect((4...5).map { admits($0) } == [true, false])
        // One token has come back with time, and another with an answer.
        admission.validate(addresses[4], insteadOf: addresses[3])
        #expect((5...7).map { admits($0, at: 1_005) } == [true, true, false])
    }

    /// Late packets from the address before, and a return to it, cost no token.
    @Test func addressBeforeStaysAdmitted() throws {
        let addresses = try Self.addresses(3)
        var admission = AddressAdmission(burst: 1, interval: 1_000)
        func admits(_ index: Int) -> Bool { admission.admits(addresses[index], now: 5) }
        #expect(admits(1))
        admission.validate(addresses[1], insteadOf: addresses[0])
        #expect([0, 2, 0].map { admits($0) } == [true, true, true])
    }

    /// A peer that shows forty addresses and acknowledges nothing is held to a rate, and lives on.
    @Test func fortyAddressesThatAcknowledgeNothing() async throws {
        try await Scene.run { scene in
            scene.echoes = false
            let server = try await scene.listen(configure: { $0.newAddressInterval = .seconds(3_600) })
            let relay = try await Relay(to: server.localAddress, on: scene.loop)
            let client = try await scene.client()
            let (connection, _) = try await scene.connect(client, to: try relay.inner.address)
            let (peer, recorder) = scene.accepted[0]
            let stream = try connection.openBidirectionalStream()
            stream.write(ByteBuffer(string: "x"))
            try await scene.until("x") { recorder.text(0) == "x" }
            let home = try relay.address
            let identifiers = server.table.identifierCount
            relay.forwardsAnswers = false
            for _ in 0..<40 {
                try await relay.changeAddress(on: scene.loop)
                stream.write(ByteBuffer(string: "."))
                let before = server.counters.datagramsIn
                try await scene.until("sent") { server.counters.datagramsIn > before }
            }
            #expect(server.counters.dropped.tooManyAddresses >= 36)
            #expect(recorder.addresses == [])
            #expect(recorder.reason == nil)
            #expect(server.table.identifierCount <= identifiers + 4)
            // Back home everything goes on.
            relay.forwardsAnswers = true
            relay.goBack()
            try await scene.until("all arrived") { recorder.receivedCount == 41 }
            #expect(peer.remoteAddress == home)
            try await relay.close()
        }
    }
}
