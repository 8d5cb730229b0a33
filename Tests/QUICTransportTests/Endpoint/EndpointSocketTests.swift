import CDatagrams
import Glibc
import NIOCore
import Testing

@testable import QUICTransport

/// What of the kernel's ways of sending and receiving can be done without.
@Suite struct EndpointSocketTests {
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

    /// The second socket within a second waits, and whatever is to be sent with it.
    @Test func nothingSpinsWithoutASocket() async throws {
        try await Scene.run { scene in
            let pair = try await scene.pair()
            let stream = try pair.connection.openBidirectionalStream()
            stream.write(ByteBuffer(string: "0"))
            try await scene.until("echo") { pair.recorder.received[0] != nil }
            try await pair.server.socket?.channel?.close().get()
            try await scene.until("replaced") { pair.server.counters.socketsReplaced == 1 }
            try await pair.server.socket?.channel?.close().get()

            pair.peerRecorder.opened.first?.write(ByteBuffer(string: "1"))
            try await scene.pause(.milliseconds(50))
            // It comes after a second.
            if pair.server.counters.socketsReplaced == 1 {
                #expect(pair.server.socket == nil)
                #expect(!pair.server.egress.dirty.isEmpty)
                #expect(!pair.server.egress.isScheduled)
            }
            try await scene.until("replaced again") { pair.server.counters.socketsReplaced == 2 }
            try await scene.until("sent") { pair.recorder.received[0] == ByteBuffer(string: "01") }

            try await pair.server.socket?.channel?.close().get()
            pair.peerRecorder.opened.first?.write(ByteBuffer(string: "2"))
            try await pair.server.close().get()
            try await scene.pause(.milliseconds(20))
            #expect(pair.server.egress.dirty.isEmpty)
            #expect(!pair.server.egress.isScheduled)
        }
    }

    /// A train that cannot leave because of where it is to come from says nothing of trains.
    @Test func vanishedSourceLeavesOffloadOn() async throws {
        let sender = try DatagramSocket.open(
            on: SocketAddress(ipAddress: "0.0.0.0", port: 0),
            wishes: DatagramSocket.Wishes()
        )
        let receiver = try DatagramSocket.open(
            on: SocketAddress(ipAddress: "127.0.0.1", port: 0),
            wishes: DatagramSocket.Wishes()
        )
        defer {
            close(sender.descriptor)
            close(receiver.descriptor)
        }
        let nowhere = try #require(DatagramAddress(SocketAddress(ipAddress: "203.0.113.1", port: 1)))
        let batch = TransmitBatch(QUICSocketConfiguration())
        var counters = QUICCounters()
        for _ in 0..<3 { batch.append(500, from: nowhere, to: receiver.address, ecn: 0) }
        #expect(batch.messageCount == 1)
        _ = batch.send(on: sender.descriptor, counters: &counters)
        #expect(counters.sendFailures == 3)
        #expect(!batch.offloadRefused)
        for _ in 0..<3 { batch.append(500, from: nil, to: receiver.address, ecn: 0) }
        counters.sendCalls = 0
        _ = batch.send(on: sender.descriptor, counters: &counters)
        #expect(counters.sendCalls == 1 && counters.datagramsOut == 3)
    }

    /// A kernel that cuts no trains is not asked again; what it refused leaves one by one.
    @Test func refusedTrainsLeaveSingly() async throws {
        let any = try SocketAddress(ipAddress: "127.0.0.1", port: 0)
        let sender = try DatagramSocket.open(on: any, wishes: DatagramSocket.Wishes())
        let receiver = try DatagramSocket.open(on: any, wishes: DatagramSocket.Wishes())
        defer {
            close(sender.descriptor)
            close(receiver.descriptor)
        }
        // Without checksums the kernel cuts none.
        var isOn: CInt = 1
        let size = socklen_t(MemoryLayout<CInt>.size)
        #expect(unsafe setsockopt(sender.descriptor, SOL_SOCKET, SO_NO_CHECK, &isOn, size) == 0)
        let batch = TransmitBatch(QUICSocketConfiguration())
        var counters = QUICCounters()
        for _ in 0..<3 { batch.append(500, from: nil, to: receiver.address, ecn: 0) }
        _ = batch.send(on: sender.descriptor, counters: &counters)
        #expect(counters.datagramsOut == 3 && counters.sendFailures == 0)
        #expect(batch.offloadRefused)
        for _ in 0..<3 { batch.append(500, from: nil, to: receiver.address, ecn: 0) }
        #expect(batch.messageCount == 3)
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
