import BalancerFixture
import MQTTClient
import MQTTCodec
import NIOCore
import QUICTransport

@testable import BrokerServer

/// Brokers with one secret in this process, behind one balancer, which know each other as members of the relay and as nothing else.
struct RelayedBrokers: Sendable {
    let brokers: [RunningBroker]
    let balancer: RandomBalancer

    /// Starts brokers, lets `body` use them, and ends them.
    static func run(
        _ count: Int,
        loops: Int = 2,
        limits: RelayLimits = RelayLimits(),
        configure: @escaping @Sendable (inout BrokerServerConfiguration) -> Void = { _ in },
        _ body: @escaping @Sendable (RelayedBrokers) async throws -> Void
    ) async throws {
        try await start(count, after: [], loops: loops, limits: limits, configure: configure, body)
    }

    private static func start(
        _ count: Int,
        after brokers: [RunningBroker],
        loops: Int,
        limits: RelayLimits,
        configure: @escaping @Sendable (inout BrokerServerConfiguration) -> Void,
        _ body: @escaping @Sendable (RelayedBrokers) async throws -> Void
    ) async throws {
        guard brokers.count < count else {
            let nodes = brokers.compactMap { $0.address(.quic) }
            let all = RelayedBrokers(brokers: brokers, balancer: try await RandomBalancer.open(to: nodes))
            for number in 0..<count { try await all.tell(number) }
            defer { Task { try? await all.balancer.close() } }
            return try await body(all)
        }
        let any = try SocketAddress(ipAddress: "127.0.0.1", port: 0)
        let own = RelayMembership(own: member(brokers.count))
        try await RunningBroker.run(
            loops: loops,
            configure: { configuration in
                var relay = RelayConfiguration(address: any, membership: own)
                relay.limits = limits
                configuration.relay = relay
                configure(&configuration)
            }
        ) { broker, _ in
            try await start(
                count,
                after: brokers + [broker],
                loops: loops,
                limits: limits,
                configure: configure,
                body
            )
        }
    }

    static func member(_ number: Int) -> RelayMember {
        RelayMember(
            RelayNode(number: UInt16(number), incarnation: 1),
            bootSalt: [UInt8](repeating: UInt8(number), count: RelayMember.saltCount)
        )
    }

    /// Tells a broker that the others are members.
    func tell(_ number: Int, _ change: (inout RelayMembership) -> Void = { _ in }) async throws {
        var membership = RelayMembership(own: Self.member(number))
        for (other, broker) in brokers.enumerated() where other != number {
            guard let relay = broker.server.relay else { continue }
            membership.peers.append(.init(Self.member(other), at: relay.address))
        }
        change(&membership)
        try await brokers[number].server.relay?.update(membership).get()
    }

    /// What a broker's relay has counted.
    func report(_ number: Int) async throws -> NodeRelay.Report? {
        try await brokers[number].server.relay?.report().get()
    }

    /// A client over QUIC whose packets the balancer gives to a broker.
    func client(_ identifier: String) throws -> MQTTClient {
        let connect = Connect(version: .v5, clientIdentifier: identifier, keepAlive: 60)
        return try brokers[0].client(
            ClientConfiguration(connect: connect, responseTimeout: .seconds(60)),
            over: .quic,
            at: balancer.address
        )
    }
}
