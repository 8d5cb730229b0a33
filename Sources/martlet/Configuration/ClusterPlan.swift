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
    ///   - secrets: the cluster's secrets, the newest first.
    ///   - nodeName: for people.
    /// - Throws: a sentence that names the key.
    init(_ settings: ClusterSettings, number: Int?, secrets: [[UInt8]], nodeName: String) throws {
        guard let name = ClusterName(settings.name) else {
            throw ServerPlan.Failure(description: "cluster.name: \(settings.name) cannot be part of a subject of NATS")
        }
        var connection = ConnectionConfiguration(name: "martlet")
        connection.requiresTLS = settings.servers.contains(where: \.isTLS)
        try Self.identify(&connection, settings)
        var nats = ClientConfiguration(servers: settings.servers.map(\.address), connection: connection)
        if let file = settings.authorityFile {
            nats.trust = .authorities(pem: try Self.octets(file, key: "cluster.cacertfile"))
        }
        if let certificate = settings.certificateFile, let key = settings.keyFile {
            nats.identity = ClientIdentity(
                certificateChain: try Self.octets(certificate, key: "cluster.certfile"),
                privateKey: try Self.octets(key, key: "cluster.keyfile", isSecret: true)
            )
        }
        do {
            try nats.check()
        } catch {
            throw ServerPlan.Failure(description: "cluster: \(error)")
        }
        var configuration = ClusterConfiguration(name: name, nats: nats, secrets: secrets, nodeName: nodeName)
        configuration.secretFile = settings.secretFile
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

    /// Says to NATS servers who this cluster is.
    private static func identify(_ connection: inout ConnectionConfiguration, _ settings: ClusterSettings) throws {
        if let user = settings.user {
            let password = try settings.passwordFile.map { try word($0, key: "cluster.password_file") }
            connection.credentials = .password(user: user, password: password ?? settings.password ?? "")
        } else if let file = settings.tokenFile {
            connection.credentials = .token(try word(file, key: "cluster.token_file"))
        } else if let file = settings.nkeyFile {
            guard let key = UserKey(seed: try word(file, key: "cluster.nkey_file")) else {
                throw ServerPlan.Failure(
                    description:
                        "cluster.nkey_file: \(file) does not hold the seed of a user's key, SU and 56 letters and digits"
                )
            }
            connection.credentials = .key(key)
        } else if let file = settings.credentialsFile {
            let text = String(
                decoding: try octets(file, key: "cluster.credentials_file", isSecret: true),
                as: UTF8.self
            )
            guard let credentials = CredentialsFile(text)?.credentials else {
                throw ServerPlan.Failure(
                    description:
                        "cluster.credentials_file: \(file) does not hold a user's JWT and the seed of the user's key"
                )
            }
            connection.credentials = credentials
        }
    }

    /// What a file holds, without the end of its last line.
    private static func word(_ path: String, key: String) throws -> String {
        let text = String(decoding: try octets(path, key: key, isSecret: true), as: UTF8.self)
        let word = text.trimmingCharacters(in: .newlines)
        guard !word.isEmpty else { throw ServerPlan.Failure(description: "\(key): \(path) is empty") }
        return word
    }

    private static func octets(_ path: String, key: String, isSecret: Bool = false) throws -> [UInt8] {
        do {
            if isSecret, NodeSecret.isExposed(path) {
                Terminal.note("warning: \(key): others than its owner may read \(path)")
            }
            return Array(try Data(contentsOf: URL(fileURLWithPath: path)))
        } catch {
            throw ServerPlan.Failure(description: "\(key): cannot read \(path): \(SystemReason(error))")
        }
    }
}
