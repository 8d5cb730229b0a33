/// Everything that is configured. `docs/configuration.md` lists the keys.
package struct BrokerConfiguration: ConfigurationSection {
    package var node = NodeConfiguration()
    package var listeners = ListenersConfiguration()
    package var mqtt = MQTTConfiguration()
    package var retainer = RetainerConfiguration()
    /// Asked one after the other until one knows the client. Default: none. At most 8.
    package var authentication: [AuthenticationConfiguration] = []
    /// Whether clients are let in that no element of `authentication` knows. Default: true as long as none is
    /// configured.
    package var allowsAnonymous = true
    package var log = LogConfiguration()

    package init() {}

    /// What is in force when there is no file: both transports, reachable from this machine only.
    package static var withoutFile: BrokerConfiguration {
        var configuration = BrokerConfiguration()
        configuration.listeners.quic["default"] = QUICListenerConfiguration()
        return configuration
    }

    package static var fields: [Field<Self>] {
        [
            .section("node", \.node),
            .section("listeners", \.listeners),
            .section("mqtt", \.mqtt),
            .section("retainer", \.retainer),
            .list("authentication", \.authentication, atMost: 8),
            .value(
                "allow_anonymous",
                \.allowsAnonymous,
                .boolean,
                "Whether clients are let in that no element of authentication knows; false once there is one."
            ),
            .section("log", \.log),
        ]
    }

    package mutating func settle(at path: [String], in reading: inout SchemaReading) {
        if reading.origin(at: path + ["allow_anonymous"]) == nil {
            allowsAnonymous = !authentication.contains(where: \.isEnabled)
        }
        if listeners.all.allSatisfy({ !$0.listener.isEnabled }) {
            reading.add(
                ConfigurationProblem(
                    origin: listeners.tcp.keys.sorted()
                        .compactMap { reading.origin(at: path + ["listeners", "tcp", $0, "enable"]) }.first ?? .builtIn,
                    key: "listeners",
                    message: "no listener is enabled",
                    allowed:
                        "at least one of listeners.tcp.NAME, listeners.ssl.NAME and listeners.quic.NAME with enable = true"
                )
            )
        }
        if let warning = anonymousWarning { reading.notices.append(warning) }
    }

    /// Said once at start when strangers are let in from other machines.
    private var anonymousWarning: ConfigurationProblem? {
        guard allowsAnonymous else { return nil }
        let open = listeners.all.filter { $0.listener.isEnabled && !$0.listener.bind.isLoopback }.map(\.key)
        guard !open.isEmpty else { return nil }
        return ConfigurationProblem(
            origin: .builtIn,
            key: "allow_anonymous",
            message:
                "anonymous clients are admitted from beyond this machine by \(open.sorted().joined(separator: ", "))"
                + "; authentication or allow_anonymous = false keeps them out"
        )
    }
}
