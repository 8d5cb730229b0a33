import NIOCore
import Testing

@testable import QUICTransport

/// Datagrams of several connections in one read of the socket.
@Suite struct BurstTests {
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
            let first = try await Self.datagram(to: relay.inner, in: scene) { stream.write(ByteBuffer(string: "1")) }
            let second = try await Self.datagram(to: relay.inner, in: scene) { stream.write(ByteBuffer(string: "2")) }
            let stranger = try await PlainSocket.bind(on: scene.loop)
            let other = try await scene.client()
            let initial = try await Self.datagram(to: stranger, in: scene) {
                _ = try scene.start(other, to: stranger.address)
            }
            let from = try #require(DatagramAddress(relay.address))
            let elsewhere = try #require(DatagramAddress(other.localAddress))
            for (datagram, remote) in [(first, from), (initial, elsewhere), (second, from)] {
                unsafe datagram.withUnsafeReadableBytes { bytes in
                    unsafe server.receive(bytes, from: remote, to: server.canonicalAddress, ecn: 0, now: server.now)
                }
            }
            server.finishBurst()
            #expect(peer.recorder.received[0] == ByteBuffer(string: "012"))
            try await stranger.close()
            try await relay.close()
        }
    }

    /// The first datagram that comes to a socket after something was done.
    private static func datagram(
        to socket: PlainSocket,
        in scene: isolated Scene,
        after body: () throws -> Void
    ) async throws -> ByteBuffer {
        var taken: ByteBuffer?
        socket.onReceived = { envelope in if taken == nil { taken = envelope.data } }
        try body()
        try await scene.until("datagram") { taken != nil }
        return try #require(taken)
    }
}
