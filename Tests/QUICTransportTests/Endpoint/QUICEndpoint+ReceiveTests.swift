import NIOCore
import Testing

@testable import QUICTransport

/// Datagrams of several connections in one read of the socket.
@Suite struct QUICEndpointReceiveTests {
    @Test func newClientAmidAnothersDatagrams() async throws {
        try await Scene.run { scene in
            let server = try await scene.listen()
            let relay = try await Relay(to: server.localAddress, on: scene.loop)
            let (connection, _) = try await scene.connect(try await scene.client(), to: relay.inner.address)
            let peer = try #require(scene.accepted.first)
            let stream = try connection.openBidirectionalStream()
            stream.write(ByteBuffer(string: "0"))
            try await scene.until("stream") { peer.recorder.received[0]?.readableBytes == 1 }

            // What the client sends from here on is kept.
            let first = try await Self.datagrams(to: relay.inner, in: scene) { stream.write(ByteBuffer(string: "1")) }
            let second = try await Self.datagrams(to: relay.inner, in: scene) { stream.write(ByteBuffer(string: "2")) }
            let stranger = try await PlainSocket.bind(on: scene.loop)
            let other = try await scene.client()
            let initial = try await Self.datagrams(to: stranger, in: scene) {
                _ = try scene.start(other, to: stranger.address)
            }
            let from = try #require(DatagramAddress(relay.address))
            let elsewhere = try #require(DatagramAddress(other.localAddress))
            for (datagrams, remote) in [(first, from), (initial, elsewhere), (second, from)] {
                for datagram in datagrams {
                    unsafe datagram.withUnsafeReadableBytes { bytes in
                        let local = server.canonicalAddress
                        unsafe server.receive(bytes, from: remote, to: local, ecn: 0, now: server.now)
                    }
                }
            }
            server.finishBurst()
            #expect(peer.recorder.received[0] == ByteBuffer(string: "012"))
            try await stranger.close()
            try await relay.close()
        }
    }

    /// What comes to a socket when something was done, at once and shortly after.
    private static func datagrams(
        to socket: PlainSocket,
        in scene: isolated Scene,
        after body: () throws -> Void
    ) async throws -> [ByteBuffer] {
        var taken: [ByteBuffer] = []
        socket.onReceived = { taken.append($0.data) }
        try body()
        try await scene.until("datagram") { !taken.isEmpty }
        try await scene.pause(.milliseconds(20))
        socket.onReceived = { _ in }
        return taken
    }
}
