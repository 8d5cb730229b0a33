import Foundation
import NIOCore
import Testing

@testable import QUICTransport

/// Peers whose addresses change, and sockets that fail (RFC 9000 §9).
@Suite struct PathTests {
    private static let anyPort = Result { try SocketAddress(ipAddress: "127.0.0.1", port: 0) }

    /// A NAT gives the client another port in the middle of a transfer.
    @Test(arguments: [QUICEndpoint.Migration.unnoticed, .active])
    func portChangesDuringATransfer(migration: QUICEndpoint.Migration) async throws {
        try await Scene.run { scene in
            let pair = try await scene.pair()
            let stream = try pair.connection.openBidirectionalStream()
            let payload = ByteBuffer.pattern(4 * 1024 * 1024)
            let half = payload.readableBytes / 2
            stream.write(payload.getSlice(at: 0, length: half) ?? ByteBuffer())
            let before = pair.client.localAddress
            #expect(pair.peer.remoteAddress == before)
            try await scene.until("half way") { pair.recorder.receivedCount > 500_000 }
            try await pair.client.rebind(to: try Self.anyPort.get(), migration: migration).get()
            let after = pair.client.localAddress
            #expect(before != after)
            // A client whose transfer ended before would send nothing that tells the server.
            stream.write(payload.getSlice(at: half, length: half) ?? ByteBuffer())
            stream.finish()
            try await scene.until("done", seconds: 60) { pair.recorder.finished == [0] }
            #expect(pair.recorder.received[0] == payload)
            try await scene.until("told") { pair.peerRecorder.addresses == [after] }
            #expect(pair.peer.remoteAddress == after)
            #expect(pair.server.counters.addressChanges == 1)
            #expect(pair.recorder.addresses == [])
        }
    }

    /// The address is another only when the client has proved that it is there (RFC 9000 §9.3).
    @Test func addressIsToldOnlyWhenValidated() async throws {
        try await Scene.run { scene in
            scene.echoes = false
            let server = try await scene.listen()
            let relay = try await Relay(to: server.localAddress, on: scene.loop)
            let client = try await scene.client()
            let (connection, _) = try await scene.connect(client, to: try relay.inner.address)
            let (peer, recorder) = scene.accepted[0]
            let home = try relay.address
            let stream = try connection.openBidirectionalStream()
            stream.write(ByteBuffer(string: "a"))
            try await scene.until("a") { recorder.text(0) == "a" }
            try await relay.changeAddress(on: scene.loop)
            relay.forwardsAnswers = false
            stream.write(ByteBuffer(string: "b"))
            try await scene.until("b") { recorder.text(0) == "ab" }
            try await scene.pause(.milliseconds(50))
            #expect(peer.remoteAddress == home)
            #expect(recorder.addresses == [])
            relay.forwardsAnswers = true
            try await scene.until("validated") { recorder.addresses.count == 1 }
            #expect(try peer.remoteAddress == relay.address)
            try await relay.close()
        }
    }

    /// One that comes back before the other address is proved has never left.
    @Test func returnBeforeValidationIsNoChange() async throws {
        try await Scene.run { scene in
            scene.echoes = false
            let server = try await scene.listen()
            let relay = try await Relay(to: server.localAddress, on: scene.loop)
            let client = try await scene.client()
            let (connection, _) = try await scene.connect(client, to: try relay.inner.address)
            let (peer, recorder) = scene.accepted[0]
            let home = try relay.address
            let stream = try connection.openBidirectionalStream()
            for (text, whole) in [("a", "a"), ("b", "ab"), ("c", "abc"), ("d", "abcd")] {
                switch text {
                case "b":
                    relay.forwardsAnswers = false
                    try await relay.changeAddress(on: scene.loop)
                case "c": relay.goBack()
                case "d": relay.forwardsAnswers = true
                default: break
                }
                stream.write(ByteBuffer(string: text))
                try await scene.until(text) { recorder.text(0) == whole }
            }
            try await scene.until("acknowledged") { stream.pendingBytes == 0 }
            #expect(recorder.addresses == [])
            #expect(peer.remoteAddress == home)
            #expect(server.counters.addressChanges == 0)
            try await relay.close()
        }
    }

