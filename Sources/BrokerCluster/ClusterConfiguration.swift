package import NATSClient
package import NIOCore
package import Secrets

/// The cluster that a node belongs to (`cluster` in its configuration).
package struct ClusterConfiguration: Sendable {
    package var name: ClusterName
    /// The NATS servers, and how they are spoken to. Each connection of the node adds what it is for to its name.
    package var nats: ClientConfiguration
    /// 32 octets each that all nodes of the cluster share, from which keys are derived; the newest first.
    @Secret package var secrets: [[UInt8]]
    /// The file of the secrets, which is read again now and then.
    package var secretFile: String?
    /// The number of this node, 0 to 31, if it is configured; otherwise it takes one that is free.
    package var number: Int?
    /// `node.name`, for people.
    package var nodeName: String
    /// A node that nobody has heard of for so long is dead. 2 s to 10 min.
    package var deadAfter: TimeAmount = .seconds(10)
    /// Octets of the largest message between nodes: 1 MiB and up.
    package var maximumMessage = 16 << 20
    /// Where this node takes relayed QUIC datagrams.
    package var relay = Relay()
    /// When this node lets clients go to others.
    package var balance = ClientBalance()

    package static let deadAfterRange: ClosedRange<Duration> = .seconds(2) ... .seconds(600)

    package init(name: ClusterName, nats: ClientConfiguration, secrets: [[UInt8]], nodeName: String) {
        self.name = name
        presence = Subject("martlet.\(name).here.\(NATSClient.token())")
        self.nats = nats
        self.secrets = secrets
        self.nodeName = nodeName
    }

    /// The UDP socket for relayed QUIC datagrams, and its address as the other nodes reach it.
    package struct Relay: Sendable, Equatable {
        package static let defaultPort = 14_568

        /// The IP address of the socket; `nil` for all interfaces.
        package var host: String?
        package var port = Relay.defaultPort
        /// The IP address that other nodes send to; `nil` for the local address by which this node reaches NATS.
        package var advertisedHost: String?
        /// The port that other nodes send to; `nil` for that of the socket.
        package var advertisedPort: Int?

        package init() {}
    }

    /// The subject by which the connection of this process that has the membership answers its other connections, so that these notice
    /// if their server is cut off.
    package let presence: Subject?

    /// The NATS servers' addresses.
    package var serverAddresses: [(host: String, port: Int)] { nats.servers.map { ($0.host, $0.port) } }

    /// Replicas of each stream: 3, or 1 where fewer servers are configured.
    package var replicas: Int { nats.servers.count >= 3 ? 3 : 1 }

    /// The servers for one connection of this node.
    ///
    /// - Parameter purpose: a word for the connection's name, by which the servers list it.
    package func nats(for purpose: String) -> ClientConfiguration {
        var nats = nats
        nats.connection.presence = presence
        nats.connection.name = "martlet \(name) \(nodeName) \(purpose)"
        return nats
    }
}
