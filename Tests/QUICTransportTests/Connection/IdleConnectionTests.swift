import NIOCore
import Testing

@testable import QUICTransport

/// Connections that are silent for longer than NAT and conntrack remember them.
@Suite struct IdleConnectionTests {
    private static let second: UInt64 = 1_000_000_000

    /// What was sent to the address that a client has lost arrives within two round trips of its next packet: the packet,
    /// the challenge of its new path, and the answer to it bring it there.
    @Test func whatWasSentMeanwhileArrivesWithTheNextPacket() async throws {
        try await Scene.run { scene in
            scene.echoes = false
            let server = try await scene.listen()
            let relay = try await Relay(to: server.localAddress, on: scene.loop)
            let client = try await scene.client()
            let (connection, recorder) = try await scene.connect(client, to: try relay.inner.address) {
                $0.common.keepAliveInterval = nil
            }
            let stream = try connection.openBidirectionalStream()
            stream.write(ByteBuffer(string: "subscribe"))
            let peer = scene.accepted[0].recorder
            try await scene.until("subscribe") { peer.text(0) == "subscribe" && stream.pendingBytes == 0 }

            try await relay.changeAddress(on: scene.loop, forgets: true)
            let accepted = try #require(peer.opened.first)
            accepted.write(ByteBuffer(string: "meanwhile"))
            // A hundred and thirty seconds, in which it is sent again more and more seldom.
            for _ in 0..<130 {
                server.skew += Self.second
                server.timerFired()
                try await scene.pause(.milliseconds(1))
            }
            #expect(recorder.text(0) == "")
            #expect(accepted.pendingBytes > 0)

            var roundTrips = 0
            recorder.onReceived = { _, _ in roundTrips = relay.flights }
            stream.write(ByteBuffer(string: "ping"))
            try await scene.until("meanwhile") { recorder.text(0) == "meanwhile" }
            #expect(roundTrips <= 2)
            try await scene.until("validated") { peer.addresses.count == 1 }
            try await relay.close()
        }
    }

    /// PINGs from either side keep the binding, so that a message arrives at once.
    @Test(arguments: [true, false]) func pingsKeepTheBinding(byServer: Bool) async throws {
        try await Scene.run { scene in
            scene.echoes = false
            let server = try await scene.listen(configure: {
                $0.common.keepAliveInterval = byServer ? .milliseconds(50) : nil
            })
            let relay = try await Relay(to: server.localAddress, on: scene.loop)
            let client = try await scene.client()
            let (connection, recorder) = try await scene.connect(client, to: try relay.inner.address) {
                $0.common.keepAliveInterval = byServer ? nil : .milliseconds(50)
            }
            let stream = try connection.openBidirectionalStream()
            stream.write(ByteBuffer(string: "subscribe"))
            let peer = scene.accepted[0].recorder
            try await scene.until("subscribe") { peer.text(0) == "subscribe" }
            let before = relay.forwarded
            try await scene.until("packets of an idle client") { relay.forwarded >= before + 5 }
            let accepted = try #require(peer.opened.first)
            accepted.write(ByteBuffer(string: "at once"))
            try await scene.until("at once") { recorder.text(0) == "at once" }
            try await relay.close()
        }
    }
}
