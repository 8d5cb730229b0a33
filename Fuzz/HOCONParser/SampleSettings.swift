package import BrokerConfiguration

/// A small configuration with keys of every kind: what the parser and the schema are fuzzed and tested with.
package struct SampleSettings: Equatable, Sendable {
    package struct Node: Equatable, Sendable {
        package var name: String?
        package var dataDirectory = "data"
        package var loops: Int?
        package var password: String?
    }

    package struct Listener: Equatable, Sendable {
        package var isEnabled = true
        package var bind = BindAddress(host: "127.0.0.1", port: 1883)
        package var maximumConnections: Int?
        package var rate: EventRate?
        package var idleTimeout = Duration.zero
        package var chainFile: String?
        package var keyFile: String?
        package var ciphers: [Cipher] = [.small]
        package var serverID: UInt64?
    }

    package enum Cipher: Equatable, Sendable { case small, large }

    package struct Authenticator: Equatable, Sendable {
        package var isEnabled = true
        package var mechanism = 0
        package var file = ""
        package var iterations: Int?
    }

    package var node = Node()
    package var listeners = ["default": Listener()]
    package var maximumInflight = 32
    package var maximumQueueLength = 1000
    package var maximumPacketSize = 1 << 20
    package var keepAliveMultiplier = 1.5
    package var idleTimeout: Duration? = .seconds(15)
    package var authenticators: [Authenticator] = []
    package var allowsAnonymous = true

    package init() {}

    package static var section: Section<Self> {
        Section(
            [
                .section("node", \.node, node),
                .section(
                    "listeners",
                    Section([
                        .named("tcp", \.listeners, of: Listener(), listener),
                        .turnedOff("ws", isOnByDefault: true, because: "there is no such listener"),
                    ])
                ),
                .section("mqtt", mqtt),
                .list("authentication", \.authenticators, of: Authenticator(), atMost: 8, authenticator),
                .value("allow_anonymous", \.allowsAnonymous, .boolean, "Whether anybody is admitted.", .live),
                .turnedOff("file", aliases: ["files"], isOnByDefault: false, because: "there is no file"),
                .section(
                    "feature",
                    Section([.fixed("enable", "false", because: "it is not built")], othersHaveNoEffect: "it is off")
                ),
            ],
            complete: { settings, path, reading in
                if reading.origin(at: path + ["allow_anonymous"]) == nil {
                    settings.allowsAnonymous = settings.authenticators.isEmpty
                }
            }
        )
    }

    private static var node: Section<Node> {
        Section([
            .value("name", \.name, .string, "The name of the node.", .atStart),
            .value("data_dir", \.dataDirectory, .path, "The folder.", .atStart),
            .value("loops", \.loops, ValueForm.integer(1...32).or("auto"), "Event loops.", .atStart),
            .value("password", \.password, .string, isSecret: true, "A secret.", .atStart),
            .withoutEffect("cookie", because: "there is no cluster"),
            .fixed("interval", "0s", "disabled", because: "nothing is done at intervals"),
            .fixed("rules", "[]", "allow all", because: "there are no rules"),
            .includes("versions", "tlsv1.3", because: "there is no other version"),
        ])
    }

    private static var mqtt: Section<Self> {
        Section([
            .value("max_inflight", \.maximumInflight, .integer(1...65_535), "Messages in flight.", .live),
            .value(
                "max_mqueue_len",
                \.maximumQueueLength,
                .integer(1...Int.max).orNoLimit("infinity", "0", as: .max),
                "Messages that wait.",
                .live
            ),
            .value(
                "max_packet_size",
                \.maximumPacketSize,
                ValueForm.size(1...268_435_456).mapped({ min($0, 268_435_455) }, from: { $0 }),
                "The largest packet.",
                .live
            ),
            .value("keepalive_multiplier", \.keepAliveMultiplier, .real(1...65_535), "A factor.", .live),
            .value(
                "idle_timeout",
                \.idleTimeout,
                ValueForm.duration(.milliseconds(1)...(.seconds(86_400))).or("infinity"),
                "A time.",
                .live
            ),
        ])
    }

    private static var listener: Section<Listener> {
        Section([
            .value("enable", aliases: ["enabled"], \.isEnabled, .boolean, "Whether it is opened.", .atStart),
            .value("bind", \.bind, .bind, "Where it listens.", .atStart),
            .value(
                "max_connections",
                \.maximumConnections,
                ValueForm.integer(1...Int.max).or("infinity"),
                "Connections.",
                .atStart
            ),
            .value("max_conn_rate", \.rate, ValueForm.rate.or("infinity"), "New connections.", .atStart),
            .value(
                "idle_timeout_ms",
                aliases: ["idle_timeout"],
                \.idleTimeout,
                .milliseconds(0...4_294_967_295),
                "A time.",
                .atStart
            ),
            .value("server_id", \.serverID, .serverID, "An identifier.", .atStart),
            .moved("certfile", into: "ssl_options"),
            .moved("keyfile", into: "ssl_options"),
            .section(
                "ssl_options",
                Section([
                    .value("certfile", \.chainFile, .path, "A certificate.", .atStart),
                    .value("keyfile", \.keyFile, .path, "A key.", .atStart),
                    .value(
                        "ciphers",
                        \.ciphers,
                        .list(of: ["SMALL": .small, "LARGE": .large]),
                        "Cipher suites.",
                        .atStart
                    ),
                ])
            ),
        ])
    }

    private static var authenticator: Section<Authenticator> {
        Section([
            .value("enable", \.isEnabled, .boolean, "Whether it is asked.", .atStart),
            .value(
                "mechanism",
                \.mechanism,
                .choice(["password_based": 0, "other": 1]),
                isRequired: true,
                "How.",
                .atStart
            ),
            .value("bootstrap_file", \.file, .path, isRequired: true, "The file.", .atStart),
            .value("iterations", \.iterations, .integer(1...10_000_000), "Iterations.", .atStart),
        ])
    }
}
