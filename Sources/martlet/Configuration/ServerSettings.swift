import BrokerConfiguration
import Logging
import MQTTBroker

/// What the configuration says. `docs/configuration.md` lists the keys.
struct ServerSettings {
    var node = NodeSettings()
    var listeners = ListenersSettings()
    var store = StoreSettings()
    var cluster = ClusterSettings()
    /// `mqtt` and `retainer`. `maximumRetainedMessages` counts for all shards together.
    var limits = Limits()
    /// `authentication`: asked one after the other until one knows the client. At most 8.
    var userFiles: [UserFileSettings] = []
    /// Whether clients are admitted that no user file knows. Default: true as long as no file is enabled.
    var allowsAnonymous = true
    var dashboard = DashboardSettings()
    /// The least level that is logged.
    var logLevel = Logger.Level.warning

    /// What holds without a file: TCP and QUIC, on the loopback interface only.
    static var withoutFile: ServerSettings {
        var settings = ServerSettings()
        settings.listeners.quic["default"] = .quic
        return settings
    }

    static var section: Section<Self> {
        Section(
            [
                .section("node", \.node, NodeSettings.section),
                .section("listeners", \.listeners, ListenersSettings.section),
                .section("store", \.store, StoreSettings.section),
                .section("durable_sessions", \.store, StoreSettings.emqxSection),
                .section("cluster", \.cluster, ClusterSettings.section),
                .section("mqtt", Section.mqtt.at(\.limits)),
                .section("retainer", Section.retainer.at(\.limits)),
                .list("authentication", \.userFiles, of: UserFileSettings(), atMost: 8, UserFileSettings.section),
                .value(
                    "allow_anonymous",
                    \.allowsAnonymous,
                    .boolean,
                    "Whether clients are admitted that no element of `authentication` knows; false once there is one.",
                    .atStart
                ),
                .section("dashboard", \.dashboard, DashboardSettings.section),
                .section("api_key", \.dashboard, DashboardSettings.keySection),
                .section("log", Section.log.at(\.logLevel)),
            ] + EMQXKeys.fields(),
            complete: complete
        )
    }

    /// `durable_sessions.enable` says what `store.engine` does not.
    private static func completeStore(_ store: inout StoreSettings, in reading: inout SchemaReading) {
        guard let isAskedFor = store.isAskedFor else { return }
        let engine: StoreSettings.Engine = isAskedFor ? .sqlite : .memory
        if reading.origin(at: ["store", "engine"]) != nil, engine != store.engine {
            let key = ["durable_sessions", "enable"]
            reading.add(
                ConfigurationProblem(
                    origin: reading.origin(at: key) ?? .builtIn,
                    key: key.joined(separator: "."),
                    message: "store.engine says the opposite",
                    allowed: "one of the two keys; true is store.engine = sqlite, and false is memory"
                )
            )
        }
        store.engine = engine
    }

    private static func complete(_ settings: inout Self, at path: [String], in reading: inout SchemaReading) {
        if reading.origin(at: ["allow_anonymous"]) == nil {
            settings.allowsAnonymous = !settings.userFiles.contains(where: \.isEnabled)
        }
        completeStore(&settings.store, in: &reading)
        settings.cluster.refuseOthers(settings, in: &reading)
        let enabled = settings.listeners.all.filter(\.isEnabled)
        if enabled.isEmpty {
            let origins = settings.listeners.all.map { reading.origin(at: $0.path + ["enable"]) }
            reading.add(
                ConfigurationProblem(
                    origin: origins.compactMap { $0 }.first ?? .builtIn,
                    key: "listeners",
                    message: "no listener is enabled",
                    allowed:
                        "at least one of listeners.tcp.NAME, listeners.ssl.NAME and listeners.quic.NAME with enable = true"
                )
            )
        }
        let open = enabled.filter { !$0.bind.isLoopback }.map { $0.path.joined(separator: ".") }
        if settings.allowsAnonymous, !open.isEmpty {
            reading.notices.append(
                ConfigurationProblem(
                    origin: .builtIn,
                    key: "allow_anonymous",
                    message:
                        "anonymous clients are admitted from beyond this machine by \(open.joined(separator: ", "))"
                        + "; authentication or allow_anonymous = false keeps them out"
                )
            )
        }
    }
}

extension Section<Logger.Level> {
    /// `log`.
    static var log: Section {
        Section([
            .section("console", aliases: ["console_handler"], console),
            .turnedOff(
                "file",
                aliases: ["file_handlers"],
                isOnByDefault: false,
                because: "the log goes to standard error"
            ),
            .section("audit", EMQXKeys.disabledFeature("there is no audit log")),
            .withoutEffect("throttling", because: "each message bounds how often it is logged"),
        ])
    }

    private static var console: Section {
        Section(
            [
                .value(
                    "level",
                    \.self,
                    .choice([
                        "debug": .debug, "all": .debug, "info": .info, "notice": .notice, "warning": .warning,
                        "error": .error,
                        "critical": .critical, "alert": .critical, "emergency": .critical,
                    ]),
                    "The least level that is logged, on standard error. `all` is `debug`, `alert` and `emergency` are `critical`.",
                    .live
                )
            ] + EMQXKeys.console()
        )
    }
}
