import BrokerConfiguration
import Configuration
import Testing

/// Defaults, file, environment, command line: each lies over the ones before it.
@Suite struct PrecedenceTests {
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
        #expect(loaded.configuration.mqtt.maximumInflight == expected)
        #expect(loaded.origin(of: Self.key).place == origin)
    }

    /// A later source may call a key by another of its names.
    @Test func laterSourcesWinByAnyName() throws {
        let block = "listeners.quic.default { enabled = true, idle_timeout = 7s, certfile = a, keyfile = b }"
        let key = "listeners.quic.default."
        let loaded = try load(
            block,
            environment: [
                "MARTLET_LISTENERS__QUIC__DEFAULT__IDLE_TIMEOUT_MS": "8000",
                "MARTLET_LISTENERS__QUIC__DEFAULT__SSL_OPTIONS__CERTFILE": "c",
            ],
            settings: [key + "enable": "false"]
        )
        let quic = loaded.configuration.listeners.quic["default"]
        #expect(quic?.isEnabled == false)
        #expect(quic?.idleTimeout == .seconds(8))
        #expect(quic?.certificate == .files(chain: "c", key: "b"))
        #expect(loaded.origin(of: key + "enable").place == "--set \(key)enable")
        #expect(try load(loaded.text).configuration == loaded.configuration)

        let names = ["handshake_idle_timeout", "keep_alive_interval", "idle_timeout"]
        for (first, second) in names.flatMap({ [($0, $0 + "_ms"), ($0 + "_ms", $0)] }) {
            let quic = try load(key + first + " = 5000", settings: [key + second: "6000"])
                .configuration.listeners.quic["default"]
            let times = [quic?.handshakeIdleTimeout, quic?.keepAliveInterval, quic?.idleTimeout]
            #expect(times.contains(.seconds(6)) && !times.contains(.seconds(5)))
        }
        #expect(
            try load(key + "idle_timeout = 5s", settings: [key + "idle_timeout_ms": "null"])
                .configuration.listeners.quic["default"]?.idleTimeout == .zero
        )
        let twice = problems(of: block, settings: [key + "enable": "false", key + "enabled": "false"])
        #expect(twice.count == 1 && twice.first?.hasPrefix("--set") == true)
    }

    /// The keys on the listener, which are the older ones, and those of `ssl_options`.
    @Test func laterSourcesWinOverOptionsOfTLS() throws {
        let key = "listeners.quic.default."
        let loaded = try load(
            key + "ssl_options { certfile = a, keyfile = b, ciphers = TLS_AES_128_GCM_SHA256 }",
            settings: [key + "keyfile": "d", key + "ciphers": "TLS_AES_256_GCM_SHA384"]
        )
        let quic = loaded.configuration.listeners.quic["default"]
        #expect(quic?.certificate == .files(chain: "a", key: "d"))
        #expect(quic?.ciphers == [.aes256])
        #expect(try load(loaded.text).configuration.listeners.quic["default"]?.certificate == quic?.certificate)
        #expect(try load(loaded.text).configuration.listeners.quic["default"]?.ciphers == [.aes256])
        let settings = [key + "certfile": "c", key + "ssl_options.certfile": "e", key + "keyfile": "d"]
        #expect(problems(of: "", settings: settings).count == 1)
    }

    @Test func environmentNamesAreDotsAndAnyCase() throws {
        let quic = try load(
            nil,
            environment: [
                "MARTLET_LISTENERS__QUIC__DEFAULT__BIND": "0.0.0.0:14567",
                "martlet_listeners__quic__default__Enabled": "true",
                "MARTLET_LISTENERS__QUIC__EDGE": "{ bind = \"[::1]:15000\", max_connections = 5 }",
                "MARTLET_ALLOW_ANONYMOUS": "false",
            ]
        ).configuration.listeners.quic
        #expect(quic["default"]?.bind == BindAddress(host: "0.0.0.0", port: 14567))
        #expect(quic["edge"]?.bind == BindAddress(host: "::1", port: 15000))
        #expect(quic["edge"]?.maximumConnections == 5)
    }

    /// What Kubernetes sets for a service called `martlet`, what EMQX reads, and a slip.
    @Test func otherVariablesAreNotRead() throws {
        let loaded = try load(
            nil,
            environment: [
                "MARTLET_PORT": "tcp://10.0.0.1:1883", "MARTLET_SERVICE_HOST": "10.0.0.1",
                "MARTLET_PORT_1883_TCP_ADDR": "10.0.0.1", "EMQX_NODE__LOOPS": "many", "MARTLET_ALOW_ANONYMOUS": "false",
            ]
        )
        #expect(loaded.configuration == .withoutFile)
        #expect(
            loaded.notices.map(\.description) == [
                "MARTLET_ALOW_ANONYMOUS: this variable is not read; did you mean MARTLET_ALLOW_ANONYMOUS?"
            ]
        )
    }

    @Test func unknownVariableWithSeparatorIsAnError() {
        #expect(
            problems(of: nil, environment: ["MARTLET_NODE__LOPS": "2"]).first?
                .hasPrefix("MARTLET_NODE__LOPS: node.lops: there is no such key, did you mean loops?") == true
        )
    }

    @Test func settingsAreTakenAsTheyStandOrAsHOCON() throws {
        let configuration = try load(
            nil,
            settings: [
                "node.data_dir": "/var/lib/mart let#1", "listeners.tcp.default.bind": "127.0.0.1:0",
                "listeners.quic": "{ default { enable = false } }", "node.name": "\"a\\tb\"",
            ]
        ).configuration
        #expect(configuration.node.dataDirectory == "/var/lib/mart let#1")
        #expect(configuration.node.name == "a\tb")
        #expect(configuration.listeners.tcp["default"]?.bind == BindAddress(host: "127.0.0.1", port: 0))
        #expect(configuration.listeners.quic["default"]?.isEnabled == false)
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

    @Test func configReaderReadsTheSameValues() throws {
        let loaded = try load(
            "node { loops = 3, name = x }\nmqtt.keepalive_multiplier = 2\nlist = [1, 2]\nallow_anonymous = on\n"
                .replacing("list = [1, 2]\n", with: ""),
            environment: ["MARTLET_NODE__NAME": "y"]
        )
        let reader = ConfigReader(provider: loaded.provider)
        #expect(reader.int(forKey: "node.loops") == 3)
        #expect(reader.string(forKey: "node.name") == "y")
        #expect(reader.double(forKey: "mqtt.keepalive_multiplier") == 2)
        #expect(reader.bool(forKey: "allow_anonymous") == true)
        #expect(reader.scoped(to: "node").string(forKey: "loops") == "3")
        #expect(reader.string(forKey: "node.data_dir") == nil)
    }

    @Test func providerReadsListsAndSaysWhatItCannotRead() throws {
        let root = try HOCONDocument(parsing: "a = [1, 2]\nb = [x, y]\nc { d = 1 }\ne = null\n", named: "t").root
        let reader = ConfigReader(provider: HOCONProvider(root, name: "t"))
        #expect(reader.intArray(forKey: "a") == [1, 2])
        #expect(reader.stringArray(forKey: "a") == ["1", "2"])
        #expect(reader.stringArray(forKey: "b") == ["x", "y"])
        #expect(reader.string(forKey: "e") == nil)
        let error = #expect(throws: HOCONError.self) { try reader.requiredInt(forKey: "c") }
        #expect(error?.description == "t:3:1: c cannot be read as int")
    }
}
