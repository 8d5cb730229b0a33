import BrokerCluster
import NATSClient
import NATSFixture
import NIOCore
import NIOPosix
import Testing

/// Nodes in one process and real nats-servers.
@Suite(.serialized) struct MembershipRunnerTests {
    @Test("Three nodes join, lose a NATS server, leave, crash, and come back under their numbers")
    func wholeLife() async throws {
        try await NATSCluster.with(servers: 3) { cluster in
            let folders = (0..<3).map { TestFolder("folder-\($0)") }
            var nodes: [TestMember] = []
            var members: [Member] = []
            for (index, folder) in folders.enumerated() {
                let node = try await TestMember("node-\(index)", cluster.ports, folder)
                members.append(try await node.start())
                nodes.append(node)
            }
            #expect(members.map(\.node) == [0, 1, 2])
            #expect(members.map(\.run) == [1, 1, 1])
            func settle() async throws {
                for (node, own) in zip(nodes, members) { try await node.wait(for: members.filter { $0 != own }) }
            }
            try await settle()
            #expect(nodes[0].events == [.admitted(members[0]), .joined(members[1]), .joined(members[2])])

            // A NATS server dies: who was connected to it goes to another one, and nobody is counted dead.
            await cluster.kill(0)
            try await settle()
            for node in nodes { #expect(node.events.count { if case .died = $0 { true } else { false } } == 0) }
            try cluster.start(0)

            // A node leaves, and all know at once.
            try await nodes[1].leave()
            try await nodes[0].wait("the end of node 1") { [members] in $0 == .died(members[1]) }
            try await nodes[2].wait("the end of node 1") { [members] in $0 == .died(members[1]) }
            nodes[1] = try await TestMember("node-1", cluster.ports, folders[1])
            members[1] = try await nodes[1].start()
            #expect(members[1].node == 1 && members[1].run == 2)
            try await settle()

            // A node crashes, and comes back before it is counted dead.
            let crashed = members[2]
            try await nodes[2].kill()
            try await nodes[0].wait("the suspicion of node 2") { $0 == .suspected(node: 2) }
            nodes[2] = try await TestMember("node-2", cluster.ports, folders[2])
            members[2] = try await nodes[2].start()
            #expect(members[2].node == 2 && members[2].run == 2)
            try await settle()
            let told = nodes[0].events
            let end = try #require(told.firstIndex(of: .died(crashed)))
            #expect(told[end...].dropFirst().first == .joined(members[2]))
            for node in nodes { try await node.leave() }
        }
    }

    @Test("A dead node's record is deleted, and a number that a living node has is refused with a sentence")
    func death() async throws {
        try await NATSCluster.with(servers: 1) { cluster in
            let first = try await TestMember("first", cluster.ports, TestFolder("a"), number: 4, deadAfter: .seconds(2))
            let other = try await TestMember("other", cluster.ports, TestFolder("b"), deadAfter: .seconds(2))
            let apart = try await TestMember("apart", cluster.ports, TestFolder("c"), cluster: "apart")
            let (member, second) = (try await first.start(), try await other.start())
            #expect(member.node == 4 && second.node == 0)
            #expect(try await apart.start().node == 0)
            try await first.wait(for: [second])

            let late = try await TestMember("late", cluster.ports, TestFolder("d"), number: 4, deadAfter: .seconds(2))
            await #expect {
                try await late.start()
            } throws: { error in
                "\(error)"
                    == "cluster: node.number is 4, which the node first of this cluster has; give each node its own"
            }
            try await first.kill()
            try await other.wait("the suspicion of node 4") { $0 == .suspected(node: 4) }
            try await other.wait("the death of node 4") { $0 == .died(member) }
            let heir = try await TestMember("heir", cluster.ports, TestFolder("d"), number: 4, deadAfter: .seconds(2))
            let inherited = try await heir.start()
            #expect(inherited.node == 4)
            try await other.wait(for: [inherited])
            let counters = try await other.now { $0.counters }
            #expect(counters.deaths == 1 && counters.isolations == 0 && counters.heartbeatsReceived > 0)
            #expect(apart.events.count == 1)
            for node in [other, heir, apart] { try await node.leave() }
        }
    }

    @Test("A paused process finds out that its run is over, and takes another one")
    func paused() async throws {
        try await NATSCluster.with(servers: 1) { cluster in
            let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
            let node = try await TestMember(
                "a",
                cluster.ports,
                TestFolder("a"),
                deadAfter: .seconds(2),
                on: group.next()
            )
            let other = try await TestMember("b", cluster.ports, TestFolder("b"), deadAfter: .seconds(2))
            let (first, second) = (try await node.start(), try await other.start())
            try await node.wait(for: [second])
            try await node.blockLoop(for: .milliseconds(2_600))
            try await node.wait("the end of its run") { $0 == .isolated }
            try await node.wait(for: [second])
            let again = try #require(try await node.now { $0.member })
            #expect(again.node == first.node && again.run > first.run)
            try await other.wait("the end of that run") { $0 == .died(first) }
            try await other.wait(for: [again])
            try await node.leave()
            try await other.leave()
            try await group.shutdownGracefully()
        }
    }

    @Test("A server that is too old is refused with a sentence")
    func oldServer() async throws {
        let info = #"INFO {"server_id":"A","version":"2.10.27","headers":true,"max_payload":1048576}"# + "\r\n"
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.execute { channel.writeAndFlush(ByteBuffer(string: info), promise: nil) }
                return channel.eventLoop.makeSucceededVoidFuture()
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(server.localAddress?.port)
        let node = try await TestMember("a", [port], TestFolder("a"))
        await #expect {
            try await node.start()
        } throws: { error in
            "\(error)".hasPrefix(
                "cluster.servers: 127.0.0.1:\(port): the NATS server is version 2.10.27, and 2.15.0 or newer is needed"
            )
        }
        try await server.close()
    }
}
