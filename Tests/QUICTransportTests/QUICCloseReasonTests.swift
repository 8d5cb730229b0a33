import NIOCore
import Testing

@testable import QUICTransport

/// How connections end (RFC 9000 §10).
@Suite struct QUICCloseReasonTests {
    @Test func applicationCodeReachesTheServer() async throws {
        try await Scene.run { scene in
            let pair = try await scene.pair()
            pair.connection.close(applicationError: 0x8E, reason: "taken over")
            try await scene.until("closed") { pair.recorder.reason != nil && pair.peerRecorder.reason != nil }
            #expect(pair.recorder.reason == .application(by: .local, code: 0x8E, reason: "taken over"))
            #expect(pair.peerRecorder.reason == .application(by: .peer, code: 0x8E, reason: "taken over"))
            #expect(pair.recorder.closedCount == 1)
            #expect(pair.server.connectionCount == 0)
            #expect(pair.client.connectionCount == 0)
        }
    }

    @Test func applicationCodeReachesTheClient() async throws {
        try await Scene.run { scene in
            let pair = try await scene.pair()
            pair.peer.close(applicationError: 1, reason: "")
            try await scene.until("closed") { pair.recorder.reason != nil }
            #expect(pair.recorder.reason == .application(by: .peer, code: 1, reason: ""))
            #expect(throws: QUICError.closed) { try pair.connection.openBidirectionalStream() }
        }
    }

    /// What was written before the close is offered once.
    @Test func pendingBytesLeaveBeforeTheClose() async throws {
        try await Scene.run { scene in
            scene.echoes = false
            let pair = try await scene.pair()
            let stream = try pair.connection.openBidirectionalStream()
            stream.write(ByteBuffer(string: "last words"))
            pair.connection.close(applicationError: 0, reason: "")
            try await scene.until("closed") { pair.peerRecorder.reason != nil }
            #expect(pair.peerRecorder.text(0) == "last words")
        }
    }

    /// The next packet is answered by it, as if it had got lost on its way.
    @Test func closeThatFindsNoRoomIsRemembered() async throws {
        try await Scene.run { scene in
            let pair = try await scene.pair()
            let socket = pair.server.socket
            pair.server.socket = nil
            while pair.server.egress.batch.hasRoom(for: 1_200) {
                pair.server.egress.batch.append(1_200, from: nil, to: pair.server.canonicalAddress, ecn: 0)
            }
            pair.server.finish(
                pair.peer,
                .closing(.transport(by: .local, code: 0xA, reason: "")),
                now: pair.server.now
            )
            pair.server.egress.batch.clear()
            pair.server.socket = socket
            try pair.connection.openBidirectionalStream().write(ByteBuffer(string: "hello"))
            try await scene.until("closed") { pair.recorder.reason != nil }
            #expect(pair.recorder.reason == .transport(by: .peer, code: 0xA, reason: ""))
        }
    }

    @Test func closeDuringTheHandshake() async throws {
        try await Scene.run { scene in
            let server = try await scene.listen()
            let client = try await scene.client()
            let (connection, recorder) = try scene.start(client, to: server.localAddress)
            connection.close(applicationError: 3, reason: "changed my mind")
            try await scene.until("closed") { recorder.reason != nil }
            #expect(recorder.reason == .application(by: .local, code: 3, reason: "changed my mind"))
            try await scene.until("forgotten") { client.connectionCount == 0 && server.connectionCount == 0 }
            #expect(scene.accepted.isEmpty)
        }
    }

    @Test func nothingIsToldAfterTheUserHasClosed() async throws {
        try await Scene.run { scene in
            let pair = try await scene.pair()
            let stream = try pair.connection.openBidirectionalStream()
            pair.peerRecorder.onReceived = { _, stream in
                stream.connection.close(applicationError: 7, reason: "")
                stream.connection.close(applicationError: 8, reason: "")
            }
            stream.write(ByteBuffer(string: "x"))
            try await scene.until("closed") { pair.recorder.reason != nil && pair.peerRecorder.reason != nil }
            #expect(pair.recorder.reason == .application(by: .peer, code: 7, reason: ""))
            #expect(pair.peerRecorder.closedStreams == [])
        }
    }

    @Test func refusedConnectionIsClosedWithConnectionRefused() async throws {
        try await Scene.run { scene in
            scene.refuses = true
            let server = try await scene.listen()
            let client = try await scene.client()
            let (_, recorder) = try scene.start(client, to: server.localAddress)
            try await scene.until("closed") { recorder.reason != nil }
            #expect(recorder.reason == .transport(by: .peer, code: 0x2, reason: "refused"))
            #expect(server.connectionCount == 0)
        }
    }

    @Test func connectionsBeyondTheBoundAreRefused() async throws {
        try await Scene.run { scene in
            let server = try await scene.listen(configure: { $0.maximumConnections = 1 })
            let client = try await scene.client()
            _ = try await scene.connect(client, to: server.localAddress)
            let (_, second) = try scene.start(client, to: server.localAddress)
            try await scene.until("refused") { second.reason != nil }
            #expect(second.reason == .transport(by: .peer, code: 0x2, reason: ""))
            #expect(server.counters.dropped.tooManyConnections == 1)
            #expect(server.connectionCount == 1)
        }
    }

    @Test func idleTimeoutEndsBothSidesSilently() async throws {
        try await Scene.run { scene in
            let pair = try await scene.pair(
                configureServer: { $0.common.idleTimeout = .milliseconds(300) },
                configureClient: { $0.common.keepAliveInterval = nil }
            )
            try await scene.until("idle") { pair.recorder.reason != nil && pair.peerRecorder.reason != nil }
            #expect(pair.recorder.reason == .idleTimeout)
            #expect(pair.peerRecorder.reason == .idleTimeout)
            #expect(pair.server.table.identifierCount == 0)
        }
    }

    @Test func keepAliveHoldsTheConnection() async throws {
        try await Scene.run { scene in
            let pair = try await scene.pair(
                configureServer: { $0.common.idleTimeout = .seconds(50) },
                configureClient: { $0.common.keepAliveInterval = .seconds(10) }
            )
            let before = pair.client.counters.datagramsOut
            try await scene.pass(seconds: 150, for: pair.client, pair.server)
            #expect(pair.recorder.reason == nil && pair.peerRecorder.reason == nil)
            #expect(pair.client.counters.datagramsOut - before >= 10)
        }
    }

    @Test func keepAliveOfTheServerHoldsTheConnection() async throws {
        try await Scene.run { scene in
            let pair = try await scene.pair(
                configureServer: {
                    $0.common.idleTimeout = .seconds(50)
                    $0.common.keepAliveInterval = .seconds(10)
                },
                configureClient: { $0.common.keepAliveInterval = nil }
            )
            try await scene.pass(seconds: 150, for: pair.client, pair.server)
            #expect(pair.recorder.reason == nil && pair.peerRecorder.reason == nil)
        }
    }

    @Test func endpointCloseTellsEveryone() async throws {
        try await Scene.run { scene in
            let server = try await scene.listen()
            let client = try await scene.client()
            var recorders: [Recorder] = []
            for _ in 0..<20 { recorders.append(try await scene.connect(client, to: server.localAddress).1) }
            try await server.close().get()
            try await scene.until("closed") { recorders.allSatisfy { $0.reason != nil } }
            for recorder in recorders { #expect(recorder.reason == .application(by: .peer, code: 0, reason: "")) }
            for peer in scene.accepted { #expect(peer.recorder.closedCount == 1) }
        }
    }
}
