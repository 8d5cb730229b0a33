/// What listeners of every kind have.
package protocol ListenerConfiguration {
    var isEnabled: Bool { get set }
    var bind: BindAddress { get set }
    var maximumConnections: Int? { get set }
    var connectionRate: EventRate? { get set }
    var connectionBurst: Int? { get set }
}

extension ListenerConfiguration where Self: ConfigurationSection {
    static var commonFields: [Field<Self>] {
        [
            .value("enable", aliases: ["enabled"], \.isEnabled, .boolean, "Whether the listener is opened."),
            .value(
                "bind",
                \.bind,
                .bind,
                "Where it listens. Without this key only this machine can reach it; a port alone means all interfaces."
            ),
            .value(
                "max_connections",
                \.maximumConnections,
                .integer(1...Int.max),
                or: "infinity",
                "Connections at a time; further ones are refused."
            ),
            .value(
                "max_conn_rate",
                \.connectionRate,
                .rate,
                or: "infinity",
                "New connections in a time; further ones wait."
            ),
            .value(
                "max_conn_burst",
                \.connectionBurst,
                .integer(1...1_000_000),
                "New connections that may come at once under max_conn_rate; its own number when not set."
            ),
            .meaningless("acceptors", because: "every event loop accepts connections"),
            .fixed("mountpoint", "\"\"", because: "topics are not prefixed"),
            .fixed("zone", "default", because: "there are no zones"),
            .fixed("enable_authn", "true", because: "every listener asks the authenticators"),
            .fixed("access_rules", "allow all", because: "addresses are not filtered"),
        ]
    }
    /// What listeners on TCP have besides.
    static var socketFields: [Field<Self>] {
        [
            .fixed("proxy_protocol", "false", because: "the PROXY protocol is not understood"),
            .meaningless("proxy_protocol_timeout", because: "the PROXY protocol is not understood"),
            .meaningless("tcp_options", because: "the system's defaults are used, with Nagle's algorithm off"),
            .meaningless("tcp_backend", because: "there is one implementation of sockets"),
            .meaningless("parse_unit", because: "packets are parsed where they lie"),
        ]
    }
}
