import Foundation
import NIOCore
import Testing

@testable import QUICTransport

/// Networks that misbehave. Each test gives its event loop's thread a network of its own, which ends with it.
@Suite(.enabled(if: isRoot, "needs root for network namespaces")) struct NetworkNamespaceTests {
    /// A packet filter that drops on output makes the kernel refuse datagrams (EPERM). They are counted, nothing more.
    @Test func filterOnOutput() async throws {
        try await Scene.run { scene in
            try enterOwnNetwork()
            let pair = try await scene.pair()
            let stream = try pair.connection.openBidirectionalStream()
            stream.write(ByteBuffer(string: "before;"))
            try await scene.until("before") { pair.recorder.text(0) == "before;" }
            try run(
                "nft",
                "add table inet t; add chain inet t out { type filter hook output priority 0; }; "
                    + "add rule inet t out udp sport \(pair.server.localAddress.port ?? 0) drop"
            )
            stream.write(ByteBuffer(string: "during;"))
            try await scene.until("refused") { pair.server.counters.sendFailures >= 2 }
            #expect(pair.peerRecorder.reason == nil)
            #expect(pair.recorder.text(0) == "before;")
            try run("nft", "delete table inet t")
            try await scene.until("during") { pair.recorder.text(0) == "before;during;" }
            #expect(pair.server.counters.socketsReplaced == 0)
            #expect(pair.client.counters.socketsReplaced == 0)
        }
    }

    /// The client's address is taken from the host: its socket is of no more use, its connection goes on from another.
    @Test func clientAddressVanishes() async throws {
        try await Scene.run { scene in
            try enterOwnNetwork()
            try run("ip", "address", "add", "10.9.9.1/32", "dev", "lo")
            try run("ip", "address", "add", "10.9.9.2/32", "dev", "lo")
            let server = try await scene.listen(on: SocketAddress(ipAddress: "10.9.9.1", port: 0))
            let client = try await scene.client(on: SocketAddress(ipAddress: "10.9.9.2", port: 0))
            let (connection, recorder) = try await scene.connect(client, to: server.localAddress)
            let stream = try connection.openBidirectionalStream()
            stream.write(ByteBuffer(string: "before;"))
            try await scene.until("before") { recorder.text(0) == "before;" }
            try run("ip", "address", "delete", "10.9.9.2/32", "dev", "lo")
            stream.write(ByteBuffer(string: "after"))
            try await scene.until("after") { recorder.text(0) == "before;after" }
            #expect(client.counters.socketsReplaced >= 1)
            #expect(server.counters.socketsReplaced == 0)
            try await scene.until("told") { !scene.accepted[0].recorder.addresses.isEmpty }
            #expect(scene.accepted[0].connection.remoteAddress.ipAddress != "10.9.9.2")
        }
    }

    /// The server's address vanishes under a wildcard socket: clients at other addresses are not concerned, and those at
    /// this one go on when it is back.
    @Test func serverAddressVanishesAndComesBack() async throws {
        try await Scene.run { scene in
            try enterOwnNetwork()
            try run("ip", "address", "add", "10.9.9.1/32", "dev", "lo")
            let server = try await scene.listen(on: SocketAddress(ipAddress: "0.0.0.0", port: 0))
            let port = try #require(server.localAddress.port)
            let client = try await scene.client(on: SocketAddress(ipAddress: "127.0.0.1", port: 0))
            let (there, thereRecorder) = try await scene.connect(
                client,
                to: SocketAddress(ipAddress: "10.9.9.1", port: port)
            )
            let (here, hereRecorder) = try await scene.connect(
                client,
                to: SocketAddress(ipAddress: "127.0.0.1", port: port)
            )
            try run("ip", "address", "delete", "10.9.9.1/32", "dev", "lo")
            scene.accepted[0].connection.markDirty()
            let thereStream = try scene.accepted[0].connection.openBidirectionalStreamIfAllowed()
            thereStream?.write(ByteBuffer(string: "lost"))
            let fromThere = try there.openBidirectionalStream()
            fromThere.write(ByteBuffer(string: "there"))
            let fromHere = try here.openBidirectionalStream()
            fromHere.write(ByteBuffer(string: "here"))
            try await scene.until("here") { hereRecorder.text(0) == "here" }
            try run("ip", "address", "add", "10.9.9.1/32", "dev", "lo")
            try await scene.until("there", seconds: 40) { thereRecorder.text(0) == "there" }
            #expect(server.counters.socketsReplaced == 0)
        }
    }

    /// Replies leave from the address that was spoken to although routing would choose another.
    @Test func twoAddressesOfOneHost() async throws {
        try await Scene.run { scene in
            try enterOwnNetwork()
            try run("ip", "link", "add", "one", "type", "veth", "peer", "name", "two")
            for address in ["10.8.0.1/24", "10.8.0.2/24", "fd00::1/64", "fd00::2/64"] {
                try run("ip", "address", "add", address, "dev", "one", "nodad")
            }
            try run("ip", "link", "set", "one", "up")
            try run("ip", "link", "set", "two", "up")
            let server = try await scene.listen(on: SocketAddress(ipAddress: "::", port: 0))
            let port = try #require(server.localAddress.port)
            for host in ["10.8.0.1", "10.8.0.2", "fd00::1", "fd00::2"] {
                let family = host.contains(":") ? "::" : "0.0.0.0"
                let plain = try await PlainSocket.bind(family, on: scene.loop)
                var packet = ByteBuffer(bytes: [0xc0, 0x1a, 0x2b, 0x3c, 0x4d, 8, 1, 2, 3, 4, 5, 6, 7, 8, 1, 9])
                packet.writeRepeatingByte(0, count: 1_200)
                let address = try SocketAddress(ipAddress: host, port: port)
                plain.send(packet, to: address)
                try await scene.until("answer from \(host)") { !plain.received.isEmpty }
                #expect(plain.received[0].remoteAddress == address)
                try await plain.close()
                let client = try await scene.client(on: SocketAddress(ipAddress: family, port: 0))
                let (connection, recorder) = try await scene.connect(client, to: address)
                let stream = try connection.openBidirectionalStream()
                stream.write(ByteBuffer.pattern(50_000))
                try await scene.until("echo") { recorder.receivedCount == 50_000 }
            }
        }
    }

    /// A client goes on at the preferred address of either version of IP, as its socket can, and the answers come from there
    /// (RFC 9000 §9.6).
    @Test(arguments: [
        ("10.8.0.1", ["10.8.0.2"], "10.8.0.2"), ("fd00::1", ["fd00::2"], "fd00::2"),
        ("fd00::1", ["10.8.0.2", "fd00::2"], "fd00::2"), ("10.8.0.1", ["fd00::2", "10.8.0.2"], "10.8.0.2"),
        ("fd00::1", ["10.8.0.2"], "10.8.0.2"),
    ])
    func preferredAddressOfEitherVersion(dialed: String, preferred: [String], expected: String) async throws {
        guard QUICEndpoint.hasIPv6 else { return }
        try await Scene.run { scene in
            try enterOwnNetwork()
            try run("ip", "link", "add", "one", "type", "veth", "peer", "name", "two")
            for address in ["10.8.0.1/24", "10.8.0.2/24", "fd00::1/64", "fd00::2/64"] {
                try run("ip", "address", "add", address, "dev", "one", "nodad")
            }
            try run("ip", "link", "set", "one", "up")
            try run("ip", "link", "set", "two", "up")
            let own = try preferred.map { try SocketAddress(ipAddress: $0, port: 4_001) }
            let server = try await scene.listen(
                on: SocketAddress(ipAddress: "::", port: 4_001),
                configure: { $0.preferredAddress = QUICPreferredAddress(own) }
            )
            let any = dialed.contains(":") ? "::" : "0.0.0.0"
            let client = try await scene.client(on: SocketAddress(ipAddress: any, port: 0))
            let address = try SocketAddress(ipAddress: dialed, port: 4_001)
            let (connection, recorder) = try await scene.connect(client, to: address)
            try await scene.until("moved") { !recorder.addresses.isEmpty }
            #expect(recorder.addresses.map(\.ipAddress) == [expected])
            let stream = try connection.openBidirectionalStream()
            stream.write(ByteBuffer.pattern(50_000))
            try await scene.until("echo") { recorder.receivedCount == 50_000 }
            #expect(server.counters.dropped == QUICCounters().dropped)
            #expect(client.counters.dropped == QUICCounters().dropped)
        }
    }

    /// The kernel leads two addresses, of all nodes and of this one, to where the server listens, as it does for Services of
    /// Kubernetes: to the server, all arrives at one address.
    @Test func translatedPreferredAddress() async throws {
        try await Scene.run { scene in
            try enterOwnNetwork()
            try run("nft", "add table ip services")
            try run("nft", "add chain ip services output { type nat hook output priority -100 ; }")
            for service in ["127.0.0.8 udp dport 4000", "127.0.0.9 udp dport 5000"] {
                try run("nft", "add rule ip services output ip daddr \(service) dnat to 127.0.0.1:4001")
            }
            let own = try SocketAddress(ipAddress: "127.0.0.9", port: 5_000)
            let server = try await scene.listen(
                on: SocketAddress(ipAddress: "127.0.0.1", port: 4_001),
                configure: { $0.preferredAddress = QUICPreferredAddress([own]) }
            )
            let client = try await scene.client()
            let all = try SocketAddress(ipAddress: "127.0.0.8", port: 4_000)
            let (connection, recorder) = try await scene.connect(client, to: all)
            try await scene.until("moved") { !recorder.addresses.isEmpty }
            #expect(recorder.addresses == [own])
            try run("nft", "flush chain ip services output")
            try run("nft", "add rule ip services output ip daddr 127.0.0.9 udp dport 5000 dnat to 127.0.0.1:4001")
            let stream = try connection.openBidirectionalStream()
            for round in 1...20 {
                let host = "127.0.0.\(round % 3 + 1)"
                try await client.rebind(to: SocketAddress(ipAddress: host, port: 0), migration: .active).get()
                stream.write(ByteBuffer.pattern(1_000))
                try await scene.until("echo") { recorder.receivedCount == round * 1_000 }
            }
            #expect(connection.remoteAddress == own)
            #expect(server.counters.pathValidationsFailed == 0)
        }
    }

    /// A device that is slower than we are fills the socket's buffer: what is unsent waits.
    @Test func slowDevice() async throws {
        try await Scene.run { scene in
            try enterOwnNetwork()
            try run("tc", "qdisc", "add", "dev", "lo", "root", "tbf", "rate", "40mbit", "burst", "4kb", "limit", "2mb")
            let pair = try await scene.pair(configureServer: { $0.socket.sendBufferSize = 4_096 })
            let stream = try pair.connection.openBidirectionalStream()
            stream.write(ByteBuffer.pattern(500_000))
            try await scene.until("echo", seconds: 60) { pair.recorder.receivedCount == 500_000 }
            #expect(pair.server.counters.sendsBlocked >= 1)
            #expect(pair.recorder.received[0] == ByteBuffer.pattern(500_000))
        }
    }

    /// Trains of datagrams that a device cannot cut are sent singly.
    @Test func smallDeviceMTU() async throws {
        try await Scene.run { scene in
            try enterOwnNetwork()
            try run("ip", "link", "set", "lo", "mtu", "1280")
            let pair = try await scene.pair()
            let stream = try pair.connection.openBidirectionalStream()
            stream.write(ByteBuffer.pattern(500_000))
            try await scene.until("echo", seconds: 60) { pair.recorder.receivedCount == 500_000 }
            #expect(pair.client.counters.socketsReplaced == 0)
            #expect(pair.client.counters.datagramsTooLong >= 1)
        }
    }
}