    /// One that goes to and fro between two networks is found in either, each time that it is proved to be there.
    @Test func returnAfterValidationIsAnotherChange() async throws {
        try await Scene.run { scene in
            scene.echoes = false
            let server = try await scene.listen()
            let relay = try await Relay(to: server.localAddress, on: scene.loop)
            let client = try await scene.client()
            let (connection, _) = try await scene.connect(client, to: try relay.inner.address)
            let (peer, recorder) = scene.accepted[0]
            let stream = try connection.openBidirectionalStream()
            var places: [SocketAddress] = []
            for binding in [1, 0, 1, 0] {
                if places.isEmpty { try await relay.changeAddress(on: scene.loop) } else { relay.goBack(to: binding) }
                places.append(try relay.address)
                try await scene.until("told of \(places.count)") {
                    stream.write(ByteBuffer(string: "."))
                    return recorder.addresses.count == places.count
                }
                #expect(recorder.addresses == places && peer.remoteAddress == places.last)
            }
            stream.finish()
            try await scene.until("all") { recorder.finished == [stream.id] }
            #expect(server.counters.addressChanges == 4 && server.counters.pathValidationsFailed == 0)
            try await relay.close()
        }
    }

    /// RFC 9000 §9.3: each address answers its PATH_CHALLENGE, so that none is rationed.
    @Test func clientMovesAsOftenAsItLikes() async throws {
        try await Scene.run { scene in
            let server = try await scene.listen(configure: { $0.newAddressInterval = .seconds(3_600) })
            let relay = try await Relay(to: server.localAddress, on: scene.loop)
            let client = try await scene.client()
            let (connection, recorder) = try await scene.connect(client, to: try relay.inner.address)
            relay.forgetsOldAddresses = true
            let stream = try connection.openBidirectionalStream()
            for move in 1...100 {
                try await relay.changeAddress(on: scene.loop)
                stream.write(ByteBuffer(string: "."))
                try await scene.until("echo \(move)") { recorder.receivedCount == move }
                try await scene.until("validated") { scene.accepted[0].recorder.addresses.count == move }
            }
            #expect(server.counters.dropped.tooManyAddresses == 0)
            try await relay.close()
        }
    }

    /// A NAT that returns to a port which it gave shortly before: the first datagram from there is followed.
    @Test func returnIsFollowedAtOnce() async throws {
        try await Scene.run { scene in
            let server = try await scene.listen(configure: { $0.newAddressInterval = .seconds(3_600) })
            let relay = try await Relay(to: server.localAddress, on: scene.loop)
            let client = try await scene.client()
            let (connection, recorder) = try await scene.connect(client, to: try relay.inner.address)
            let (peer, peerRecorder) = scene.accepted[0]
            relay.forgetsOldAddresses = true
            let stream = try connection.openBidirectionalStream()
            try await relay.changeAddress(on: scene.loop)
            for move in 1...60 {
                relay.goBack(to: [1, 0, 1, 0, 2, 1, 0, 2][move % 8])
                if move == 3 { try await relay.changeAddress(on: scene.loop) }
                stream.write(ByteBuffer(string: "."))
                try await scene.until("octet \(move)") { peerRecorder.receivedCount == move }
                let engine = try #require(peer.engine)
                #expect(try engine.path(of: engine.remoteAddress).remote.socketAddress == relay.address)
                try await scene.until("echo \(move)") { recorder.receivedCount == move }
                try await scene.until("validated") { (try? relay.address) == peer.remoteAddress }
            }
            #expect(peerRecorder.addresses.count >= 40)
            #expect(server.counters.dropped.tooManyAddresses == 0)
            #expect(server.counters.pathValidationsFailed == 0)
            try await relay.close()
        }
    }

