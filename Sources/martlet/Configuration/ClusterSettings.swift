import BrokerCluster
import BrokerConfiguration
import MQTTBroker
import Secrets

/// `cluster`: the other nodes that are one broker together with this one.
struct ClusterSettings {
    var engine = Engine.none
    /// EMQX's default.
    var name = "emqxcl"
    var servers: [NATSServerURL] = []
    /// The user that NATS servers know; `nil` for none.
    var user: String?
    @Secret var password: String?
    /// The file of the password.
    var passwordFile: String?
    /// The file of a token.
    var tokenFile: String?
    /// The file of the seed of the user's key.
    var nkeyFile: String?
    /// The file of a user's JWT and the seed of the user's key.
    var credentialsFile: String?
    /// This node's certificate and key for NATS servers, PEM.
    var certificateFile: String?
    var keyFile: String?
    /// Authorities of the servers' certificates, PEM; `nil` for those of the system.
    var authorityFile: String?
    /// The file of the secret that all nodes share.
    var secretFile: String?
    var deadAfter = Duration.seconds(10)
    /// Octets of the largest message between nodes.
    var maximumMessage = 16 << 20
    /// Where relayed QUIC datagrams are taken, and where others send them; `nil` for the same.
    var relayBind = BindAddress(host: nil, port: ClusterConfiguration.Relay.defaultPort)
    var relayAddress: BindAddress?
    /// When clients are let go to other nodes.
    var balance = ClientBalance()
    /// EMQX's way of finding other nodes.
    var discovery = "manual"

    /// What keeps the nodes together.
    enum Engine: Equatable {
        /// The node is by itself.
        case none
        case nats
    }

    var isEnabled: Bool { engine == .nats }

    static var section: Section<Self> { Section(fields + EMQXKeys.cluster(), complete: complete) }

    private static var fields: [Field<Self>] {
        [
            .value(
                "engine",
                \.engine,
                .choice(["none": .none, "nats": .nats]),
                "What keeps nodes together: `nats`, or `none` for a node by itself, which needs no NATS server.",
                .atStart
            ),
            .value(
                "name",
                \.name,
                .string,
                "The name of the cluster, the same at all its nodes: 1 to 32 letters, digits, `-` and `_`. It has no effect without `engine`.",
                .atStart
            ),
            .value(
                "servers",
                \.servers,
                .servers,
                "The NATS servers, 2.15 or newer, with JetStream; `tls://` for TLS, which is for all of them or none.",
                .atStart
            ),
            .value(
                "username",
                \.user,
                .string,
                "The user that the NATS servers know this cluster by, if they want one.",
                .atStart
            ),
            .value("password", \.password, .string, isSecret: true, "The password of `username`.", .atStart),
            .value("password_file", \.passwordFile, .path, "The file of the password of `username`.", .atStart),
            .value(
                "token_file",
                \.tokenFile,
                .path,
                "The file of the token that the NATS servers know this cluster by, where they have tokens and no users.",
                .atStart
            ),
            .value(
                "nkey_file",
                \.nkeyFile,
                .path,
                "The file of the seed (`SU…`) of the key of a user that the NATS servers know by its public key.",
                .atStart
            ),
            .value(
                "credentials_file",
                \.credentialsFile,
                .path,
                "The file of a user's JWT and seed (`.creds`), for NATS servers that know accounts by an operator.",
                .atStart
            ),
            .value(
                "cacertfile",
                \.authorityFile,
                .path,
                "The authorities that the servers' certificates must come from, PEM; those of the system when not set.",
                .atStart
            ),
            .value(
                "certfile",
                \.certificateFile,
                .path,
                "The certificate of this node for NATS servers that ask for one (`verify: true`), with its intermediates, PEM.",
                .atStart
            ),
            .value("keyfile", \.keyFile, .path, "The private key of `certfile`, PEM.", .atStart),
            .value(
                "secret_file",
                \.secretFile,
                .path,
                "The file of the secret that all nodes of the cluster share, 32 octets or 64 hexadecimal digits, or of several, a line each, the newest first; it is read again when it changes, and takes the place of `node.secret_file`.",
                .atStart
            ),
            .value(
                "dead_after",
                \.deadAfter,
                .duration(ClusterConfiguration.deadAfterRange),
                "A node that no other one has heard of for so long is dead: its clients are told that their connections are over, and its number is free.",
                .atStart
            ),
            .value(
                "max_message",
                \.maximumMessage,
                .size(1_048_576...268_435_456),
                "Octets of the largest message between nodes; `mqtt.max_packet_size` may not be more.",
                .atStart
            ),
            .section("relay", relay),
            .section("rebalance", rebalance),
            .value(
                "discovery_strategy",
                \.discovery,
                .choice([
                    "manual": "manual", "singleton": "singleton", "static": "static", "dns": "dns", "etcd": "etcd",
                    "k8s": "k8s", "mcast": "mcast",
                ]),
                "EMQX's way of finding nodes. It has no effect with `engine = nats`; otherwise only `manual` and `singleton` are allowed.",
                .atStart
            ),
        ]
    }

