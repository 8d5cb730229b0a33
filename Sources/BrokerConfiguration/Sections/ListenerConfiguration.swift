/// What listeners of every kind have.
package protocol ListenerConfiguration {
    var isEnabled: Bool { get set }
    var bind: BindAddress { get set }
    var maximumConnections: Int? { get set }
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
                "Connections at a time; further ones are closed at once."
            ),
            .meaningless("acceptors", because: "every event loop accepts connections"),
            .fixed("mountpoint", "\"\"", because: "topics are not prefixed"),
            .fixed("zone", "default", because: "there are no zones"),
            .fixed("enable_authn", "true", because: "every listener asks the authenticators"),
            .fixed("access_rules", "allow all", because: "addresses are not filtered"),
        ]
    }
}
