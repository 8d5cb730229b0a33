import BalancerFixture
import NIOCore
import Testing

@testable import QUICTransport

/// Frames that no honest node sends, to the sockets of nodes: each is dropped and counted, and moves nothing.
@Suite(.timeLimit(.minutes(10))) struct HostileFramesTests {
    /// A node between two others that keeps their frames, and sends whatever the test wants.
    private static func send(_ octets: [UInt8], to node: RelayedNodes.Node, _ plain: PlainSocket) {
        plain.send(ByteBuffer(bytes: octets), to: node.relay.address)
    }

    /// A frame by the key of a node's run, as one who has taken that node over would send it.
    private static func sealed(
        _ kind: RelayFrame.Kind,
        from sender: RelayedNodes.Node,
        to receiver: RelayedNodes.Node,
        number: UInt64,
        client: RelayAddress,
        datagram: [UInt8] = RelayScene.datagram,
        change: (inout RelayFrame) -> Void = { _ in }
    ) -> [UInt8] {
        var head = RelayFrame(
            kind,
            from: sender.member.node,
            to: receiver.member.node,
            number: 1 << 56 | number,
            worker: 0,
            listener: 3,
            client: client
        )
        change(&head)
        var octets = RelayScene.room(datagram)
        octets.withUnsafeMutableBytes {
            head.write(into: $0)
            RelayKey(of: sender.member, KeyRing(secret: RelayedNodes.secret)).seal($0)
        }
        return octets
    }

    /// An honest frame comes twice, comes back to its sender, goes to a third node, and comes changed.
    @Test func framesAreTakenOnceAndWhereTheyAreFor() async throws {
        try await Scene.run { scene in
            try await RelayedNodes.run(3) { nodes in
                // What the second node sends to the first passes here.
                let tap = try await PlainSocket.bind(on: scene.loop)
                let address = try tap.address
                var kept: [[UInt8]] = []
                let first = nodes.nodes[0].relay.address
                tap.onReceived = { envelope in
                    let octets = Array(buffer: envelope.data)
                    if octets[0] & 7 == RelayFrame.Kind.forward.rawValue { kept.append(octets) }
                    tap.send(envelope.data, to: first)
                }
                try await nodes.tell(1) { membership in
                    for index in membership.peers.indices where membership.peers[index].member.node.number == 0 {
                        membership.peers[index].address = address
                    }
                }
                try await nodes.balancer.assign(0)
                let (connection, recorder) = try await scene.start(scene.client(), to: nodes.balancer.address)
                try await scene.until("established") { recorder.isEstablished }
                try await nodes.balancer.assign(1)
                try connection.openBidirectionalStream().write(ByteBuffer(string: "relayed"))
                try await scene.until("echo") { recorder.text(0) == "relayed" && !kept.isEmpty }
                let frame = kept[0]

                for _ in 0..<3 { Self.send(frame, to: nodes.nodes[0], tap) }
                try await nodes.until("replayed") { try await nodes.refused(0, .replayed) == 3 }
                Self.send(frame, to: nodes.nodes[1], tap)
                try await nodes.until("reflected") { try await nodes.refused(1, .reflected) == 1 }
                Self.send(frame, to: nodes.nodes[2], tap)
                try await nodes.until("misaddressed") { try await nodes.refused(2, .misaddressed) == 1 }
                // A number that is new, for octets that are another number's.
                var renumbered = frame
                renumbered[17] ^= 0x40
                Self.send(renumbered, to: nodes.nodes[0], tap)
                try await nodes.until("forged") { try await nodes.refused(0, .forged) == 1 }
                var hopped = frame
                hopped[1] |= 0x80
                Self.send(hopped, to: nodes.nodes[0], tap)
                try await nodes.until("looping") { try await nodes.refused(0, .looping) == 1 }
                for octets in [[], [0x08], [UInt8](repeating: 0xff, count: 200)] as [[UInt8]] {
                    Self.send(octets, to: nodes.nodes[0], tap)
                }
                try await nodes.until("noise") {
                    let (short, foreign) = (
                        try await nodes.refused(0, .tooShort), try await nodes.refused(0, .foreign)
                    )
                    return short >= 1 && foreign == 1
                }
                // Those of the second node, each once.
                #expect(try await nodes.count(0, \.forwardsIn) <= kept.count)
                #expect(recorder.reason == nil)
                try connection.openBidirectionalStream().write(ByteBuffer(string: "still there"))
                try await scene.until("echo") { recorder.text(4) == "still there" }
                try await tap.close()
            }
        }
    }

    /// A node that was taken over makes no other node send anything to anybody whose datagrams it did not get.
    @Test func nodesAreNoOpenRelays() async throws {
        try await Scene.run { scene in
            try await RelayedNodes.run(3) { nodes in
                let victim = try await PlainSocket.bind(on: scene.loop)
                let plain = try await PlainSocket.bind(on: scene.loop)
                let target = try Self.relayed(victim.address)
                let (ingress, taken) = (nodes.nodes[0], nodes.nodes[2])
                var number: UInt64 = 0
                func frame(
                    _ kind: RelayFrame.Kind,
                    to client: RelayAddress,
                    datagram: [UInt8] = RelayScene.datagram,
                    change: (inout RelayFrame) -> Void = { _ in }
                ) -> [UInt8] {
                    number += 1
                    return Self.sealed(
                        kind,
                        from: taken,
                        to: ingress,
                        number: number,
                        client: client,
                        datagram: datagram,
                        change: change
                    )
                }
                // Nobody has spoken from there.
                for _ in 0..<5 { Self.send(frame(.answer, to: target), to: ingress, plain) }
                try await nodes.until("unknown address") { try await nodes.refused(0, .unknownAddress) == 5 }

                // Somebody speaks from there, to another owner.
                let identifier = try await Self.identifier(of: nodes.nodes[1])
                victim.send(.shortPacket(to: identifier), to: ingress.address)
                try await nodes.until("forwarded") { try await nodes.count(0, \.forwardsOut) == 1 }
                Self.send(frame(.answer, to: target), to: ingress, plain)
                try await nodes.until("unknown address") { try await nodes.refused(0, .unknownAddress) == 6 }

                // To nowhere, to everybody, to another listener, to another loop, in another frame.
                let nowhere = [
                    RelayAddress(high: 0, low: 0xffff_ffff_ffff, port: 9),
                    RelayAddress(high: 0xff02 << 48, low: 1, port: 9),
                    RelayAddress(high: target.high, low: target.low, port: 0),
                ]
                for client in nowhere { Self.send(frame(.answer, to: client), to: ingress, plain) }
                try await nodes.until("nowhere") { try await nodes.refused(0, .unanswerable) == 3 }
                Self.send(frame(.forward, to: target) { $0.listener = 4 }, to: ingress, plain)
                Self.send(frame(.answer, to: target) { $0.worker = 31 }, to: ingress, plain)
                try await nodes.until("listener") { try await nodes.refused(0, .unknownListener) == 2 }
                let inner = frame(.forward, to: target)
                Self.send(frame(.forward, to: target, datagram: inner), to: ingress, plain)
                try await nodes.until("loop") { try await nodes.refused(0, .looping) == 1 }

                // A packet for a third node is not passed on, and one that looks like a new client's begins nothing.
                let third = try await Self.identifier(of: nodes.nodes[1])
                let stray = Array(buffer: ByteBuffer.shortPacket(to: third))
                Self.send(frame(.forward, to: target, datagram: stray), to: ingress, plain)
                try await nodes.until("third node") { try await nodes.refused(0, .looping) == 2 }
                let initial = Array(buffer: try await Initials.capture(1, in: scene)[0])
                Self.send(frame(.forward, to: target, datagram: initial), to: ingress, plain)
                let unknown = Array(buffer: ByteBuffer.shortPacket(to: try await Self.identifier(of: ingress)))
                Self.send(frame(.forward, to: target, datagram: unknown), to: ingress, plain)
                try await nodes.until("dropped") {
                    let dropped = try await nodes.counters(0)[0].dropped
                    return dropped.unexpectedLongHeader == 1 && dropped.unknownConnection == 2
                }
                #expect(try await nodes.counters(0)[0].handshakesStarted == 0)
                #expect(try await nodes.count(0, \.forwardsOut) == 1)
                #expect(try await nodes.count(0, \.answersReleased) == 0)
                #expect(try await nodes.counters(0)[0].datagramsOut == 0)
                #expect(victim.received.isEmpty)
                for socket in [victim, plain] { try await socket.close() }
            }
        }
    }

    /// Frames that lead a client's answers astray would have to hold authentic packets.
    @Test func forgedDatagramsDoNotMoveAClient() async throws {
        try await Scene.run { scene in
            try await RelayedNodes.run(3) { nodes in
                try await nodes.balancer.assign(0)
                let (connection, recorder) = try await scene.start(scene.client(), to: nodes.balancer.address)
                try await scene.until("established") { recorder.isEstablished }
                let stream = try connection.openBidirectionalStream()
                stream.write(ByteBuffer(string: "a"))
                try await scene.until("echo") { recorder.text(0) == "a" }
                let last = try await nodes.balancer.lastFlow()
                let flow = try #require(last)
                let client = try Self.relayed(flow.address)
                let owner = nodes.nodes[0].endpoints[0]
                let found = try await owner.eventLoop.submit {
                    owner.value.table.connections.first?.identifiers.last
                }.get()
                let identifier = try #require(found)
                let plain = try await PlainSocket.bind(on: scene.loop)
                for number in 0..<10 as Range<UInt64> {
                    let packet = ByteBuffer.shortPacket(to: identifier)
                    let octets = Self.sealed(
                        .forward,
                        from: nodes.nodes[2],
                        to: nodes.nodes[0],
                        number: number,
                        client: client,
                        datagram: Array(buffer: packet)
                    )
                    Self.send(octets, to: nodes.nodes[0], plain)
                }
                try await nodes.until("forwards") { try await nodes.count(0, \.forwardsIn) == 10 }
                stream.write(ByteBuffer(string: "b"))
                try await scene.until("echo") { recorder.text(0) == "ab" }
                #expect(try await nodes.count(0, \.answersOut) == 0)
                let isMoved = try await owner.eventLoop.submit {
                    owner.value.table.connections.contains { $0.relayed != nil }
                }.get()
                #expect(!isMoved)
                try await plain.close()
            }
        }
    }

    /// Whoever forges addresses uses up its share of an ingress node, and a client that was answered goes on.
    @Test func forgedAddressesDisplaceNobody() async throws {
        var limits = RelayLimits()
        limits.unansweredAddresses = 8
        limits.unansweredBurst = 40
        limits.unansweredInterval = .seconds(3_600)
        try await Scene.run { scene in
            try await RelayedNodes.run(2, limits: limits) { nodes in
                try await nodes.balancer.assign(0)
                let (connection, recorder) = try await scene.start(scene.client(), to: nodes.balancer.address)
                try await scene.until("established") { recorder.isEstablished }
                let stream = try connection.openBidirectionalStream()
                try await nodes.balancer.assign(1)
                stream.write(ByteBuffer(string: "a"))
                try await scene.until("echo") { recorder.text(0) == "a" }
                // All of 127.0.0.1 has one share.
                let identifier = try await Self.identifier(of: nodes.nodes[0])
                for _ in 0..<60 {
                    let forger = try await PlainSocket.bind(on: scene.loop)
                    forger.send(.shortPacket(to: identifier), to: nodes.nodes[1].address)
                    try await forger.close()
                }
                try await nodes.until("rationed") { try await nodes.refused(1, .rationed) >= 20 }
                #expect(try await nodes.count(1, \.addressesDisplaced) > 0)
                stream.write(ByteBuffer(string: "b"))
                try await scene.until("echo") { recorder.text(0) == "ab" }
            }
        }
    }

    private static func relayed(_ address: SocketAddress) throws -> RelayAddress {
        let octets = try #require(DatagramAddress(address))
        return try #require(RelayAddress(octets))
    }

    /// An identifier of a node that no connection has.
    private static func identifier(
        of node: RelayedNodes.Node,
        isolation: isolated (any Actor)? = #isolation
    ) async throws -> QUICConnectionID {
        let endpoint = node.endpoints[0]
        return try await endpoint.eventLoop.submit { endpoint.value.context.identifiers.make() }.get()
    }
}
