import BalancerFixture
import Logging
import NIOCore
import NIOPosix

@testable import QUICTransport

/// Nodes with one secret behind one balancer, each a listener on loops of its own, which send back what they get.
struct RelayedNodes: Sendable {
    /// One node.
    struct Node: Sendable {
        let member: RelayMember
        let relay: NodeRelay
        let endpoints: [NIOLoopBound<QUICEndpoint>]
        let address: SocketAddress
        fileprivate let group: MultiThreadedEventLoopGroup
    }

    let nodes: [Node]
    let balancer: RandomBalancer

    static let secret = [UInt8](repeating: 7, count: 32)
    static let incarnation: UInt16 = 5

    /// Runs a test against them, and takes them down.
    ///
    /// - Parameter prefers: true if each node tells its clients an address of its own. `host` must be one for all addresses.
    static func run(
        _ count: Int = 2,
        loops: Int = 1,
        limits: RelayLimits = RelayLimits(),
        host: String = "127.0.0.1",
        prefers: Bool = false,
        isolation: isolated (any Actor)? = #isolation,
        configure: (inout QUICServerConfiguration) -> Void = { _ in },
        _ body: (RelayedNodes) async throws -> Void
    ) async throws {
        var nodes: [Node] = []
        for number in 0..<count {
            var configuration = try Scene.serverConfiguration()
            configuration.staticSecret = Self.secret
            configuration.identifiers.node = UInt16(number)
            configuration.identifiers.incarnation = Self.incarnation
            configuration.common.maximumUDPPayload = try limits.largestDatagram()
            configure(&configuration)
            var address = try SocketAddress(ipAddress: host, port: 0)
            if prefers {
                address.port = try FreePort.udp()
                let own = try SocketAddress(ipAddress: Self.preferredHost(of: number), port: address.port ?? 0)
                configuration.preferredAddress = QUICPreferredAddress([own])
            }
            nodes.append(try await Self.open(number, loops: loops, limits: limits, at: address, configuration))
        }
        // The balancer reaches nodes on loopback also where they listen everywhere.
        let reached = try nodes.map { try SocketAddress(ipAddress: "127.0.0.1", port: $0.address.port ?? 0) }
        let all = RelayedNodes(nodes: nodes, balancer: try await RandomBalancer.open(to: reached))
        do {
            for node in nodes { try await node.relay.update(all.membership(of: node)).get() }
            try await body(all)
        } catch {
            try? await all.close()
            throw error
        }
        try await all.close()
    }

    /// The host at which each node is reached directly, where clients are told of it.
    static func preferredHost(of node: Int) -> String { "127.0.0.\(node + 2)" }

    private static func open(
        _ number: Int,
        loops: Int,
        limits: RelayLimits,
        at wished: SocketAddress,
        _ configuration: QUICServerConfiguration
    ) async throws -> Node {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: loops)
        var any = wished
        any.port = 0
        let member = RelayScene.member(UInt16(number), incarnation: Self.incarnation, salt: UInt8(number))
        var settings = RelayConfiguration(address: any, membership: RelayMembership(own: member))
        settings.limits = limits
        let relay = try await NodeRelay.open(
            settings,
            ring: KeyRing(secret: configuration.staticSecret),
            first: Array(group.makeIterator())[0],
            others: Array(Array(group.makeIterator()).dropFirst()),
            logger: Logger(label: "test")
        ).get()
        let members = QUICEndpointGroup(count: loops)
        var endpoints: [NIOLoopBound<QUICEndpoint>] = []
        var address = wished
        for (worker, loop) in group.makeIterator().enumerated() {
            let target = address
            let (endpoint, bound) = try await loop.flatSubmit {
                QUICEndpoint.listen(
                    on: target,
                    configuration: configuration,
                    loop: loop,
                    group: members,
                    worker: worker,
                    relay: relay.relay(of: worker).map { ($0, listener: 3) },
                    logger: Logger(label: "test")
                ) { _ in Recorder(echoes: true) }.map { ($0, $0.value.localAddress) }
            }.get()
            endpoints.append(endpoint)
            address = bound
        }
        return Node(member: member, relay: relay, endpoints: endpoints, address: address, group: group)
    }

    private func close(isolation: isolated (any Actor)? = #isolation) async throws {
        try await balancer.close()
        for node in self.nodes {
            for endpoint in node.endpoints {
                try await endpoint.eventLoop.flatSubmit { endpoint.value.close() }.get()
            }
            try await node.relay.close().get()
            let group = node.group
            Task.detached { try await group.shutdownGracefully() }
        }
    }

    /// What a node is told when all others are there.
    func membership(of node: Node) -> RelayMembership {
        let others = self.nodes.filter { $0.member != node.member }
        return RelayMembership(
            own: node.member,
            peers: others.compactMap { other in
                let address = try? SocketAddress(ipAddress: "127.0.0.1", port: other.relay.address.port ?? 0)
                return address.map { RelayMembership.Peer(other.member, at: $0) }
            }
        )
    }

    /// Tells a node something else.
    func tell(
        _ node: Int,
        isolation: isolated (any Actor)? = #isolation,
        _ change: (inout RelayMembership) -> Void
    ) async throws {
        var membership = self.membership(of: self.nodes[node])
        change(&membership)
        try await self.nodes[node].relay.update(membership).get()
    }

    /// What a node's relay has counted.
    func count(
        _ node: Int,
        _ path: KeyPath<RelayCounters, Int>,
        isolation: isolated (any Actor)? = #isolation
    ) async throws -> Int {
        try await self.nodes[node].relay.report().get().total[keyPath: path]
    }

    func refused(
        _ node: Int,
        _ refusal: RelayRefusal,
        isolation: isolated (any Actor)? = #isolation
    ) async throws -> Int {
        try await self.nodes[node].relay.report().get().total[refusal]
    }

    func counters(_ node: Int, isolation: isolated (any Actor)? = #isolation) async throws -> [QUICCounters] {
        var counters: [QUICCounters] = []
        for endpoint in self.nodes[node].endpoints {
            counters.append(try await endpoint.eventLoop.submit { endpoint.value.counters }.get())
        }
        return counters
    }

    /// Waits for a condition.
    func until(
        _ what: String,
        isolation: isolated (any Actor)? = #isolation,
        _ condition: () async throws -> Bool
    ) async throws {
        for _ in 0..<24_000 {
            if try await condition() { return }
            try await Task.sleep(for: .milliseconds(5))
        }
        throw SceneError.timeout(what)
    }
}
