import Glibc
import NIOCore
import Testing

@testable import QUICTransport

/// Datagrams that the kernel gives to another loop than their connection's.
@Suite struct QUICEndpointStraysTests {
    /// The kernel finds the worker by the identifier; without its help the loops do.
    @Test(arguments: [2, 4], [true, false])
    func identifiersLeadToTheirLoop(count: Int, steers: Bool) async throws {
        try await Scene.run { scene in
            try await SharedPort.run(count, configure: { $0.steersInKernel = steers }) { port in
                try await Self.expectDelivery(to: port, steers: steers, in: scene)
                #expect(try await port.counters().map(\.steeringsAttached).reduce(0, +) == (steers ? 1 : 0))
            }
        }
    }

    /// In clear, the mask is computed from other octets.
    @Test(arguments: [QUICIdentifierConfiguration.Mode.plain, .aws(serverID: 0xfedc_ba98_7654_3210)])
    func clearIdentifiersAreSteered(mode: QUICIdentifierConfiguration.Mode) async throws {
        try await Scene.run { scene in
            try await SharedPort.run(4, configure: { $0.identifiers.mode = mode }) { port in
                try await Self.expectDelivery(to: port, steers: true, in: scene)
            }
        }
    }

    /// From one address, of which the kernel's hash makes one socket: 32 packets for each worker.
    private static func expectDelivery(
        to port: SharedPort,
        steers: Bool,
        in scene: isolated Scene
    ) async throws {
        let each = 32
        let plain = try await PlainSocket.bind(on: scene.loop)
        let before = try await port.counters()
        for worker in port.endpoints.indices {
            for identifier in try await port.identifiers(each, of: worker) {
                plain.send(.shortPacket(to: identifier), to: port.address)
            }
        }
        var counters: [QUICCounters] = []
        for _ in 0..<2_000 {
            counters = try await port.counters()
            let arrived = zip(counters, before).map { $0.dropped.unknownConnection - $1.dropped.unknownConnection }
            if arrived.reduce(0, +) == each * port.endpoints.count { break }
            try await scene.pause(.milliseconds(5))
        }
        // All is done by now, also what was being done while the first of them was asked.
        counters = try await port.counters()
        for (now, before) in zip(counters, before) {
            #expect(now.dropped.unknownConnection - before.dropped.unknownConnection == each)
            if steers {
                #expect(now.datagramsIn - before.datagramsIn == each)
                #expect(now.tossedIn == before.tossedIn && now.tossedOut == before.tossedOut)
            }
            #expect(now.resetsSent == before.resetsSent)
        }
        if !steers {
            // One loop was given all.
            let total = each * port.endpoints.count
            #expect(Set(zip(counters, before).map { $0.datagramsIn - $1.datagramsIn }) == [0, total])
            let tossed = zip(counters, before).map { $0.tossedOut - $1.tossedOut }.reduce(0, +)
            #expect(tossed == total - each)
            #expect(zip(counters, before).map { $0.tossedIn - $1.tossedIn }.reduce(0, +) == tossed)
        }
        try await plain.close()
    }

    /// Sockets change their places in the kernel's order when one is replaced; it is told anew.
    @Test func replacedSocketsAreSteeredTo() async throws {
        try await Scene.run { scene in
            try await SharedPort.run(4) { port in
                for worker in [1, 0, 3] {
                    try await port.ask(worker) { $0.socket?.channel?.close(promise: nil) }
                    for _ in 0..<2_000 where try await port.counters()[worker].socketsReplaced == 0 {
                        try await scene.pause(.milliseconds(5))
                    }
                    try await Self.expectDelivery(to: port, steers: true, in: scene)
                }
            }
        }
    }