    private static var relay: Section<Self> {
        Section([
            .value(
                "bind",
                \.relayBind,
                .bind,
                "The UDP address and port at which other nodes hand over QUIC datagrams that reached them; only they need to reach it.",
                .atStart
            ),
            .value(
                "advertise",
                \.relayAddress,
                .bind,
                "The address and port that other nodes send to; when not set, the local address by which this node reaches NATS, and the port of `bind`.",
                .atStart
            ),
        ])
    }

    private static var rebalance: Section<Self> {
        Section([
            .value(
                "enable",
                \.balance.isEnabled,
                .boolean,
                "Whether a node that has far more clients than the others lets some go (DISCONNECT with 0x9C), for instance after the others were restarted. Clients with a will stay.",
                .atStart
            ),
            .value(
                "abs_conn_threshold",
                \.balance.threshold,
                .integer(0...10_000_000),
                "A node with no more clients than this lets none go.",
                .atStart
            ),
            .value(
                "rel_conn_threshold",
                \.balance.ratio,
                .real(1.01...10),
                "A node that has more than so many times the mean of all nodes lets clients go, until it has no more than the mean.",
                .atStart
            ),
            .value(
                "conn_evict_rate",
                \.balance.rate,
                .integer(1...1_000_000),
                "Clients that a node lets go in a second at most.",
                .atStart
            ),
        ])
    }

