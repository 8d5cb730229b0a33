import BrokerConfiguration
import Configuration
import FuzzHOCONParser
import SecretFixture
import Testing

@Suite struct LoadedConfigurationTests {
    static let everything = """
        node { name = "edge \\"1\\"", data_dir = "/var/lib/martlet", loops = 4 }
        listeners.tcp.default { bind = 1883, max_connections = 100, max_conn_rate = "50/10s", idle_timeout = 30s }
        listeners.tcp.spare {
          enable = false, bind = "[::]:1884", server_id = "0x0123456789abcdef"
          ssl_options { certfile = "c.pem", keyfile = "k.pem", ciphers = [LARGE, SMALL] }
        }
        mqtt {
          max_inflight = 7, max_mqueue_len = 0, max_packet_size = 512KB, keepalive_multiplier = 2, idle_timeout = infinity
        }
        authentication = [
          { mechanism = password_based, bootstrap_file = "users.csv" }
          { enable = false, mechanism = other, bootstrap_file = "users.json", iterations = 3 }
        ]
        allow_anonymous = true

        """

    @Test(arguments: [nil, "", everything])
    func textIsReadBackAsTheSameConfiguration(text: String?) throws {
        let first = try load(text)
        let second = try load(first.text)
        #expect(second.configuration == first.configuration)
        // And so once more, except for the places.
        #expect(try load(second.text).text == second.text)
    }

    @Test func everyKeyIsReadAndPrinted() throws {
        let printed = try load(Self.everything).text
        for key in SampleSettings.section.describe(SampleSettings()) {
            guard case .value = key.kind, !key.allowed.hasPrefix("as "), !key.key.hasSuffix("password") else {
                continue
            }
            let name = key.key.split(separator: ".").last.map(String.init) ?? ""
            #expect(printed.contains("\(name) = "), "\(key.key) is not printed")
        }
        #expect(printed.contains("mqtt.max_mqueue_len = infinity"))
    }

    @Test func secretsAreOnlyMentioned() throws {
        let loaded = try load("node.password = \"open sesame\"")
        #expect(loaded.configuration.node.password == "open sesame")
        #expect(!loaded.text.contains("sesame"))
        #expect(loaded.text.contains("# node.password is hidden"))
        #expect(
            problems(of: "node.password = [\"open sesame\"]") == [
                "martlet.conf:1:1: node.password: \"(hidden)\" is not allowed; allowed: a text"
            ]
        )
    }

    @Test func secretsAreMarkedForReadersAndHiddenFromDescriptions() throws {
        let loaded = try load("node { loops = 3, password = \"\(Marker.text)\" }")
        let secret = try loaded.provider.value(forKey: AbsoluteConfigKey(["node", "password"]), type: .string).value
        #expect(secret?.content == .string(Marker.text) && secret?.isSecret == true)
        #expect(
            try loaded.provider.value(forKey: AbsoluteConfigKey(["node", "loops"]), type: .int).value?.isSecret == false
        )
        #expect(!Marker.isShown(by: loaded.provider))
        let sources = ConfigurationSources(environment: ["A": Marker.text], settings: ["a": Marker.text])
        #expect(!Marker.isShown(by: sources))
        let value = HOCONValue(.string(Marker.text), origin: .commandLine(key: "a"))
        #expect(!Marker.isShown(by: value) && "\(value)" == "string of --set a")
        #expect(!Marker.isShown(by: HOCONValue(.list([value]), origin: .builtIn)))
    }

    @Test func everyLineSaysWhereItsValueComesFrom() throws {
        let loaded = try load(
            Self.everything,
            environment: ["MARTLET_NODE__LOOPS": "2"],
            settings: ["mqtt.max_inflight": "5"]
        )
        let lines = loaded.text.split(separator: "\n").map { line in
            line.split(separator: " ", omittingEmptySubsequences: true).joined(separator: " ")
        }
        #expect(lines.contains("listeners.tcp.default.bind = 1883 # martlet.conf:2"))
        #expect(lines.contains("listeners.tcp.default.enable = true # default"))
        #expect(lines.contains("node.loops = 2 # MARTLET_NODE__LOOPS"))
        #expect(lines.contains("mqtt.max_inflight = 5 # --set mqtt.max_inflight"))
    }

    @Test func elementsOfAListAreShownInBraces() throws {
        let text = try load(Self.everything).text
        #expect(text.contains("authentication = [\n  {\n    enable = true"))
        #expect(text.contains("    iterations = 3"))
    }
}