    /// A kernel that has no such filter, or does not let us.
    @Test func refusedSteeringIsTold() throws {
        let socket = try DatagramSocket.open(on: SocketAddress(ipAddress: "127.0.0.1", port: 0), wishes: .init())
        defer { close(socket.descriptor) }
        var configuration = QUICIdentifierConfiguration()
        configuration.node = 1
        let generator = try RoutableConnectionIDGenerator(
            configuration,
            ring: KeyRing(secret: [UInt8](repeating: 7, count: 32)),
            worker: 0,
            of: 2
        )
        let steering = try #require(generator.steering)
        #expect(DatagramSocket.steer(socket.descriptor, by: steering, among: [0, 1]) < 0)
        #expect(DatagramSocket.steer(socket.descriptor, by: steering, among: Array(0..<40)) < 0)
    }

    /// A Handshake packet whose address changed is distributed by the hash, and finds its loop by the identifier all the
    /// same. It is passed on once and no further, although no connection is there.
    @Test func longHeadersFindTheirLoop() async throws {
        try await Scene.run { scene in
            try await SharedPort.run(4) { port in
                let plain = try await PlainSocket.bind(on: scene.loop)
                for worker in 0..<4 {
                    for identifier in try await port.identifiers(8, of: worker) {
                        plain.send(.handshakePacket(to: identifier), to: port.address)
                    }
                }
                var counters: [QUICCounters] = []
                for _ in 0..<2_000 {
                    counters = try await port.counters()
                    if counters.map(\.dropped.unexpectedLongHeader).reduce(0, +) == 32 { break }
                    try await scene.pause(.milliseconds(5))
                }
                counters = try await port.counters()
                #expect(counters.map(\.dropped.unexpectedLongHeader) == [8, 8, 8, 8])
                #expect(counters.map(\.tossedOut).reduce(0, +) == 24)
                try await plain.close()
            }
        }
    }

    /// A loop that does not keep up loses what is beyond its bound, and nothing else happens.
    @Test func whatWaitsForALoopIsBounded() async throws {
        try await Scene.run { scene in
            try await SharedPort.run(
                2,
                configure: {
                    $0.steersInKernel = false
                    $0.maximumTossedBytes = 100
                }
            ) { port in
                let plain = try await PlainSocket.bind(on: scene.loop)
                for worker in 0..<2 {
                    for identifier in try await port.identifiers(10, of: worker) {
                        plain.send(.shortPacket(to: identifier), to: port.address)
                    }
                }
                var counters: [QUICCounters] = []
                for _ in 0..<2_000 {
                    counters = try await port.counters()
                    if counters.map({ $0.dropped.tossLimit + $0.dropped.unknownConnection }).reduce(0, +) == 20 {
                        break
                    }
                    try await scene.pause(.milliseconds(5))
                }
                #expect(counters.map(\.dropped.tossLimit).reduce(0, +) == 10)
                #expect(counters.map(\.dropped.unknownConnection).reduce(0, +) == 10)
                #expect(counters.allSatisfy { $0.tossedOut == 0 && $0.tossedIn == 0 })
                try await plain.close()
            }
        }
    }