    private static func complete(_ cluster: inout Self, at path: [String], in reading: inout SchemaReading) {
        func refuse(_ key: String..., message: String, allowed: String) {
            let origin = reading.origin(at: path + key) ?? reading.origin(at: path + ["engine"]) ?? .builtIn
            let key = HOCONText.path(path + key)
            reading.add(ConfigurationProblem(origin: origin, key: key, message: message, allowed: allowed))
        }
        guard cluster.isEnabled else {
            if cluster.discovery != "manual", cluster.discovery != "singleton" {
                refuse(
                    "discovery_strategy",
                    message: "\(cluster.discovery) is for clusters, and this node is by itself",
                    allowed: "manual, singleton, or cluster.engine = nats"
                )
            }
            return
        }
        if ClusterName(cluster.name) == nil {
            refuse(
                "name",
                message: "this name cannot be part of a subject of NATS",
                allowed: "1 to \(ClusterName.longest) letters, digits, '-' and '_'"
            )
        }
        if cluster.servers.isEmpty {
            refuse("servers", message: "is missing, and engine = nats needs it", allowed: ValueForm.servers.allowed)
        }
        if cluster.servers.contains(where: \.hasUser) {
            refuse(
                "servers",
                message: "a server is written with a user, which would be shown",
                allowed: "servers without users, and cluster.username and cluster.password beside them"
            )
        }
        if Set(cluster.servers.map(\.isTLS)).count > 1 {
            refuse(
                "servers",
                message: "some servers are spoken to by TLS and some are not",
                allowed: "tls:// for all, or for none"
            )
        }
        let certificates = [
            ("cacertfile", cluster.authorityFile), ("certfile", cluster.certificateFile), ("keyfile", cluster.keyFile),
        ]
        if !cluster.servers.contains(where: \.isTLS) {
            for (key, file) in certificates where file != nil {
                refuse(
                    key,
                    message: "no server is spoken to by TLS",
                    allowed: "cluster.servers with tls://, or no \(key)"
                )
            }
        }
        if (cluster.certificateFile == nil) != (cluster.keyFile == nil) {
            let (given, missing) = cluster.keyFile == nil ? ("certfile", "keyfile") : ("keyfile", "certfile")
            refuse(given, message: "there is a \(given) without a \(missing)", allowed: "\(missing) beside it")
        }
        let users = [
            ("username", cluster.user), ("token_file", cluster.tokenFile), ("nkey_file", cluster.nkeyFile),
            ("credentials_file", cluster.credentialsFile),
        ].filter { $0.1 != nil }
        for (key, _) in users.dropFirst() {
            refuse(key, message: "\(users[0].0) says already who this cluster is", allowed: "one of them")
        }
        if cluster.secretFile == nil {
            refuse("secret_file", message: "is missing, and engine = nats needs it", allowed: "the path of a file")
        }
        let passwords = [("password", cluster.password), ("password_file", cluster.passwordFile)].filter { $0.1 != nil }
        for (key, _) in passwords where cluster.user == nil {
            refuse(key, message: "there is a password without a username", allowed: "username beside it")
        }
        if passwords.count > 1 {
            refuse("password_file", message: "there is a password already", allowed: "password or password_file")
        }
        if let address = cluster.relayAddress, address.host == nil || address.port == 0 {
            refuse(
                "relay",
                "advertise",
                message: "other nodes cannot send to \(address)",
                allowed: "an address and a port"
            )
        }
    }

    /// What other keys must not say beside a cluster.
    func refuseOthers(_ settings: ServerSettings, in reading: inout SchemaReading) {
        guard isEnabled else { return }
        func refuse(_ path: [String], _ message: String, allowed: String) {
            let origin = reading.origin(at: path) ?? reading.origin(at: ["cluster", "engine"]) ?? .builtIn
            let key = HOCONText.path(path)
            reading.add(ConfigurationProblem(origin: origin, key: key, message: message, allowed: allowed))
        }
        let largest = settings.limits.maximumPacketSize
        if largest > maximumMessage {
            refuse(
                ["mqtt", "max_packet_size"],
                "a packet of \(largest) octets is more than cluster.max_message, \(maximumMessage), and would not reach other nodes",
                allowed: "at most cluster.max_message"
            )
        }
        if let number = settings.node.number, number >= Self.maximumNodes {
            refuse(
                ["node", "number"],
                "\(number) is not the number of a node of a cluster",
                allowed: "a whole number from 0 to \(Self.maximumNodes - 1), or none"
            )
        }
        let ownSecrets = [
            ("secret_file", settings.node.secretFile != nil), ("other_secrets", !settings.node.otherSecrets.isEmpty),
            ("secret_rotation", settings.node.secretRotation != 0),
        ]
        for (key, isGiven) in ownSecrets where isGiven {
            reading.notices.append(
                ConfigurationProblem(
                    origin: reading.origin(at: ["node", key]) ?? .builtIn,
                    key: "node.\(key)",
                    message: "has no effect beside cluster.secret_file, which takes its place"
                )
            )
        }
        for listener in settings.listeners.datagrams where listener.isEnabled && listener.bind.port != 0 {
            let reaches = [listener.bind.reach, relayBind.reach]
            guard reaches[0].including.contains(reaches[1]) || reaches[1].including.contains(reaches[0]) else {
                continue
            }
            refuse(
                ["cluster", "relay", "bind"],
                "\(relayBind) collides with \(listener.bind), the address of \(HOCONText.path(listener.path))",
                allowed: "an address and port that no QUIC listener has"
            )
        }
    }

    private static let maximumNodes = 32
}
