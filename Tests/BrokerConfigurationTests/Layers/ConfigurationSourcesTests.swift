import BrokerConfiguration
import FuzzHOCONParser
import Testing

/// Defaults, file, environment, command line: each goes before the ones before it.
@Suite struct ConfigurationSourcesTests {
    private static let key = "mqtt.max_inflight"

    @Test(
        arguments: [
            (file: nil, environment: nil, setting: nil, expected: 32, origin: "default"),
            (file: "10", environment: nil, setting: nil, expected: 10, origin: "martlet.conf:1"),
            (file: "10", environment: "20", setting: nil, expected: 20, origin: "MARTLET_MQTT__MAX_INFLIGHT"),
            (file: "10", environment: "20", setting: "30", expected: 30, origin: "--set mqtt.max_inflight"),
            (file: nil, environment: "20", setting: "30", expected: 30, origin: "--set mqtt.max_inflight"),
            (file: "10", environment: nil, setting: "30", expected: 30, origin: "--set mqtt.max_inflight"),
        ] as [(file: String?, environment: String?, setting: String?, expected: Int, origin: String)]
    )
    func laterSourcesWin(file: String?, environment: String?, setting: String?, expected: Int, origin: String) throws {
        let loaded = try load(
            file.map { "\(Self.key) = \($0)\n" } ?? "",
            environment: environment.map { ["MARTLET_MQTT__MAX_INFLIGHT": $0] } ?? [:],
            settings: setting.map { [Self.key: $0] } ?? [:]
        )
        #expect(loaded.configuration.maximumInflight == expected)
        #expect(loaded.origin(of: Self.key).place == origin)
    }

    /// A later source may call a key by another of its names.
    @Test func laterSourcesWinByAnyName() throws {
        let block = "listeners.tcp.default { enabled = true, idle_timeout = 7s, certfile = a, keyfile = b }"
        let key = "listeners.tcp.default."
        let loaded = try load(
            block,
            environment: ["MARTLET_LISTENERS__TCP__DEFAULT__IDLE_TIMEOUT_MS": "8000"],
            settings: [key + "enable": "false"]
        )
        let listener = loaded.configuration.listeners["default"]
        #expect(listener?.isEnabled == false)
        #expect(listener?.idleTimeout == .seconds(8))
        #expect(loaded.origin(of: key + "enable").place == "--set \(key)enable")
        #expect(try load(loaded.text).configuration == loaded.configuration)
        for (first, second) in [("idle_timeout", "idle_timeout_ms"), ("idle_timeout_ms", "idle_timeout")] {
            let loaded = try load(key + first + " = 5000", settings: [key + second: "6000"])
            #expect(loaded.configuration.listeners["default"]?.idleTimeout == .seconds(6))
        }
        #expect(
            try load(key + "idle_timeout = 5s", settings: [key + "idle_timeout_ms": "null"])
                .configuration.listeners["default"]?.idleTimeout == .zero
        )
        let twice = problems(of: block, settings: [key + "enable": "false", key + "enabled": "false"])
        #expect(twice.count == 1 && twice.first?.hasPrefix("--set") == true)
    }

    @Test func settingsAreTakenAsTheyStandOrAsHOCON() throws {
        let configuration = try load(
            nil,
            settings: [
                "node.data_dir": "/var/lib/mart let#1", "listeners.tcp.default.bind": "127.0.0.1:0",
                "listeners.tcp": "{ edge { enable = false } }", "node.name": "\"a\\tb\"",
            ]
        ).configuration
        #expect(configuration.node.dataDirectory == "/var/lib/mart let#1")
        #expect(configuration.node.name == "a\tb")
        #expect(configuration.listeners["default"]?.bind == BindAddress(host: "127.0.0.1", port: 0))
        #expect(configuration.listeners["edge"]?.isEnabled == false)
    }

    @Test func settingsThatCannotBeReadAreNamed() {
        let found = problems(of: nil, settings: ["a..b": "1", "node": "{ loops = "])
        #expect(found.count == 2)
        #expect(found.contains("--set a..b: a key has an empty part; write \"\" for a part that is really empty"))
        #expect(found.contains { $0.hasPrefix("--set node: ") })
    }

    @Test func fileMayUseTheEnvironment() throws {
        let loaded = try load("node.data_dir = ${HOME}\"/data\"\n", environment: ["HOME": "/srv/x"])
        #expect(loaded.configuration.node.dataDirectory == "/srv/x/data")
        #expect(loaded.origin(of: "node.data_dir").place == "martlet.conf:1")
    }

    @Test func fileThatIsNotThereIsNamed() {
        let error = #expect(throws: ConfigurationError.self) {
            try ConfigurationSources(file: "none.conf", read: { _, _ in nil })
                .load(over: SampleSettings(), by: SampleSettings.section)
        }
        #expect(error?.description == "none.conf:1:1: there is no such file")
    }

    /// An element of a list is changed by its number, from 1, in any layer.
    @Test func elementsAreSetByTheirNumbers() throws {
        let list =
            "authentication = [{ mechanism = other, bootstrap_file = a }, { mechanism = other, bootstrap_file = b }]\n"
        let loaded = try load(
            list + "authentication.2.bootstrap_file = c",
            environment: ["MARTLET_AUTHENTICATION__1__ENABLE": "false"],
            settings: ["authentication.3.mechanism": "password_based", "authentication.3.bootstrap_file": "d"]
        )
        let authenticators = loaded.configuration.authenticators
        #expect(authenticators.map(\.file) == ["a", "c", "d"])
        #expect(authenticators.map(\.isEnabled) == [false, true, true])
        #expect(authenticators.map(\.mechanism) == [1, 1, 0])
        #expect(loaded.origin(of: "authentication.1.enable").place == "MARTLET_AUTHENTICATION__1__ENABLE")
        #expect(loaded.origin(of: "authentication.2.bootstrap_file").place == "martlet.conf:2")
        #expect(try load(loaded.text).configuration == loaded.configuration)
        let ciphers = try load(
            "listeners.tcp.default.ssl_options.ciphers = [SMALL]",
            settings: ["listeners.tcp.default.ssl_options.ciphers.2": "LARGE"]
        )
        #expect(ciphers.configuration.listeners["default"]?.ciphers == [.small, .large])
    }
}
