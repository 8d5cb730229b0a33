import BrokerCluster
import BrokerConfiguration
import Foundation
import NATSClient
import NIOCore
import QUICTransport
import Testing

@testable import martlet

@Suite struct ClusterSettingsTests {
    @Test("Without an engine a node is by itself, whatever EMQX's keys say")
    func alone() throws {
        #expect(try !load("").configuration.cluster.isEnabled)
        #expect(try !load("cluster { name = ships, autoheal = true }").configuration.cluster.isEnabled)
    }

    @Test("The plan of a cluster has what the settings say")
    func plan() throws {
        let loaded = try load(
            """
            node { number = 3 }
            cluster {
              engine = nats, servers = "tls://a,tls://b:1", username = u, password = open, secret_file = s
              dead_after = 5s, relay { bind = "10.0.0.1:5000", advertise = "192.0.2.1:6000" }
            }
            """
        )
        let settings = loaded.configuration
        let secret = Array(repeating: UInt8(7), count: 32)
        let plan = try ClusterPlan(settings.cluster, number: settings.node.number, secrets: [secret], nodeName: "n")
        let cluster = plan.configuration
        #expect(cluster.name.description == "emqxcl" && cluster.number == 3 && cluster.secrets == [secret])
        #expect(cluster.nats.servers == [ServerAddress(host: "a"), ServerAddress(host: "b", port: 1)])
        #expect(cluster.nats.connection.requiresTLS && cluster.nats.trust == .system)
        #expect(cluster.nats.connection.credentials == .password(user: "u", password: "open"))
        #expect(cluster.deadAfter == .seconds(5) && cluster.maximumMessage == 16 << 20)
        #expect(cluster.relay.host == "10.0.0.1" && cluster.relay.port == 5_000)
        #expect(cluster.relay.advertisedHost == "192.0.2.1" && cluster.relay.advertisedPort == 6_000)
        #expect(cluster.nats(for: "links").connection.name == "martlet emqxcl n links")
        #expect(!"\(cluster)".contains("open") && !loaded.text.contains("open"))
        #expect(!"\(cluster)".contains("7, 7"))
    }

    @Test("The cluster's secret takes the place of the node's, with a warning")
    func secret() throws {
        let folder = NSTemporaryDirectory() + "martlet-\(UInt64.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = folder + "/secret"
        try Data(repeating: 9, count: 32).write(to: URL(fileURLWithPath: path))
        let text = """
            node { number = 1, secret_file = "\(folder)/none" }
            cluster { engine = nats, servers = [a], secret_file = "\(path)" }
            """
        let loaded = try load(text)
        #expect(loaded.notices.contains { $0.description.contains("has no effect beside cluster.secret_file") })
        let secrets = try NodeSecrets(loaded.configuration.node, loaded.configuration.cluster)
        #expect(secrets.own == Array(repeating: 9, count: 32))
        // Of several the last one is used first, which the other nodes may know alone.
        let lines = [UInt8](repeating: 0x11, count: 32), earlier = [UInt8](repeating: 0x22, count: 32)
        try Data((String(repeating: "11", count: 32) + "\n" + String(repeating: "22", count: 32)).utf8)
            .write(to: URL(fileURLWithPath: path))
        let both = try NodeSecrets(loaded.configuration.node, loaded.configuration.cluster)
        #expect(both.ofCluster == [lines, earlier] && both.own == earlier)
        let identifiers = both.identifiers(.encrypted, incarnation: 1)
        #expect(identifiers.rotation == KeyRing.codepoint(of: earlier))
        #expect(identifiers.otherSecrets == [KeyRing.codepoint(of: lines): lines])
    }

    @Test("A file of authorities that is not there is an error that names the key")
    func authorities() throws {
        var settings = ClusterSettings()
        settings.authorityFile = "/nowhere/ca.pem"
        #expect {
            try ClusterPlan(settings, number: nil, secrets: [], nodeName: "n")
        } throws: { "\($0)".hasPrefix("cluster.cacertfile: cannot read /nowhere/ca.pem") }
    }
}