    @Test func idleConnectionIsFoundAgainAfterTheChange() async throws {
        try await Scene.run { scene in
            let pair = try await scene.pair()
            for round in 1...3 {
                try await pair.client.rebind(to: try Self.anyPort.get(), migration: .unnoticed).get()
                let stream = try pair.connection.openBidirectionalStream()
                stream.write(ByteBuffer(string: "round \(round)"))
                try await scene.until("echo") { pair.recorder.text(stream.id) == "round \(round)" }
                try await scene.until("told") { pair.peerRecorder.addresses.count == round }
            }
        }
    }

    /// SwiftNIO closes a socket on errors; a client goes on from another.
    @Test func clientGoesOnWhenItsSocketFails() async throws {
        try await Scene.run { scene in
            let pair = try await scene.pair()
            let stream = try pair.connection.openBidirectionalStream()
            stream.write(ByteBuffer(string: "before;"))
            try await scene.until("before") { pair.recorder.text(0) == "before;" }
            let before = pair.client.localAddress
            try await pair.client.socket?.channel?.close().get()
            stream.write(ByteBuffer(string: "after"))
            try await scene.until("after") { pair.recorder.text(0) == "before;after" }
            #expect(pair.client.localAddress != before)
            #expect(pair.client.counters.socketsReplaced == 1)
            try await scene.until("told") { pair.peerRecorder.addresses == [pair.client.localAddress] }
        }
    }

    @Test func serverGoesOnWhenItsSocketFails() async throws {
        try await Scene.run { scene in
            let pair = try await scene.pair()
            let stream = try pair.connection.openBidirectionalStream()
            stream.write(ByteBuffer(string: "before;"))
            try await scene.until("before") { pair.recorder.text(0) == "before;" }
            let before = pair.server.localAddress
            try await pair.server.socket?.channel?.close().get()
            stream.write(ByteBuffer(string: "after"))
            try await scene.until("after") { pair.recorder.text(0) == "before;after" }
            #expect(pair.server.localAddress == before)
        }
    }

    /// A wildcard socket answers from the address that it was spoken to at, on hosts that have many.
    @Test(arguments: ["127.0.0.1", "127.0.0.2", "127.77.0.3"])
    func wildcardAnswersFromTheRightAddress(host: String) async throws {
        try await Scene.run { scene in
            let server = try await scene.listen(on: SocketAddress(ipAddress: "0.0.0.0", port: 0))
            let address = try SocketAddress(ipAddress: host, port: #require(server.localAddress.port))
            let plain = try await PlainSocket.bind("0.0.0.0", on: scene.loop)
            var packet = ByteBuffer(bytes: [0xc0, 0x1a, 0x2b, 0x3c, 0x4d, 8, 1, 2, 3, 4, 5, 6, 7, 8, 4, 9, 10, 11, 12])
            packet.writeRepeatingByte(0, count: 1_200)
            plain.send(packet, to: address)
            try await scene.until("answer") { !plain.received.isEmpty }
            #expect(plain.received[0].remoteAddress == address)
            try await plain.close()

            let client = try await scene.client(on: SocketAddress(ipAddress: "0.0.0.0", port: 0))
            let (connection, recorder) = try await scene.connect(client, to: address)
            let stream = try connection.openBidirectionalStream()
            stream.write(ByteBuffer.pattern(100_000))
            try await scene.until("echo") { recorder.receivedCount == 100_000 }
        }
    }

    /// A dual-stack socket serves both families, and tells addresses in their own.
    @Test(arguments: ["127.0.0.1", "::1"])
    func dualStack(host: String) async throws {
        try await Scene.run { scene in
            let server = try await scene.listen(on: SocketAddress(ipAddress: "::", port: 0))
            let address = try SocketAddress(ipAddress: host, port: #require(server.localAddress.port))
            let client = try await scene.client(on: SocketAddress(ipAddress: "::", port: 0))
            let (connection, recorder) = try await scene.connect(client, to: address)
            #expect(connection.remoteAddress == address)
            #expect(scene.accepted[0].connection.remoteAddress.ipAddress == host)
            let stream = try connection.openBidirectionalStream()
            stream.write(ByteBuffer.pattern(100_000))
            try await scene.until("echo") { recorder.receivedCount == 100_000 }
            #expect(server.counters.sendFailures == 0)
        }
    }
}
