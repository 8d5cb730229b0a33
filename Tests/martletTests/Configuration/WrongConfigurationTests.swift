import BrokerConfiguration
import Testing

/// Each wrong configuration gets an error of its own that names the place, the key and what is allowed.
@Suite struct WrongConfigurationTests {
    static let wrong: [(text: String, errors: [String])] = [
        // The text
        ("listeners.tcp.default {", ["1:23: this '{' has no closing '}'"]),
        ("node.loops 4", ["1:12: expected '=', ':', '+=' or '{' after the key node.loops, found '4'"]),
        (
            "listeners.tcp.default.bind = 0.0.0.0:1883",
            ["1:37: ':' may not stand in an unquoted value; put the value in double quotes"]
        ),
        ("node.name = ${WHO}", ["1:1: ${WHO} has no value: there is no key WHO with a value at this point"]),
        ("include required(\"more.conf\")", ["1:1: the included file more.conf does not exist"]),
        // Unknown keys
        (
            "listener.tcp.default.bind = 1883",
            [
                "1:1: listener: there is no such key, did you mean listeners?; allowed: node, listeners, store, durable_sessions, cluster, mqtt, retainer, authentication, allow_anonymous, dashboard, api_key, log"
            ]
        ),
        (
            "listeners.dtls.default.bind = 8083",
            ["1:1: listeners.dtls: there is no such key; allowed: tcp, ssl, quic"]
        ),
        (
            "listeners.tcp.default {\n  enabled = true\n  bnid = 1883\n}",
            [
                "3:3: listeners.tcp.default.bnid: there is no such key, did you mean bind?; allowed: enable, bind, max_connections"
            ]
        ),
        (
            "mqtt { max_packetsize = 1MB }",
            ["1:8: mqtt.max_packetsize: there is no such key, did you mean max_packet_size?; allowed: idle_timeout, "]
        ),
        (
            "dashboard.listeners.https.bind = 18084",
            [
                "1:1: dashboard.listeners.https.bind: 18084 is not allowed; allowed: 0 (the REST interface is served over HTTP only)"
            ]
        ),
        // Wrong kinds
        ("listeners.quic = 14567", ["1:1: listeners.quic: 14567 is not allowed; allowed: an object of names"]),
        ("mqtt = [1]", ["1:1: mqtt: a list is not allowed; allowed: an object of the keys idle_timeout, "]),
        (
            "node.loops { a = 1 }",
            ["1:1: node.loops: an object is not allowed; allowed: a whole number from 1 to 32, or auto"]
        ),
        (
            "listeners.tcp.default.enable = maybe",
            ["1:1: listeners.tcp.default.enable: \"maybe\" is not allowed; allowed: true or false"]
        ),
        (
            "listeners.tcp.default.max_conn_rate = 1000",
            [
                "1:1: listeners.tcp.default.max_conn_rate: 1000 is not allowed; allowed: a rate such as 1000/s or 5000/10s, or infinity"
            ]
        ),
        (
            "listeners.quic.default.congestion_control = fast",
            [
                "1:1: listeners.quic.default.congestion_control: \"fast\" is not allowed; allowed: cubic, reno, bbr"
            ]
        ),
        // Wrong values
        (
            "listeners.quic.default.bind = \"localhost:14567\"",
            [
                "1:1: listeners.quic.default.bind: \"localhost:14567\" is not allowed; allowed: an address and a port such as"
            ]
        ),
        (
            "listeners.tcp.default.bind = 70000",
            ["1:1: listeners.tcp.default.bind: 70000 is not allowed; allowed: an address and a port such as"]
        ),
        (
            "listeners.tcp.default.max_connections = 0",
            [
                "1:1: listeners.tcp.default.max_connections: 0 is not allowed; allowed: a whole number, at least 1, or infinity"
            ]
        ),
        ("node.loops = 0", ["1:1: node.loops: 0 is not allowed; allowed: a whole number from 1 to 32, or auto"]),
        (
            "mqtt.max_qos_allowed = 3",
            ["1:1: mqtt.max_qos_allowed: 3 is not allowed; allowed: a whole number from 0 to 2"]
        ),
        (
            "mqtt.max_packet_size = 1XB",
            [
                "1:1: mqtt.max_packet_size: \"1XB\" is not allowed; allowed: a size such as 512KB or 1MB, or a number of bytes, from 1B"
            ]
        ),
        (
            "mqtt.idle_timeout = 15 parsecs",
            ["1:1: mqtt.idle_timeout: \"15 parsecs\" is not allowed; allowed: a duration such as 15s, 100ms or 1h30m"]
        ),
        (
            "mqtt.keepalive_multiplier = 0.5",
            ["1:1: mqtt.keepalive_multiplier: 0.5 is not allowed; allowed: a number from 1.0 to 65535.0"]
        ),
        (
            "listeners.quic.default.idle_timeout_ms = -1",
            [
                "1:1: listeners.quic.default.idle_timeout_ms: -1 is not allowed; allowed: whole milliseconds from 0 to 4294967295"
            ]
        ),
        (
            "log.console.level = loud",
            ["1:1: log.console.level: \"loud\" is not allowed; allowed: debug, all, info, notice, warning"]
        ),
        (
            "listeners.tcp.\"a b\".bind = 1883",
            ["1:1: listeners.tcp.\"a b\": \"a b\" is not allowed; allowed: letters, digits, '_' and '-'"]
        ),
        // What does not fit together
        (
            "listeners.quic.default.enable = true\nlisteners.quic.default.enabled = false",
            ["2:1: listeners.quic.default.enabled: enabled and enable are names of the same key; allowed: one of them"]
        ),
        (
            "listeners.quic.default {\n  certfile = \"c.pem\"\n}",
            [
                "2:3: listeners.quic.default.ssl_options.certfile: there is a certfile without its keyfile; allowed: both, or neither"
            ]
        ),
        (
            "listeners.quic.a.ssl_options.keyfile = k\nlisteners.quic.a.keyfile = l\nlisteners.quic.a.certfile = c",
            ["2:1: listeners.quic.a.keyfile: is not what ssl_options.keyfile says; allowed: one of the two keys"]
        ),
        (
            "listeners.tcp.a.bind = 1884\nlisteners.tcp.b.bind = 1884",
            [
                "2:1: listeners.tcp.b.bind: 1884 collides with 1884, the address of listeners.tcp.a; allowed: an address and port"
            ]
        ),
        (
            "listeners.tcp.a.bind = 1884\nlisteners.ssl.b.bind = 1884",
            [
                "2:1: listeners.ssl.b.bind: 1884 collides with 1884, the address of listeners.tcp.a; allowed: an address and port"
            ]
        ),
        (
            "node.loops = 1\nlisteners.tcp.mqtt.bind = 1883",
            [
                "2:1: listeners.tcp.mqtt.bind: 1883 collides with 127.0.0.1:1883, the address of listeners.tcp.default; allowed: an address and port that no other listener has, or listeners.tcp.default.enable = false"
            ]
        ),
        (
            "listeners.ssl.a.bind = \"0.0.0.0:1883\"",
            [
                "1:1: listeners.ssl.a.bind: 0.0.0.0:1883 collides with 127.0.0.1:1883, the address of listeners.tcp.default; allowed: an address and port that no other listener has, or listeners.tcp.default.enable = false"
            ]
        ),
        (
            "listeners.quic.a.bind = 14567\nlisteners.quic.b.bind = \"127.0.0.1:14567\"",
            [
                "2:1: listeners.quic.b.bind: 127.0.0.1:14567 collides with 14567, the address of listeners.quic.a; allowed: "
            ]
        ),
        (
            "listeners.tcp.default.max_connections = 5\nlisteners.tcp.more.bind = 1883",
            [
                "2:1: listeners.tcp.more.bind: 1883 collides with 127.0.0.1:1883, the address of listeners.tcp.default; allowed: "
            ]
        ),
        (
            "listeners.tcp.a.max_connections = 5",
            [
                "1:1: listeners.tcp.a.bind: 127.0.0.1:1883 collides with 127.0.0.1:1883, the address of listeners.tcp.default; allowed: "
            ]
        ),
        (
            "listeners.tcp.edge.max_connections = 5",
            [
                "1:1: listeners.tcp.edge.bind: 127.0.0.1:1883 collides with 127.0.0.1:1883, the address of listeners.tcp.default; allowed: "
            ]
        ),
        (
            "listeners.ssl.default.ssl_options.keyfile = k",
            ["1:1: listeners.ssl.default.ssl_options.keyfile: there is a keyfile without its certfile; allowed: both"]
        ),
        (
            "listeners.ssl.default.ssl_options.verify = verify_peer",
            [
                "1:1: listeners.ssl.default.ssl_options.verify: no authority is named that clients' certificates must come from"
            ]
        ),
        (
            "listeners.tcp.default.enable = false",
            [
                "1:1: listeners: no listener is enabled; allowed: at least one of listeners.tcp.NAME, listeners.ssl.NAME and listeners.quic.NAME"
            ]
        ),
        // What EMQX has and this broker cannot do
        (
            "listeners.tcp.default.proxy_protocol = true",
            [
                "1:1: listeners.tcp.default.proxy_protocol: true is not allowed; allowed: false (the PROXY protocol is not understood)"
            ]
        ),
        (
            "listeners.quic.default.ssl_options.verify = verify_peer",
            [
                "1:1: listeners.quic.default.ssl_options.verify: no authority is named that clients' certificates must come from; allowed: verify_none"
            ]
        ),
        (
            "listeners.quic.default { early_data = some, server_resumption_level = 3, session_ticket_lifetime = 8d }",
            [
                "1:26: listeners.quic.default.early_data: \"some\" is not allowed; allowed: all, connect, off",
                "1:45: listeners.quic.default.server_resumption_level: 3 is not allowed",
                "1:74: listeners.quic.default.session_ticket_lifetime: \"8d\" is not allowed",
            ]
        ),
        (
            "listeners.quic.default.ssl_options.ciphers = [TLS_AES_128_GCM_SHA256, TLS_RSA_WITH_RC4_128_SHA]",
            [
                "1:1: listeners.quic.default.ssl_options.ciphers: a list is not allowed; allowed: a list of TLS_AES_128_GCM"
            ]
        ),
        (
            "listeners.quic.default.ssl_options.ciphers = \"TLS_AES_128_GCM_SHA256,TLS_AES_128_GCM_SHA256\"",
            ["1:1: listeners.quic.default.ssl_options.ciphers: "]
        ),
        // Authentication
        (
            "authentication { mechanism = jwt, backend = built_in_database, bootstrap_file = \"u.csv\" }",
            ["1:18: authentication.1.mechanism: \"jwt\" is not allowed; allowed: password_based"]
        ),
        (
            "authentication = [{ mechanism = password_based }]",
            [
                "1:19: authentication.1.backend: is missing; allowed: built_in_database",
                "1:19: authentication.1.bootstrap_file: is missing; allowed: the path of a file",
            ]
        ),
        (
            """
            authentication {
              mechanism = password_based, backend = built_in_database, bootstrap_file = "u.csv"
              password_hash_algorithm { name = bcrypt }
            }
            """,
            [
                "3:29: authentication.1.password_hash_algorithm.name: \"bcrypt\" is not allowed; allowed: plain, sha, sha256, sha512, pbkdf2"
            ]
        ),
        (
            """
            authentication {
              mechanism = password_based, backend = built_in_database, bootstrap_file = "u.csv"
              password_hash_algorithm { name = pbkdf2, mac_fun = sha256 }
            }
            """,
            [
                "3:29: authentication.1.password_hash_algorithm.iterations: is missing, and pbkdf2 needs it; allowed: a whole number from 1"
            ]
        ),
        (
            """
            authentication {
              mechanism = password_based, backend = built_in_database, bootstrap_file = "u.csv"
              password_hash_algorithm { name = sha256, iterations = 5 }
            }
            """,
            [
                "3:44: authentication.1.password_hash_algorithm.iterations: belongs to pbkdf2, which is not the algorithm"
            ]
        ),
        // Clusters
        (
            "cluster.engine = nats",
            [
                "1:1: cluster.servers: is missing, and engine = nats needs it; allowed: a list of at most 32 servers",
                "1:1: cluster.secret_file: is missing, and engine = nats needs it; allowed: the path of a file",
            ]
        ),
        (
            """
            cluster {
              engine = nats, name = "a b", servers = ["nats://u:hush@a", "tls://b"], secret_file = s
              cacertfile = c, password = p, relay.advertise = 5, dead_after = 1s
            }
            """,
            [
                "2:18: cluster.name: this name cannot be part of a subject of NATS; allowed: 1 to 32 letters",
                "2:32: cluster.servers: a server is written with a user, which would be shown; allowed: servers without users",
                "2:32: cluster.servers: some servers are spoken to by TLS and some are not; allowed: tls:// for all",
                "3:19: cluster.password: there is a password without a username; allowed: username beside it",
                "3:33: cluster.relay.advertise: other nodes cannot send to 5; allowed: an address and a port",
                "3:54: cluster.dead_after: \"1s\" is not allowed; allowed: a duration such as 15s",
            ]
        ),
        (
            "cluster { engine = nats, servers = \"nats://a,b\", secret_file = s, cacertfile = c }",
            [
                "1:67: cluster.cacertfile: no server is spoken to by TLS; allowed: cluster.servers with tls://"
            ]
        ),
        (
            """
            cluster {
              engine = nats, servers = ["tls://a"], secret_file = s, certfile = c
              username = u, password = p, password_file = p, token_file = t, nkey_file = n, credentials_file = c
            }
            """,
            [
                "2:58: cluster.certfile: there is a certfile without a keyfile; allowed: keyfile beside it",
                "3:31: cluster.password_file: there is a password already; allowed: password or password_file",
                "3:50: cluster.token_file: username says already who this cluster is; allowed: one of them",
                "3:66: cluster.nkey_file: username says already who this cluster is; allowed: one of them",
                "3:81: cluster.credentials_file: username says already who this cluster is; allowed: one of them",
            ]
        ),
        (
            "cluster { engine = nats, servers = [\"http://a\"], secret_file = s }",
            [
                "1:26: cluster.servers: a list is not allowed; allowed: a list of at most 32 servers such as",
                "1:26: cluster.servers: is missing",
            ]
        ),
        (
            """
            cluster { engine = nats, servers = [a], secret_file = s, max_message = 1MB }
            mqtt.max_packet_size = 2MB
            node.number = 32
            listeners.quic.default.bind = 14568
            """,
            [
                "1:11: cluster.relay.bind: 14568 collides with 14568, the address of listeners.quic.default; allowed: ",
                "2:1: mqtt.max_packet_size: a packet of 2097152 octets is more than cluster.max_message, 1048576, and would not reach other nodes; allowed: at most",
                "3:1: node.number: 32 is not the number of a node of a cluster; allowed: a whole number from 0 to 31",
            ]
        ),
        (
            "cluster.discovery_strategy = k8s",
            [
                "1:1: cluster.discovery_strategy: k8s is for clusters, and this node is by itself; allowed: manual, singleton, or cluster.engine"
            ]
        ),
        ("allow_anonymous = 2", ["1:1: allow_anonymous: 2 is not allowed; allowed: true or false"]),
    ]

    @Test(arguments: wrong.map { ($0.text, $0.errors) })
    func isRefused(text: String, errors: [String]) {
        let found = problems(of: text)
        #expect(found.count == errors.count)
        for (problem, expected) in zip(found, errors) {
            #expect(problem.hasPrefix("martlet.conf:" + expected))
        }
    }

    @Test func noTwoMessagesAreAlike() {
        let messages = Self.wrong.flatMap { problems(of: $0.text) }
        #expect(Set(messages).count == messages.count)
        #expect(Self.wrong.count >= 20)
    }
}
