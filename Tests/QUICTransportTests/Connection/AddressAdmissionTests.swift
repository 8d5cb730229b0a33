import NIOCore
import Testing

@testable import QUICTransport

/// New addresses of a peer, which are let in at a rate.
@Suite struct AddressAdmissionTests {
    @Test func newAddressesComeAtARate() throws {
        let addresses = try (1...40).map {
            try #require(DatagramAddress(SocketAddress(ipAddress: "192.0.2.1", port: $0)))
        }
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