    /// 1,000 changes of port, address and both, with data both ways: every byte arrives, in order, and no connection ends.
    ///
    /// Where both kinds take turns, the next comes before the last is validated.
    @Test(arguments: [true, false], [[QUICEndpoint.Migration.unnoticed], [.active], [.unnoticed, .active]])
    func thousandAddressChanges(steers: Bool, migrations: [QUICEndpoint.Migration]) async throws {
        try await Scene.run { scene in
            try await SharedPort.run(
                4,
                configure: { $0.steersInKernel = steers }
            ) { port in
                let clients = 10
                let rounds = 100
                let piece = 3_000
                var movers: [(endpoint: QUICEndpoint, stream: QUICStream, recorder: Recorder)] = []
                for _ in 0..<clients {
                    let endpoint = try await scene.client()
                    let (connection, recorder) = try scene.start(endpoint, to: port.address)
                    try await scene.until("established") { recorder.isEstablished }
                    movers.append((endpoint, try connection.openBidirectionalStream(), recorder))
                }
                for round in 0..<rounds {
                    for (index, mover) in movers.enumerated() {
                        mover.stream.write(.pattern(piece, seed: round))
                        mover.endpoint.flush()
                        // Old socket closed at once, with the answer still to come.
                        try await mover.endpoint.rebind(
                            to: Self.newAddress(round, index, before: mover.endpoint.localAddress),
                            migration: migrations[round % migrations.count]
                        ).get()
                    }
                    try await scene.until("round \(round)", seconds: 60) {
                        movers.allSatisfy {
                            $0.recorder.receivedCount == (round + 1) * piece || $0.recorder.reason != nil
                        }
                    }
                    try #require(movers.compactMap(\.recorder.reason) == [])
                    if migrations.count > 1 { continue }
                    let addresses = Set(movers.map(\.endpoint.localAddress))
                    for _ in 0..<300 where try await !Self.validatedAddresses(port).isSuperset(of: addresses) {
                        try await scene.pause(.milliseconds(1))
                    }
                }
                var expected = ByteBuffer()
                for round in 0..<rounds { expected.writeImmutableBuffer(.pattern(piece, seed: round)) }
                for mover in movers { #expect(mover.recorder.received[0] == expected) }
                let counters = try await port.counters()
                #expect(counters.map(\.handshakesCompleted).reduce(0, +) == clients)
                #expect(counters.map(\.addressChanges).reduce(0, +) > clients * rounds / 2)
                // The last packets of a handshake have a long header, by which the kernel does not steer.
                let tossed = counters.map(\.tossedIn).reduce(0, +)
                #expect(steers ? tossed <= 3 * clients : tossed > clients * rounds / 4, "\(tossed) tossed")
                #expect(counters.allSatisfy { $0.dropped.unknownConnection == 0 })
                // A loop that a busy machine does not let run finds its inbox full, and the packets are sent again.
                #expect(counters.map(\.dropped.tossLimit).reduce(0, +) * 10 <= tossed)
            }
        }
    }

    private static func validatedAddresses(
        _ port: SharedPort,
        isolation: isolated (any Actor)? = #isolation
    ) async throws -> Set<SocketAddress> {
        Set(try await port.askAll { $0.table.connections.map(\.remoteAddress) }.joined())
    }

    /// Another port, another address with the same port, or both.
    private static func newAddress(_ round: Int, _ client: Int, before: SocketAddress) throws -> SocketAddress {
        let host = "127.0.\(client + 1).\(round % 250 + 1)"
        switch round % 3 {
        case 0: return try SocketAddress(ipAddress: before.ipAddress ?? host, port: 0)
        case 1: return try SocketAddress(ipAddress: host, port: before.port ?? 0)
        default: return try SocketAddress(ipAddress: host, port: 0)
        }
    }

    /// A connection goes on when another loop of the port closes.
    @Test func groupsShrink() async throws {
        try await Scene.run { scene in
            let group = QUICEndpointGroup(count: 2)
            let first = try await scene.listen(in: group)
            let second = try await scene.listen(on: first.localAddress, in: group, worker: 1)
            try await scene.until("known") {
                first.courier.inboxes.count == 2 && second.courier.inboxes.allSatisfy { $0 != nil }
            }
            let orphan = second.context.identifiers.make()
            try await second.close().get()
            try await scene.until("gone") { first.courier.inboxes[1] == nil }
            let plain = try await PlainSocket.bind(on: scene.loop)
            plain.send(.shortPacket(to: orphan), to: first.localAddress)
            try await scene.until("dropped") { first.counters.dropped.unknownConnection == 1 }
            let client = try await scene.client()
            let (connection, recorder) = try await scene.connect(client, to: first.localAddress)
            try connection.openBidirectionalStream().write(ByteBuffer(string: "x"))
            try await scene.until("echo") { recorder.text(0) == "x" }
            try await plain.close()
        }
    }
}