extension QUICConnection {
    fileprivate func openBidirectionalStreamIfAllowed() throws -> QUICStream? {
        try? self.openBidirectionalStream()
    }
}

/// Gives this thread a network namespace with nothing but a loopback device.
func enterOwnNetwork() throws {
    typealias Unshare = @convention(c) (CInt) -> CInt
    guard let symbol = dlsym(nil, "unshare") else { throw SceneError.timeout("unshare") }
    let newNetwork: CInt = 0x4000_0000
    guard unsafeBitCast(symbol, to: Unshare.self)(newNetwork) == 0 else {
        throw SceneError.timeout("unshare: errno \(errno)")
    }
    try run("ip", "link", "set", "lo", "up")
}

/// Runs a command in this thread's network namespace.
func run(_ command: String, _ arguments: String...) throws {
    var child: pid_t = 0
    let path = "/usr/sbin/\(command)"
    var words: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) }
    words.append(nil)
    defer { for word in words { free(word) } }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    // Sockets of tests beside this one must not live on in the command.
    for descriptor in 3..<256 as Range<CInt> { posix_spawn_file_actions_addclose(&actions, descriptor) }
    guard posix_spawn(&child, path, &actions, nil, words, environ) == 0 else { throw SceneError.timeout(command) }
    var status: CInt = 0
    while waitpid(child, &status, 0) < 0, errno == EINTR {}
    guard status == 0 else { throw SceneError.timeout("\(command) \(arguments)") }
}
