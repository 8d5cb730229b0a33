import Foundation
import NIOCore
import Testing

@testable import QUICTransport

/// What strangers may send.
@Suite struct PacketNoiseTests {
    /// 50,000 datagrams of noise and of forged first flights leave the endpoint as it was.
    @Test func noiseLeavesNothingBehind() async throws {
        try await Scene.run { scene in
            let pair = try await scene.pair(configureServer: { $0.common.handshakeTimeout = .seconds(1) })
            let honest = try await Initials.capture(4, in: scene)
            let plain = try await PlainSocket.bind(on: scene.loop)
            try await scene.until("quiet") { pair.server.connectionCount == 1 }
            var state: UInt64 = 42
            func random() -> UInt64 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return state >> 16
            }
            func noise(_ round: Int) -> ByteBuffer {
                switch round % 5 {
                case 0:
                    return ByteBuffer.pattern(Int(random() % 1_500), seed: round)
                case 1:  // A short header.
                    var packet = ByteBuffer.pattern(20 + Int(random() % 1_400), seed: round)
                    packet.setInteger(UInt8(0x40), at: 0)
                    return packet
                case 2:  // A first flight that says it is one, and nothing more.
                    var packet = ByteBuffer(bytes: [0xc0, 0, 0, 0, 1, 8])
                    packet.writeInteger(random())
                    packet.writeBytes([0, 0, 0x44, 0x80])
                    packet.writeImmutableBuffer(ByteBuffer.pattern(1_300, seed: round))
                    return packet
                default:  // An honest first flight with changed contents.
                    var packet = honest[Int(random() % 4)]
                    let place = Int(random()) % packet.readableBytes
                    packet.setInteger(UInt8(truncatingIfNeeded: random()), at: place)
                    return packet
                }
            }
            var memory = 0
            for round in 0..<50_000 {
                plain.send(noise(round), to: pair.server.localAddress)
                if round % 200 == 0 { try await scene.pause(.milliseconds(1)) }
                if round == 5_000 { memory = try residentBytes() }
            }
            let counters = pair.server.counters
            // What a busy machine has not read in time was dropped before it came to us.
            #expect(counters.datagramsIn + pair.server.datagramsDroppedByKernel > 40_000)
            #expect(counters.datagramsIn > 10_000)
            #expect(counters.dropped.forgedInitial > 1_000)
            // Other tests run beside this one. A connection left by each datagram would take a gigabyte.
            #expect(try residentBytes() - memory < 128 * 1024 * 1024)
            try await scene.until("forgotten") { pair.server.connectionCount == 1 }
            #expect(pair.server.handshakeCount == 0)
            #expect(pair.server.deadlines.count <= 1)

            let stream = try pair.connection.openBidirectionalStream()
            stream.write(ByteBuffer(string: "still here"))
            try await scene.until("echo") { pair.recorder.text(0) == "still here" }
            try await scene.until("closed ones forgotten") { pair.server.closedConnections.count == 0 }
            #expect(pair.server.table.identifierCount == pair.peer.identifiers.count)
            let client = try await scene.client()
            _ = try await scene.connect(client, to: pair.server.localAddress)
            try await plain.close()
        }
    }

    /// A host must not be made to talk to itself, to everybody or to nobody.
    @Test(arguments: [
        ("127.0.0.1", 0, true), ("224.0.0.1", 5_000, true), ("239.1.2.3", 5_000, true),
        ("255.255.255.255", 5_000, true),
        ("0.0.0.0", 5_000, true), ("192.0.2.1", 1, false), ("ff02::1", 5_000, true), ("::", 5_000, true),
        ("2001:db8::1", 5_000, false), ("::ffff:224.0.0.1", 5_000, true), ("::ffff:192.0.2.1", 5_000, false),
        ("2001:db8::1", 0, true),
    ])
    func unanswerableSources(host: String, port: Int, unanswerable: Bool) throws {
        let address = try #require(DatagramAddress(SocketAddress(ipAddress: host, port: port)))
        #expect(address.isUnanswerable == unanswerable)
    }

    @Test(.enabled(if: isRoot, "needs root for a raw socket"))
    func datagramFromPortZeroIsDroppedUnanswered() async throws {
        try await Scene.run { scene in
            let pair = try await scene.pair()
            let initial = try await Initials.capture(1, in: scene)[0]
            let dropped = pair.server.counters.dropped.unanswerableSource
            try sendRaw(initial, fromPort: 0, to: pair.server.localAddress)
            try sendRaw(ByteBuffer(repeating: 0x40, count: 100), fromPort: 0, to: pair.server.localAddress)
            try await scene.until("dropped") { pair.server.counters.dropped.unanswerableSource == dropped + 2 }
            #expect(pair.server.connectionCount == 1)
            let stream = try pair.connection.openBidirectionalStream()
            stream.write(ByteBuffer(string: "x"))
            try await scene.until("echo") { pair.recorder.text(0) == "x" }
        }
    }

    @Test func emptyAndTinyDatagrams() async throws {
        try await Scene.run { scene in
            let pair = try await scene.pair()
            let plain = try await PlainSocket.bind(on: scene.loop)
            for count in 0..<64 { plain.send(ByteBuffer(repeating: 0xff, count: count), to: pair.server.localAddress) }
            for count in 0..<64 { plain.send(ByteBuffer(repeating: 0x00, count: count), to: pair.server.localAddress) }
            try await scene.until("handled") { pair.server.counters.datagramsIn >= 128 }
            let stream = try pair.connection.openBidirectionalStream()
            stream.write(ByteBuffer(string: "x"))
            try await scene.until("echo") { pair.recorder.text(0) == "x" }
            try await plain.close()
        }
    }
}

let isRoot = geteuid() == 0

/// Resident memory of this process, bytes.
func residentBytes() throws -> Int {
    let text = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
    return (text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) * 4_096
}

/// Sends a UDP datagram with a source port of choice.
func sendRaw(_ payload: ByteBuffer, fromPort source: UInt16, to address: SocketAddress) throws {
    guard case .v4(let target) = address else { throw SceneError.timeout("IPv4") }
    var packet = ByteBuffer()
    packet.writeInteger(source)
    packet.writeInteger(UInt16(bigEndian: target.address.sin_port))
    packet.writeInteger(UInt16(8 + payload.readableBytes))
    packet.writeInteger(UInt16(0))  // No checksum.
    packet.writeImmutableBuffer(payload)
    let descriptor = socket(AF_INET, CInt(SOCK_RAW.rawValue), CInt(IPPROTO_UDP))
    guard descriptor >= 0 else { throw SceneError.timeout("raw socket") }
    defer { close(descriptor) }
    var destination = target.address
    destination.sin_port = 0
    let sent = packet.withUnsafeReadableBytes { bytes in
        withUnsafePointer(to: &destination) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(descriptor, bytes.baseAddress, bytes.count, 0, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }
    guard sent == packet.readableBytes else { throw SceneError.timeout("sendto: errno \(errno)") }
}
