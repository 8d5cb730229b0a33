import BrokerCluster
import NIOCore
import NIOPosix
import QUICTransport

/// What the members of the cluster are for the relay of QUIC datagrams.
enum ClusterRelay {
    /// Runs that are known to be over and that are remembered, the newest ones.
    static let maximumDead = 256

    /// Where the other nodes send this one datagrams for its connections, with a new salt.
    ///
    /// - Throws: if no address is configured, and none is found by a connection to a NATS server.
    static func place(_ cluster: ClusterConfiguration, on loop: any EventLoop) async throws -> Member.RelayPlace {
        let settings = cluster.relay
        var random = SystemRandomNumberGenerator()
        let salt = (0..<RelayMember.saltCount).map { _ in UInt8.random(in: .min ... .max, using: &random) }
        let specific = settings.host.flatMap { ["0.0.0.0", "::"].contains($0) ? nil : $0 }
        let host: String
        if let known = settings.advertisedHost ?? specific {
            host = known
        } else {
            host = try await localAddress(cluster, on: loop)
        }
        return Member.RelayPlace(host: host, port: settings.advertisedPort ?? settings.port, bootSalt: salt)
    }

    /// The local address of a connection to one of the NATS servers.
    private static func localAddress(_ cluster: ClusterConfiguration, on loop: any EventLoop) async throws -> String {
        for server in cluster.serverAddresses {
            let bootstrap = ClientBootstrap(group: loop).connectTimeout(.seconds(5))
            guard let channel = try? await bootstrap.connect(host: server.host, port: server.port).get() else {
                continue
            }
            let address = channel.localAddress?.ipAddress
            try? await channel.close().get()
            if let address { return address }
        }
        throw ClusterFailure(
            description:
                "cluster.relay.advertise: not set, and no NATS server can be reached to find this node's address"
        )
    }

    /// Where the relay's socket is bound.
    static func bind(_ settings: ClusterConfiguration.Relay) throws -> SocketAddress {
        try SocketAddress(ipAddress: settings.host ?? "0.0.0.0", port: settings.port)
    }

    /// A run as the relay's frames name it; `nil` for one without a relay.
    static func member(_ member: Member) -> RelayMember? {
        member.relay.map { RelayMember(node(member), bootSalt: $0.bootSalt) }
    }

    static func node(_ member: Member) -> RelayNode {
        RelayNode(number: UInt16(clamping: member.node), incarnation: UInt16(truncatingIfNeeded: member.run))
    }

    /// What the members come to.
    ///
    /// - Parameter own: `nil` while this node must not act for others.
    static func membership(
        own: Member?,
        _ members: some Sequence<Member>,
        suspected: Set<Int>,
        dead: [RelayNode]
    ) -> RelayMembership {
        let peers = members.compactMap { other -> RelayMembership.Peer? in
            guard let place = other.relay, let run = member(other),
                let address = try? SocketAddress(ipAddress: place.host, port: place.port)
            else { return nil }
            return .init(run, at: address, isSuspected: suspected.contains(other.node))
        }
        return RelayMembership(own: own.flatMap { member($0) }, peers: peers, dead: dead)
    }
}
