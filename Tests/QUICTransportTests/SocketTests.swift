import CDatagrams
import Glibc
import NIOCore
import Testing

@testable import QUICTransport

/// What of the kernel's ways of sending and receiving can be done without.
@Suite struct SocketTests {
    private static let choices = [(false, false, 1), (true, true, 64), (false, true, 7), (true, false, 64)]

    private static func expectEcho(over pair: Scene.Pair, in scene: isolated Scene) async throws {
        let stream = try pair.connection.openBidirectionalStream()
        let payload = ByteBuffer.pattern(1_000_000)
        stream.write(payload)
        stream.finish()
        try await scene.until("echo") { pair.recorder.finished == [0] }
        #expect(pair.recorder.received[0] == payload)
    }

    /// The same bytes arrive whichever of them are used.
    @Test(arguments: choices) func transfer(segmentation: Bool, receiving: Bool, batch: Int) async throws {
        try await Scene.run { scene in
            let pair = try await scene.pair(configureServer: { configuration in
                configuration.socket.offloadsSegmentation = segmentation
                configuration.socket.offloadsReceiving = receiving
                configuration.socket.messagesPerCall = batch
            })
            try await Self.expectEcho(over: pair, in: scene)
            let counters = pair.server.counters
            if !segmentation, batch == 1 { #expect(counters.sendCalls >= counters.datagramsOut) }
            if segmentation { #expect(counters.sendCalls * 2 < counters.datagramsOut) }
        }
    }

    @Test(arguments: [false, true]) func withoutPacingECNAndDiscovery(isOn: Bool) async throws {
        try await Scene.run { scene in
            let pair = try await scene.pair(configureServer: { configuration in
                configuration.common.pacesPackets = isOn
                configuration.common.marksECN = isOn
                configuration.common.discoversMTU = isOn
            })
            try await Self.expectEcho(over: pair, in: scene)
            // 1200 bytes is what every path takes (RFC 9000 §14.1).
            if !isOn { #expect(pair.server.counters.bytesOut <= 1_200 * pair.server.counters.datagramsOut) }
        }
    }

    @Test(arguments: [QUICConfiguration.CongestionController.cubic, .reno, .bbr])
    func congestionControllers(controller: QUICConfiguration.CongestionController) async throws {
        try await Scene.run { scene in
            let pair = try await scene.pair(configureServer: { $0.common.congestionController = controller })
            try await Self.expectEcho(over: pair, in: scene)
        }
    }

    /// Datagrams that come faster than they are read are lost in the kernel, which tells how many.
    @Test func kernelTellsWhatItDropped() async throws {
        try await Scene.run { scene in
            let server = try await scene.listen(configure: { $0.socket.receiveBufferSize = 4_096 })
            #expect(server.datagramsDroppedByKernel == 0)
            let address = try #require(DatagramAddress(server.localAddress))
            let sender = try DatagramSocket.open(
                on: SocketAddress(ipAddress: "127.0.0.1", port: 0),
                wishes: DatagramSocket.Wishes()
            )
            defer { close(sender.descriptor) }
            let batch = TransmitBatch(QUICSocketConfiguration())
            var counters = QUICCounters()
            // The loop reads nothing while this runs on it.
            for _ in 0..<200 {
                batch.append(1_000, from: nil, to: address, ecn: 0)
                _ = batch.send(on: sender.descriptor, counters: &counters)
            }
            #expect(server.datagramsDroppedByKernel > 100)
            // A socket that takes its place does not make them forgotten.
            let dropped = server.datagramsDroppedByKernel
            try await server.socket?.channel?.close().get()
            try await scene.until("replaced") { server.counters.socketsReplaced == 1 }
            #expect(server.datagramsDroppedByKernel >= dropped)
        }
    }

    @Test func messagesPerCallAreBounded() async throws {
        try await Scene.run { scene in
            for wrong in [0, 65] {
                await #expect(throws: QUICError.self) {
                    _ = try await scene.listen(configure: { $0.socket.messagesPerCall = wrong })
                }
            }
        }
    }
}
