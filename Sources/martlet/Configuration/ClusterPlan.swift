import BrokerCluster
import BrokerConfiguration
import BrokerServer
import Foundation
import NATSClient
import NIOCore

/// What the cluster's settings come to: files are read, nothing is changed.
struct ClusterPlan {
    let configuration: ClusterConfiguration

    /// - Parameters:
    ///   - secret: the cluster's secret.
    ///   - nodeName: for people.
    /// - Throws: a sentence that names the key.
    init(_ settings: ClusterSettings, number: Int?, secret: [UInt8], nodeName: String) throws {
        guard let name = ClusterName(settings.name) else {
            throw ServerPlan.Failure(description: "cluster.name: \(settings.name) cannot be part of a subject of NATS")
        }
        var connection = ConnectionConfiguration(name: "martlet")
        connection.requiresTLS = settings.servers.contains(where: \.isTLS)
        if let user = settings.user {
            connection.credentials = .password(user: user, password: settings.password ?? "")
        }
        var nats = ClientConfiguration(servers: settings.servers.map(\.address), connection: connection)
        if let file = settings.authorityFile { nats.trust = .authorities(pem: try Self.authorities(file)) }
        var configuration = ClusterConfiguration(name: name, nats: nats, secret: secret, nodeName: nodeName)
        configuration.number = number
        configuration.deadAfter = TimeAmount(settings.deadAfter)
        configuration.maximumMessage = settings.maximumMessage
        configuration.relay.host = settings.relayBind.host
        configuration.relay.port = settings.relayBind.port
        configuration.relay.advertisedHost = settings.relayAddress?.host
        configuration.relay.advertisedPort = settings.relayAddress?.port
        configuration.balance = settings.balance
        self.configuration = configuration
    }

    private static func authorities(_ path: String) throws -> [UInt8] {
        do {
            return Array(try Data(contentsOf: URL(fileURLWithPath: path)))
        } catch {
            throw ServerPlan.Failure(
                description: "cluster.cacertfile: cannot read \(path): \(error.localizedDescription)"
            )
        }
    }
}
