import BrokerConfiguration
import FuzzHOCONParser
import Testing

@Suite struct EnvironmentLayerTests {
    @Test func namesAreDotsAndAnyCase() throws {
        let listeners = try load(
            nil,
            environment: [
                "MARTLET_LISTENERS__TCP__DEFAULT__BIND": "0.0.0.0:14567",
                "martlet_listeners__tcp__default__Enabled": "true",
                "MARTLET_LISTENERS__TCP__EDGE": "{ bind = \"[::1]:15000\", max_connections = 5 }",
                "MARTLET_ALLOW_ANONYMOUS": "false",
            ]
        ).configuration.listeners
        #expect(listeners["default"]?.bind == BindAddress(host: "0.0.0.0", port: 14567))
        #expect(listeners["edge"]?.bind == BindAddress(host: "::1", port: 15000))
        #expect(listeners["edge"]?.maximumConnections == 5)
    }

    /// What Kubernetes sets for services called `martlet` and `emqx`, what EMQX's image sets for itself, and a slip.
    @Test func otherVariablesAreNotRead() throws {
        let loaded = try load(
            nil,
            environment: [
                "MARTLET_PORT": "tcp://10.0.0.1:1883", "MARTLET_SERVICE_HOST": "10.0.0.1",
                "MARTLET_PORT_1883_TCP_ADDR": "10.0.0.1", "MARTLET_ALOW_ANONYMOUS": "false",
                "EMQX_PORT_1883_TCP": "tcp://10.0.0.1:1883", "EMQX_HOST": "10.0.0.1", "EMQX_NODE_NAME": "emqx@10.0.0.1",
            ]
        )
        #expect(loaded.configuration == .init())
        #expect(
            loaded.notices.map(\.description) == [
                "MARTLET_ALOW_ANONYMOUS: this variable is not read; did you mean MARTLET_ALLOW_ANONYMOUS?"
            ]
        )
    }

    @Test func unknownVariableWithSeparatorIsAnError() {
        for prefix in ["MARTLET_", "EMQX_"] {
            #expect(
                problems(of: nil, environment: [prefix + "NODE__LOPS": "2"]).first?
                    .hasPrefix("\(prefix)NODE__LOPS: node.lops: there is no such key, did you mean loops?") == true
            )
        }
    }

    @Test func variablesOfEMQXLieBelowOwnOnes() throws {
        let loaded = try load(
            "node { loops = 1, name = file, data_dir = file }",
            environment: [
                "EMQX_NODE__LOOPS": "2", "EMQX_NODE__NAME": "theirs", "MARTLET_NODE__NAME": "own",
                "EMQX_LISTENERS__TCP__DEFAULT__ENABLED": "true", "MARTLET_LISTENERS__TCP__DEFAULT__ENABLE": "false",
            ],
            settings: [:]
        )
        let node = loaded.configuration.node
        #expect(node.loops == 2 && node.name == "own" && node.dataDirectory == "file")
        #expect(loaded.configuration.listeners["default"]?.isEnabled == false)
        #expect(loaded.origin(of: "node.loops").place == "EMQX_NODE__LOOPS")
        #expect(
            loaded.notices.map(\.description) == [
                "EMQX_NODE__NAME, EMQX_NODE__LOOPS, EMQX_LISTENERS__TCP__DEFAULT__ENABLED: variables that begin with EMQX_ are read as if they began with MARTLET_, which goes before where both are set"
            ]
        )
        #expect(try load(nil, environment: ["MARTLET_NODE__LOOPS": "2"]).notices.isEmpty)
    }

    @Test func noticeNamesTenVariables() throws {
        let names = (1...14).map { "EMQX_LISTENERS__TCP__L\($0)__ENABLE" }
        let notices = try load(nil, environment: Dictionary(uniqueKeysWithValues: names.map { ($0, "true") })).notices
        #expect(notices.count == 1 && notices[0].message.contains(" and 4 more: "))
    }
}
