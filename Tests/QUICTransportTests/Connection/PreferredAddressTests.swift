import NIOCore
import Testing

@testable import QUICTransport

/// Servers that have an address of their own behind the one that clients dial (RFC 9000 §9.6).
@Suite(.timeLimit(.minutes(10))) struct PreferredAddressTests {
    /// A listener on all addresses, which prefers 127.0.0.2 on its own port, or on another one.
    private static func listen(
        _ scene: isolated Scene,
        on host: String = "0.0.0.0",
        preferring preferred: String = "127.0.0.2",
        port other: Int? = nil,
        configure: (inout QUICServerConfiguration) -> Void = { _ in }
    ) async throws -> (server: QUICEndpoint, dialed: SocketAddress, preferred: SocketAddress) {
        let port = try FreePort.udp()
        let address = try SocketAddress(ipAddress: preferred, port: other ?? port)
        let server = try await scene.listenAgain(on: SocketAddress(ipAddress: host, port: port)) {
            $0.preferredAddress = QUICPreferredAddress([address])
            configure(&$0)
        }
        return (server, try SocketAddress(ipAddress: "127.0.0.1", port: port), address)
    }

    /// Sends a text on the stream, another one than before, and waits for its echo.
    private static func say(
        _ text: String,
        _ stream: QUICStream,
        _ recorder: Recorder,
        _ scene: isolated Scene
    ) async throws {
        stream.write(ByteBuffer(string: text))
        try await scene.until(text) { recorder.text(stream.id).hasSuffix(text) || recorder.reason != nil }
        try #require(recorder.reason == nil)
    }

    /// The address of this side at which a client's datagrams arrive; `nil` for that of the handshake.
    private static func arrival(_ peer: QUICConnection) throws -> String? {
        let engine = try #require(peer.engine)
        return engine.path(of: engine.remoteAddress).local?.socketAddress.ipAddress
    }

    /// Once the handshake is confirmed, the client goes on at the preferred address, with a path validation of each side. It has not
    /// moved, and so it is given no second token, and its user of the server's side hears nothing.
    @Test(arguments: ["0.0.0.0", "::"]) func clientGoesOnThere(host: String) async throws {
        guard host != "::" || QUICEndpoint.hasIPv6 else { return }
        try await Scene.run { scene in
            let (server, dialed, preferred) = try await Self.listen(scene, on: host)
            let client = try await scene.client()
            let (connection, recorder) = try await scene.connect(client, to: dialed)
            let (peer, peerRecorder) = scene.accepted[0]
            #expect(connection.remoteAddress == dialed || recorder.addresses == [preferred])
            try await scene.until("moved") { recorder.addresses == [preferred] }
            let stream = try connection.openBidirectionalStream()
            try await Self.say("here ", stream, recorder, scene)
            #expect(try Self.arrival(peer) == "127.0.0.2")
            stream.write(ByteBuffer.pattern(500_000))
            try await scene.until("echo") { recorder.receivedCount == 500_005 }
            try await scene.until("token") { client.dialer.serverTokens.count == 1 }
            #expect(connection.remoteAddress == preferred)
            #expect(peer.remoteAddress == client.localAddress)
            #expect(peerRecorder.addresses == [])
            #expect(server.counters.addressChanges == 0)
            #expect(server.counters.newTokensSent == 1)
            #expect(server.counters.dropped == QUICCounters().dropped)
            #expect(client.counters.dropped == QUICCounters().dropped)
            // The token is the dialed server's.
            let called = try #require(DatagramAddress(dialed))
            #expect(client.dialer.serverTokens.take(for: DialedServer(address: called, name: "localhost")) != [])
        }
    }

    /// The server's CONNECTION_CLOSE leaves from the preferred address, and answers what comes there late.
    @Test func serverCloses() async throws {
        try await Scene.run { scene in
            let (_, dialed, preferred) = try await Self.listen(scene)
            let (_, recorder) = try await scene.connect(try await scene.client(), to: dialed)
            try await scene.until("moved") { recorder.addresses == [preferred] }
            let peer = scene.accepted[0].connection
            try await scene.until("moved here") { (try? Self.arrival(peer)) == "127.0.0.2" || peer.isClosed }
            peer.close(applicationError: 7, reason: "enough")
            try await scene.until("closed") { recorder.reason != nil }
            #expect(recorder.reason == .application(by: .peer, code: 7, reason: "enough"))
        }
    }

    /// A client that has been told to stays where it is.
    @Test func clientStays() async throws {
        try await Scene.run { scene in
            let (server, dialed, _) = try await Self.listen(scene)
            let client = try await scene.client()
            let (connection, recorder) = try await scene.connect(client, to: dialed) { $0.usesPreferredAddress = false }
            let stream = try connection.openBidirectionalStream()
            for number in 0..<20 { try await Self.say("\(number) ", stream, recorder, scene) }
            #expect(connection.remoteAddress == dialed)
            #expect(try Self.arrival(scene.accepted[0].connection) == nil)
            #expect(server.counters.pathValidationsFailed == 0)
        }
    }

    /// A preferred address that nobody can reach costs its probes, and the connection goes on where it is.
    @Test func unreachableAddress() async throws {
        try await Scene.run { scene in
            let silent = try await PlainSocket.bind(on: scene.loop)
            let (server, dialed, _) = try await Self.listen(
                scene,
                preferring: "127.0.0.1",
                port: try silent.address.port
            )
            let client = try await scene.client()
            let (connection, recorder) = try await scene.connect(client, to: dialed) {
                $0.common.initialRoundTripTime = .milliseconds(10)
            }
            let stream = try connection.openBidirectionalStream()
            try await Self.say("at once ", stream, recorder, scene)
            try await scene.until("given up") { client.counters.pathValidationsFailed == 1 }
            try await Self.say("afterwards ", stream, recorder, scene)
            try await client.rebind(to: SocketAddress(ipAddress: "127.0.0.1", port: 0), migration: .active).get()
            try await Self.say("elsewhere ", stream, recorder, scene)
            #expect(recorder.addresses == [])
            #expect(connection.remoteAddress == dialed)
            // Only probes went there: padded, and few of them.
            #expect((1...8).contains(silent.received.count))
            #expect(silent.received.allSatisfy { $0.data.readableBytes >= 1_200 })
            #expect(server.counters.pathValidationsFailed == 0)
            try await silent.close()
        }
    }

    /// Wherever the client goes from there, it goes on at the preferred address.
    @Test(arguments: [QUICEndpoint.Migration.active, .unnoticed])
    func clientMoves(migration: QUICEndpoint.Migration) async throws {
        try await Scene.run { scene in
            let (server, dialed, preferred) = try await Self.listen(scene)
            let client = try await scene.client()
            let (connection, recorder) = try await scene.connect(client, to: dialed)
            try await scene.until("moved") { recorder.addresses == [preferred] }
            let stream = try connection.openBidirectionalStream()
            let peer = scene.accepted[0].connection
            for round in 0..<40 {
                let host = "127.0.0.\(round % 3 + 5)"
                try await client.rebind(to: SocketAddress(ipAddress: host, port: 0), migration: migration).get()
                try await Self.say("\(round) ", stream, recorder, scene)
                try await scene.until("validated \(round)") { peer.remoteAddress == client.localAddress }
            }
            #expect(try Self.arrival(peer) == "127.0.0.2")
            #expect(connection.remoteAddress == preferred)
            #expect(server.counters.addressChanges == 40)
            #expect(server.counters.dropped.tooManyAddresses == 0)
        }
    }

    /// A client that moves to where the preferred address cannot be reached goes back to the one that it has dialed, and goes on
    /// there wherever it moves then. If that one cannot be reached either, it does not go to and fro.
    @Test func clientGoesBack() async throws {
        try await Scene.run { scene in
            let port = try FreePort.udp()
            let dialed = try SocketAddress(ipAddress: "127.0.0.1", port: port)
            let near = try await Relay(to: dialed, on: scene.loop)
            let preferred = try near.inner.address
            let server = try await scene.listenAgain(on: dialed) {
                $0.preferredAddress = QUICPreferredAddress([preferred])
            }
            let far = try await Relay(to: dialed, on: scene.loop)
            let called = try far.inner.address
            let client = try await scene.client()
            let (connection, recorder) = try await scene.connect(client, to: called) {
                $0.common.initialRoundTripTime = .milliseconds(100)
            }
            try await scene.until("moved") { recorder.addresses == [preferred] }
            let stream = try connection.openBidirectionalStream()
            try await Self.say("there ", stream, recorder, scene)
            near.isCut = true
            let any = try SocketAddress(ipAddress: "127.0.0.1", port: 0)
            try await client.rebind(to: any, migration: .active).get()
            try await Self.say("back ", stream, recorder, scene)
            try await scene.until("validated") { recorder.addresses == [preferred, called] }
            #expect(connection.remoteAddress == called)
            for round in 0..<5 {
                try await client.rebind(to: any, migration: .active).get()
                try await Self.say("\(round) ", stream, recorder, scene)
            }
            #expect(recorder.addresses == [preferred, called])
            #expect(client.counters.pathValidationsFailed >= 1)
            far.isCut = true
            near.isCut = false
            let before = near.forwarded
            try await client.rebind(to: any, migration: .active).get()
            stream.write(ByteBuffer(string: "lost? "))
            try await scene.pause(.milliseconds(500))
            far.isCut = false
            try await Self.say("no ", stream, recorder, scene)
            #expect(near.forwarded == before)
            #expect(connection.remoteAddress == called)
            #expect(server.counters.dropped.tooManyAddresses == 0)
            try await near.close()
            try await far.close()
        }
    }

    /// What translates addresses leads a client to one address of the server and to the other by turns. Each time the answers come
    /// from where the client's datagrams arrive, and nothing that comes to the first address is dropped.
    @Test func arrivalsAlternate() async throws {
        try await Scene.run { scene in
            let (server, dialed, preferred) = try await Self.listen(scene)
            let relay = try await Relay(to: dialed, on: scene.loop)
            let client = try await scene.client()
            let (connection, recorder) = try await scene.connect(client, to: try relay.inner.address) {
                $0.usesPreferredAddress = false
            }
            let stream = try connection.openBidirectionalStream()
            let (peer, peerRecorder) = scene.accepted[0]
            for round in 0..<30 {
                relay.server = round % 2 == 0 ? preferred : dialed
                relay.sources = []
                try await Self.say("\(round) ", stream, recorder, scene)
                try await scene.until("answered") { relay.sources.contains(relay.server) }
                // What is left of the validation before may lead back once.
                let expected = round % 2 == 0 ? "127.0.0.2" : nil
                for number in 0..<20 where try Self.arrival(peer) != expected {
                    try await Self.say("(\(number)) ", stream, recorder, scene)
                }
                #expect(try Self.arrival(peer) == expected)
            }
            #expect(peerRecorder.addresses == [])
            #expect(server.counters.pathValidationsFailed == 0)
            #expect(server.counters.dropped == QUICCounters().dropped)
            try await relay.close()
        }
    }

    /// What clients dial leads to the preferred address itself, so that all of a client's datagrams arrive there. The client may
    /// move as often as it likes, directly or through what it dialed.
    @Test(arguments: [true, false]) func dialedAddressLeadsThere(goesOn: Bool) async throws {
        try await Scene.run { scene in
            let (server, dialed, preferred) = try await Self.listen(scene, on: "127.0.0.1", preferring: "127.0.0.1")
            #expect(dialed == preferred)
            let relay = try await Relay(to: dialed, on: scene.loop)
            let client = try await scene.client()
            let (connection, recorder) = try await scene.connect(client, to: try relay.inner.address) {
                $0.usesPreferredAddress = goesOn
            }
            if goesOn { try await scene.until("moved") { recorder.addresses == [preferred] } }
            let stream = try connection.openBidirectionalStream()
            for round in 0..<20 {
                if goesOn {
                    let address = try SocketAddress(ipAddress: "127.0.0.1", port: 0)
                    try await client.rebind(to: address, migration: round % 2 == 0 ? .active : .unnoticed).get()
                } else {
                    try await relay.changeAddress(on: scene.loop)
                }
                try await Self.say("\(round) ", stream, recorder, scene)
                let peer = scene.accepted[0].connection
                let now = goesOn ? client.localAddress : try relay.address
                try await scene.until("validated \(round)") { peer.remoteAddress == now }
            }
            #expect(server.counters.addressChanges >= 20)
            try await relay.close()
        }
    }

    /// Neither a Retry nor early data is in the way.
    @Test func afterRetryAndWithEarlyData() async throws {
        try await Scene.run { scene in
            let resumption = QUICServerResumption(
                keys: TicketKeys(lifetime: .seconds(60)),
                earlyData: EarlyDataStore(window: .seconds(120), capacity: 100)
            )
            let (server, dialed, preferred) = try await Self.listen(scene) {
                $0.retry.mode = .always
                $0.resumption = resumption
            }
            let client = try await scene.client()
            let (first, recorder) = try await scene.connect(client, to: dialed) { $0.takesTickets = true }
            try await scene.until("moved") { recorder.addresses == [preferred] }
            try await scene.until("ticket") { !recorder.tickets.isEmpty }
            #expect(server.counters.retriesSent >= 1)
            first.close(applicationError: 0, reason: "")
            try await scene.until("closed") { recorder.reason != nil }
            let (second, again) = try await scene.resume(recorder.tickets[0], to: dialed, saying: "early")
            try await scene.until("echo") { again.text(0) == "early" }
            try await scene.until("moved again") { again.addresses == [preferred] }
            #expect(second.earlyData == .accepted)
            let stream = try second.openBidirectionalStream()
            try await Self.say("late", stream, again, scene)
        }
    }

    /// Nobody who does not use it pays for it: a connection has as many identifiers as without.
    @Test func identifiersAreNoMore() async throws {
        try await Scene.run { scene in
            let plain = try await scene.listen()
            let (server, dialed, _) = try await Self.listen(scene)
            let client = try await scene.client()
            var counts: [Int] = []
            for (endpoint, address) in [(plain, plain.localAddress), (server, dialed)] {
                let before = endpoint.table.identifierCount
                let (connection, recorder) = try await scene.connect(client, to: address) {
                    $0.usesPreferredAddress = false
                }
                let stream = try connection.openBidirectionalStream()
                try await Self.say("hello", stream, recorder, scene)
                try await scene.until("acknowledged") { stream.pendingBytes == 0 }
                counts.append(endpoint.table.identifierCount - before)
                connection.close(applicationError: 0, reason: "")
                try await scene.until("closed") { recorder.reason != nil }
            }
            #expect(counts[0] == counts[1] && counts[0] >= 4, "\(counts)")
        }
    }

    /// The identifier that is for the preferred address leads to its loop like all others.
    @Test func identifierIsRoutable() async throws {
        try await Scene.run { scene in
            let (server, dialed, preferred) = try await Self.listen(scene)
            let (connection, recorder) = try await scene.connect(try await scene.client(), to: dialed)
            try await scene.until("moved") { recorder.addresses == [preferred] }
            let peer = scene.accepted[0].connection
            for identifier in peer.identifiers.dropFirst() where identifier.count == server.context.identifiers.count {
                #expect(server.context.identifiers.origin(of: identifier) == .own)
            }
            connection.close(applicationError: 0, reason: "")
            try await scene.until("closed") { recorder.reason != nil }
        }
    }
}
