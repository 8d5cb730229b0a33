import BalancerFixture
import NIOCore
import Testing

@testable import QUICTransport

/// Clients whose packets reach another node than the one that has their connection.
@Suite(.timeLimit(.minutes(10))) struct NodeRelayTests {
    /// A client that is connected to the first node.
    private static func client(
        _ nodes: RelayedNodes,
        _ scene: isolated Scene,
        configure: (inout QUICClientConfiguration) -> Void = { _ in }
    ) async throws -> (QUICEndpoint, QUICStream, Recorder) {
        try await nodes.balancer.assign(0)
        let client = try await scene.client()
        let (connection, recorder) = try scene.start(client, to: nodes.balancer.address, configure: configure)
        try await scene.until("established") { recorder.isEstablished }
        let stream = try connection.openBidirectionalStream()
        try await Self.say("hello ", stream, recorder, scene)
        return (client, stream, recorder)
    }

    /// Sends a text, and waits for its echo.
    private static func say(
        _ text: String,
        _ stream: QUICStream,
        _ recorder: Recorder,
        _ scene: isolated Scene
    ) async throws {
        let whole = recorder.text(stream.id) + text
        stream.write(ByteBuffer(string: text))
        try await scene.until(text) { recorder.text(stream.id) == whole || recorder.reason != nil }
        try #require(recorder.reason == nil)
    }

    /// The balancer forgets a flow, and the client's packets come from the same address through another node. Nothing is
    /// validated for that, and no answer takes the former way.
    @Test(arguments: [1, 3], ["127.0.0.1", "0.0.0.0", "::"])
    func sameAddressAtAnotherNode(loops: Int, host: String) async throws {
        guard host != "::" || QUICEndpoint.hasIPv6 else { return }
        try await Scene.run { scene in
            try await RelayedNodes.run(3, loops: loops, host: host) { nodes in
                let (_, stream, recorder) = try await Self.client(nodes, scene)
                for (round, node) in [1, 2, 0, 1, 0, 2].enumerated() {
                    try await nodes.balancer.assign(node)
                    try await Self.say("round \(round) ", stream, recorder, scene)
                    try await Self.say("again ", stream, recorder, scene)
                }
                #expect(try await nodes.count(1, \.forwardsOut) >= 4)
                #expect(try await nodes.count(2, \.forwardsOut) >= 4)
                #expect(try await nodes.count(1, \.answersReleased) >= 4)
                #expect(try await nodes.count(0, \.forwardsIn) >= 8)
                #expect(try await nodes.counters(0).map(\.addressChanges).reduce(0, +) == 0)
                for node in 1...2 {
                    #expect(try await nodes.counters(node).allSatisfy { $0.handshakesStarted == 0 })
                }
                #expect(recorder.closedCount == 0)
            }
        }
    }

    /// A client whose handshake goes through another node is relayed until it has reached the address that the owner prefers, and
    /// never again, wherever it goes.
    @Test(arguments: [1, 3], [0, 1, 2]) func preferredAddressEndsTheRelay(loops: Int, datagrams: Int) async throws {
        try await Scene.run { scene in
            try await RelayedNodes.run(2, loops: loops, host: "0.0.0.0", prefers: true) { nodes in
                // The first datagrams begin the connection at the one node; all others reach the other one.
                try await nodes.balancer.assign(0, for: datagrams + 1, then: 1)
                let client = try await scene.client()
                let (connection, recorder) = try scene.start(client, to: nodes.balancer.address)
                try await scene.until("moved") { !recorder.addresses.isEmpty || recorder.reason != nil }
                let port = try #require(nodes.nodes[0].address.port)
                let own = try SocketAddress(ipAddress: RelayedNodes.preferredHost(of: 0), port: port)
                #expect(recorder.addresses == [own])
                let stream = try connection.openBidirectionalStream()
                try await Self.say("hello ", stream, recorder, scene)
                // All that the client has sent to the balancer is through when this is.
                let marker = try await PlainSocket.bind(on: scene.loop)
                marker.send(ByteBuffer(string: "?"), to: nodes.balancer.address)
                try await nodes.until("marker") {
                    try await nodes.counters(0).contains { $0.dropped.malformed > 0 }
                }
                let through = nodes.balancer.counts.forwarded
                let relayed = through - 1 - (datagrams + 1)
                try await nodes.until("relayed") { try await nodes.count(1, \.forwardsOut) == relayed }
                #expect(datagrams > 0 || relayed > 0)
                let answers = try await nodes.count(0, \.answersOut)
                for round in 0..<20 {
                    let address = try SocketAddress(ipAddress: "127.0.0.\(round % 5 + 1)", port: 0)
                    try await client.rebind(to: address, migration: round % 2 == 0 ? .active : .unnoticed).get()
                    try await Self.say("round \(round) ", stream, recorder, scene)
                }
                #expect(try await nodes.count(1, \.forwardsOut) == relayed)
                #expect(try await nodes.count(0, \.answersOut) == answers)
                #expect(nodes.balancer.counts.forwarded == through)
                try await marker.close()
                #expect(try await nodes.counters(1).allSatisfy { $0.handshakesStarted == 0 })
            }
        }
    }

    /// The kernel leads the address of all nodes to another node than the client's, and the preferred address to the client's node,
    /// both to where the nodes listen and with the client's own address: the owner sees one path, and answers take the way of the
    /// last datagram.
    @Test func preferredAddressAtTheSamePath() async throws {
        try await Scene.run { scene in
            try enterOwnNetwork()
            try run("nft", "add table ip services")
            try run("nft", "add chain ip services output { type nat hook output priority -100 ; }")
            try run("nft", "add chain ip services gate { type filter hook output priority -200 ; }")
            let own = try SocketAddress(ipAddress: "127.0.0.9", port: 5_000)
            let all = try SocketAddress(ipAddress: "127.0.0.8", port: 4_000)
            try await RelayedNodes.run(2, configure: { $0.preferredAddress = QUICPreferredAddress([own]) }) { nodes in
                func lead(_ service: String, to node: Int) throws {
                    let port = try #require(nodes.nodes[node].address.port)
                    try run("nft", "add rule ip services output ip daddr \(service) dnat to 127.0.0.1:\(port)")
                }
                try run("nft", "add rule ip services gate ip daddr 127.0.0.9 drop")
                try lead("127.0.0.8 udp dport 4000", to: 0)
                let client = try await scene.client()
                // So long that the preferred address is still being probed when it can be reached.
                let (connection, recorder) = try scene.start(client, to: all) {
                    $0.common.initialRoundTripTime = .seconds(2)
                }
                try await scene.until("established") { recorder.isEstablished }
                let stream = try connection.openBidirectionalStream()
                try await Self.say("hello ", stream, recorder, scene)
                try run("nft", "flush chain ip services output")
                try lead("127.0.0.8 udp dport 4000", to: 1)
                try lead("127.0.0.9 udp dport 5000", to: 0)
                try await client.rebind(to: SocketAddress(ipAddress: "127.0.0.1", port: 0), migration: .unnoticed).get()
                try await Self.say("relayed ", stream, recorder, scene)
                #expect(try await nodes.count(1, \.forwardsOut) > 0)
                #expect(recorder.addresses == [])
                try run("nft", "flush chain ip services gate")
                try await scene.until("moved") { !recorder.addresses.isEmpty || recorder.reason != nil }
                #expect(recorder.addresses == [own])
                try await Self.say("direct ", stream, recorder, scene)
                let answers = try await nodes.count(0, \.answersOut)
                let relayed = try await nodes.count(1, \.forwardsOut)
                for round in 0..<10 { try await Self.say("round \(round) ", stream, recorder, scene) }
                #expect(try await nodes.count(0, \.answersOut) == answers)
                #expect(try await nodes.count(1, \.forwardsOut) == relayed)
                // The client has moved once, and not by going on at another address of the server.
                #expect(try await nodes.counters(0).map(\.addressChanges) == [1])
            }
        }
    }

    /// A preferred address that cannot be reached costs the client its probes; it is relayed as ever.
    @Test func relayGoesOnWithoutThePreferredAddress() async throws {
        try await Scene.run { scene in
            let silent = try await PlainSocket.bind(on: scene.loop)
            let nowhere = QUICPreferredAddress([try silent.address])
            try await RelayedNodes.run(2, configure: { $0.preferredAddress = nowhere }) { nodes in
                try await nodes.balancer.assign(0, for: 1, then: 1)
                let client = try await scene.client()
                let (connection, recorder) = try scene.start(client, to: nodes.balancer.address) {
                    $0.common.initialRoundTripTime = .milliseconds(10)
                }
                try await scene.until("established") { recorder.isEstablished }
                let stream = try connection.openBidirectionalStream()
                try await Self.say("hello ", stream, recorder, scene)
                try await scene.until("given up") { client.counters.pathValidationsFailed == 1 }
                try await Self.say("again ", stream, recorder, scene)
                #expect(recorder.addresses == [])
                #expect((1...8).contains(silent.received.count))
                #expect(try await nodes.count(1, \.forwardsOut) >= 4)
            }
            try await silent.close()
        }
    }

    /// Another address through another node, by a migration of the client or of a NAT, while there is data on the way.
    @Test(arguments: [1, 3], [QUICEndpoint.Migration.active, .unnoticed])
    func addressesChangeAtRandom(loops: Int, migration: QUICEndpoint.Migration) async throws {
        try await Scene.run { scene in
            try await RelayedNodes.run(3, loops: loops) { nodes in
                let (client, stream, recorder) = try await Self.client(nodes, scene)
                try await nodes.balancer.assign()
                var expected = ByteBuffer(string: "hello ")
                for round in 0..<60 {
                    let piece = ByteBuffer.pattern(3_000, seed: round)
                    stream.write(piece)
                    expected.writeImmutableBuffer(piece)
                    client.flush()
                    try await client.rebind(
                        to: SocketAddress(ipAddress: "127.0.0.\(round % 5 + 1)", port: 0),
                        migration: migration
                    ).get()
                    try await scene.until("round \(round)") {
                        recorder.receivedCount == expected.readableBytes || recorder.reason != nil
                    }
                    try #require(recorder.reason == nil)
                }
                #expect(recorder.received[stream.id] == expected)
                #expect(try await nodes.counters(0).map(\.addressChanges).reduce(0, +) > 30)
                #expect(try await nodes.count(0, \.forwardsIn) > 60)
                let started = try await nodes.counters(1) + nodes.counters(2)
                #expect(started.allSatisfy { $0.handshakesStarted == 0 })
            }
        }
    }

    /// Long transfers keep their trains, and everything arrives.
    @Test func transfersPass() async throws {
        try await Scene.run { scene in
            try await RelayedNodes.run(2) { nodes in
                let (_, stream, recorder) = try await Self.client(nodes, scene)
                try await nodes.balancer.assign(1)
                let payload = ByteBuffer.pattern(2 * 1024 * 1024)
                stream.write(payload)
                stream.finish()
                try await scene.until("echo") { recorder.finished.contains(stream.id) || recorder.reason != nil }
                var expected = ByteBuffer(string: "hello ")
                expected.writeImmutableBuffer(payload)
                #expect(recorder.received[stream.id] == expected)
                let report = try await nodes.nodes[1].relay.report().get()
                #expect(report.sendCalls < report.total.forwardsOut)
                // Both sides have learned of the longest datagram that a frame has room for.
                #expect((1_352...1_366).contains(try #require(stream.connection.engine).pathMaximumPacket))
                #expect(report.total[.tooLong] == 0)
            }
        }
    }

    /// CONNECTION_CLOSE of either side passes, and answers late packets.
    @Test(arguments: [true, false]) func closesPass(byClient: Bool) async throws {
        try await Scene.run { scene in
            try await RelayedNodes.run(2) { nodes in
                let (client, stream, recorder) = try await Self.client(nodes, scene)
                try await nodes.balancer.assign(1)
                try await Self.say("relayed ", stream, recorder, scene)
                let owner = nodes.nodes[0].endpoints[0]
                if byClient {
                    stream.connection.close(applicationError: 7, reason: "")
                    try await nodes.until("closed") {
                        try await owner.eventLoop.submit { owner.value.connectionCount == 0 }.get()
                    }
                } else {
                    try await nodes.balancer.cut(true)
                    try await owner.eventLoop.submit {
                        owner.value.table.connections.first?.close(applicationError: 9, reason: "")
                        owner.value.flush()
                    }.get()
                    try await nodes.balancer.cut(false)
                    // The first CONNECTION_CLOSE is lost; the next answers this.
                    stream.write(ByteBuffer(string: "late"))
                    client.flush()
                    try await scene.until("close") { recorder.reason != nil }
                    #expect(recorder.reason == .application(by: .peer, code: 9, reason: ""))
                }
            }
        }
    }

    // MARK: Owners that are not there

    /// Only a run that is known to be over is answered by a reset.
    @Test func deadOwnersAreReset() async throws {
        try await Scene.run { scene in
            try await RelayedNodes.run(2) { nodes in
                let (_, stream, recorder) = try await Self.client(nodes, scene)
                try await nodes.tell(1) { $0.peers[0].isSuspected = true }
                try await nodes.balancer.assign(1)
                stream.write(ByteBuffer(string: "to a suspected node"))
                try await nodes.until("suspected") { try await nodes.refused(1, .suspectedOwner) > 0 }
                try await nodes.tell(1) { $0.peers = [] }
                try await nodes.until("unknown") { try await nodes.refused(1, .unknownOwner) > 0 }
                #expect(recorder.reason == nil)
                #expect(try await nodes.count(1, \.forwardsOut) == 0)
                try await nodes.tell(1) {
                    $0.dead = [$0.peers[0].member.node]
                    $0.peers = []
                }
                try await scene.until("reset") { recorder.reason != nil }
                #expect(recorder.reason == .statelessReset)
                #expect(try await nodes.count(1, \.resets) > 0)
            }
        }
    }

    /// A node that starts again is a later run, and that alone tells the other nodes that the one before is over.
    @Test func supersededOwnersAreReset() async throws {
        try await Scene.run { scene in
            try await RelayedNodes.run(2) { nodes in
                let (_, stream, recorder) = try await Self.client(nodes, scene)
                try await nodes.tell(1) {
                    $0.peers[0].member = RelayScene.member(0, incarnation: RelayedNodes.incarnation + 1)
                }
                try await nodes.balancer.assign(1)
                stream.write(ByteBuffer(string: "to an earlier run"))
                try await scene.until("reset") { recorder.reason != nil }
                #expect(recorder.reason == .statelessReset)
            }
        }
    }

    /// A node that is no member any more acts for nobody, and nobody acts for it.
    @Test func isolatedNodesKeepQuiet() async throws {
        try await Scene.run { scene in
            try await RelayedNodes.run(2) { nodes in
                let (_, stream, recorder) = try await Self.client(nodes, scene)
                try await nodes.tell(1) { $0.own = nil }
                try await nodes.balancer.assign(1)
                stream.write(ByteBuffer(string: "to nobody "))
                try await nodes.until("unknown") { try await nodes.refused(1, .unknownOwner) > 0 }
                #expect(try await nodes.count(1, \.forwardsOut) == 0)
                // The same run goes on where it was: it has used up no number twice.
                try await nodes.tell(1) { _ in }
                try await scene.until("echo") { recorder.text(stream.id) == "hello to nobody " }
            }
        }
    }

    /// A node that is admitted again is another run. Its own loops know the connections of the one before, and frames are for the
    /// new one.
    @Test(arguments: [1, 3]) func nodesAreAdmittedAgain(loops: Int) async throws {
        try await Scene.run { scene in
            try await RelayedNodes.run(2, loops: loops) { nodes in
                let (_, before, old) = try await Self.client(nodes, scene)
                let again = RelayScene.member(0, incarnation: RelayedNodes.incarnation + 1, salt: 9)
                try await nodes.tell(0) { $0.own = again }
                try await nodes.tell(1) { $0.peers[0].member = again }
                try await nodes.balancer.assign(0)
                try await Self.say("still ", before, old, scene)
                let (_, stream, recorder) = try await Self.client(nodes, scene)
                try await nodes.balancer.assign(1)
                try await Self.say("relayed ", stream, recorder, scene)
                #expect(try await nodes.count(0, \.forwardsIn) > 0)
                // The run before does not come back: its numbers are used up.
                try await nodes.tell(0) { _ in }
                stream.write(ByteBuffer(string: "lost"))
                try await nodes.until("isolated") { try await nodes.refused(0, .isolated) > 0 }
            }
        }
    }

    /// A socket that the system has closed is replaced on its port.
    @Test func socketsAreReplaced() async throws {
        try await Scene.run { scene in
            try await RelayedNodes.run(2) { nodes in
                let (_, stream, recorder) = try await Self.client(nodes, scene)
                try await nodes.balancer.assign(1)
                for node in nodes.nodes {
                    let home = node.relay.home
                    try await home.eventLoop.submit { home.value.socket?.channel?.close(promise: nil) }.get()
                    try await nodes.until("replaced") { try await node.relay.report().get().socketsReplaced == 1 }
                }
                try await Self.say("relayed ", stream, recorder, scene)
            }
        }
    }

    // MARK: Tokens and tickets

    /// The token of one node's Retry is good at another one, which begins the connection.
    @Test func retriesPassBetweenNodes() async throws {
        try await Scene.run { scene in
            try await RelayedNodes.run(2, configure: { $0.retry.mode = .always }) { nodes in
                try await nodes.balancer.assign(0)
                let front = try await PlainSocket.bind(on: scene.loop)
                let back = try await PlainSocket.bind(on: scene.loop)
                let addresses = nodes.nodes.map(\.address)
                var client: SocketAddress?
                var retried = false
                front.onReceived = { envelope in
                    client = envelope.remoteAddress
                    back.send(envelope.data, to: addresses[retried ? 1 : 0])
                }
                back.onReceived = { envelope in
                    // The first answer is the Retry.
                    retried = true
                    if let client { front.send(envelope.data, to: client) }
                }
                let (connection, recorder) = try await scene.start(scene.client(), to: front.address)
                try await scene.until("established") { recorder.isEstablished }
                let stream = try connection.openBidirectionalStream()
                try await Self.say("hello ", stream, recorder, scene)
                #expect(try await nodes.counters(0)[0].retriesSent == 1)
                #expect(try await nodes.counters(1)[0].retriesSent == 0)
                #expect(try await nodes.counters(1)[0].tokensValid >= 1)
                #expect(try await nodes.counters(1)[0].handshakesCompleted == 1)
                #expect(try await nodes.count(1, \.forwardsOut) == 0)
                for socket in [front, back] { try await socket.close() }
            }
        }
    }

    /// A token of NEW_TOKEN is good at all nodes, and early data only at the node that sealed the ticket.
    @Test(arguments: [0, 1]) func ticketsAreGoodAtTheirNode(node: Int) async throws {
        try await Scene.run { scene in
            try await RelayedNodes.run(
                2,
                configure: {
                    $0.retry.mode = .always
                    $0.resumption = QUICServerResumption(
                        keys: TicketKeys(),
                        earlyData: EarlyDataStore(window: .seconds(14_400))
                    )
                }
            ) { nodes in
                try await nodes.balancer.assign(0)
                let client = try await scene.client()
                let (first, taker) = try scene.start(client, to: nodes.balancer.address) { $0.takesTickets = true }
                try await scene.until("ticket") { !taker.tickets.isEmpty && client.dialer.serverTokens.count > 0 }
                first.close(applicationError: 0, reason: "")
                try await nodes.balancer.assign(node)
                let (connection, recorder) = try scene.start(client, to: nodes.balancer.address) {
                    $0.ticket = taker.tickets[0]
                }
                recorder.onEstablished = { connection in
                    try? connection.openBidirectionalStream().write(ByteBuffer(string: "early"))
                }
                try await scene.until("echo") { recorder.text(0) == "early" }
                let counters = try await nodes.counters(node)[0]
                #expect(counters.tokensValid >= 1)
                #expect(counters.retriesSent == (node == 0 ? 1 : 0))
                #expect(counters.earlyDataAccepted == (node == 0 ? 1 : 0))
                #expect(connection.earlyData == (node == 0 ? .accepted : .rejected))
            }
        }
    }

    // MARK: Itself

    @Test func beatsTellWhatIsReachable() async throws {
        try await Scene.run { _ in
            var limits = RelayLimits()
            limits.beatInterval = .milliseconds(20)
            limits.beatPatience = .milliseconds(2_000)
            try await RelayedNodes.run(3, limits: limits) { nodes in
                func isReachable(_ node: Int) async throws -> [Bool] {
                    try await nodes.nodes[node].relay.report().get().reachability.map(\.isReachable)
                }
                try await nodes.until("reachable") {
                    for node in 0..<3 where try await isReachable(node) != [true, true] { return false }
                    return true
                }
                // Beats of one node go nowhere. It is not heard, and knows it.
                let plain = try SocketAddress(ipAddress: "127.0.0.1", port: 9)
                try await nodes.tell(0) { $0.peers[0].address = plain }
                try await nodes.until("cut") {
                    let seen = (try await isReachable(0), try await isReachable(1))
                    return seen == ([false, true], [false, true])
                }
                #expect(try await isReachable(2) == [true, true])
                try await nodes.tell(0) { _ in }
                try await nodes.until("healed") { try await isReachable(0) == [true, true] }
            }
        }
    }

    /// Datagrams that no frame has room for would be lost on the way.
    @Test func datagramsMustFit() async throws {
        await #expect(throws: QUICError.self) {
            try await RelayedNodes.run(1, configure: { $0.common.maximumUDPPayload = 1_452 }) { _ in }
        }
    }

    @Test func narrowNetworksAreRefused() async throws {
        var limits = RelayLimits()
        limits.mtu = 1_280
        await #expect(throws: QUICError.self) {
            try await RelayedNodes.run(1, limits: limits, configure: { $0.common.maximumUDPPayload = 1_200 }) { _ in }
        }
    }
}
