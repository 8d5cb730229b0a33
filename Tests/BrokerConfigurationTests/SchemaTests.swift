import BrokerConfiguration
import Testing

@Suite struct SchemaTests {
    /// reference: EMQX 5 and 6, `emqx_schema.erl`, `mqtt_general` and `mqtt_session`.
    @Test func defaultsAreEMQXs() {
        let mqtt = MQTTConfiguration()
        #expect(mqtt.idleTimeout == .seconds(15))
        #expect(mqtt.maximumPacketSize == 1_048_576)
        #expect(mqtt.maximumClientIdentifierLength == 65_535)
        #expect(mqtt.maximumTopicLevels == 128)
        #expect(mqtt.maximumTopicAlias == 65_535)
        #expect(mqtt.maximumQualityOfService == 2)
        #expect(mqtt.keepAliveMultiplier == 1.5)
        #expect(mqtt.sessionExpiryInterval == .seconds(7200))
        #expect(mqtt.maximumInflight == 32)
        #expect(mqtt.maximumQueueLength == 1000)
        #expect(mqtt.maximumAwaitingRelease == 100)
        #expect(mqtt.serverKeepAlive == nil && mqtt.maximumSubscriptions == nil)
        let quic = QUICListenerConfiguration()
        #expect(quic.idleTimeout == .zero && quic.handshakeIdleTimeout == .seconds(10))
        #expect(quic.peerBidirectionalStreams == 10 && quic.peerUnidirectionalStreams == 1)
        #expect(quic.streamReceiveWindow == 65_536 && quic.connectionFlowControlWindow == 16_777_216)
        #expect(quic.initialRoundTrip == .milliseconds(333) && quic.maximumAcknowledgementDelay == .milliseconds(25))
    }

    @Test(arguments: [
        ("15s", 15_000), ("100ms", 100), ("1h30m", 5_400_000), ("1.5s", 1500), ("2000", 2000), ("1m30s", 90_000),
        ("\"15 s\"", 15_000), ("1H", 3_600_000), ("1d", 86_400_000),
    ])
    func durations(text: String, milliseconds: Int) throws {
        let mqtt = try load("mqtt.idle_timeout = \(text)").configuration.mqtt
        #expect(mqtt.idleTimeout == .milliseconds(milliseconds))
    }

    @Test(arguments: ["1x", "s", "-5s", "1h30", ".", "1..5s", "9e99d", "99999999999999999999999d", "\"\"", "٣s"])
    func wrongDurations(text: String) {
        #expect(problems(of: "mqtt.session_expiry_interval = \(text)").count == 1)
    }

    @Test(arguments: [
        ("1MB", 1_048_576), ("1MiB", 1_048_576), ("512kb", 524_288), ("1.5K", 1536), ("100B", 100), ("100", 100),
        ("\"2 MB\"", 2_097_152),
    ])
    func sizes(text: String, bytes: Int) throws {
        #expect(try load("mqtt.max_packet_size = \(text)").configuration.mqtt.maximumPacketSize == bytes)
    }

    @Test(arguments: ["0", "256MB", "1.5", "1.5B", "-1KB", "1ZB", "99999999999999999999GB", "9999999999999GB", "\"\""])
    func wrongSizes(text: String) {
        #expect(problems(of: "mqtt.max_packet_size = \(text)").count == 1)
    }

    @Test(arguments: [
        ("1883", BindAddress(host: nil, port: 1883)), ("\":1883\"", BindAddress(host: nil, port: 1883)),
        ("\"0.0.0.0:0\"", BindAddress(host: "0.0.0.0", port: 0)),
        ("\"[::]:1883\"", BindAddress(host: "::", port: 1883)),
        ("\"[2001:db8::1]:65535\"", BindAddress(host: "2001:db8::1", port: 65_535)),
    ])
    func binds(text: String, expected: BindAddress) throws {
        #expect(
            try load("listeners.tcp.default.bind = \(text)").configuration.listeners.tcp["default"]?.bind == expected
        )
    }

    @Test(arguments: [
        "\"::1883\"", "\"[::1]\"", "\"1.2.3:1883\"", "\"1.2.3.4:\"", "\"1.2.3.4:65536\"", "\"[1.2.3.4]:1\"", "-1",
        "\"+1\"",
        "\"host:1\"", "1.5", "true", "\"\"",
    ])
    func wrongBinds(text: String) {
        #expect(problems(of: "listeners.tcp.default.bind = \(text)").count == 1)
    }

    /// Whether two sockets of one protocol can be bound, on a host where `::` takes IPv4 too.
    @Test(arguments: [
        ("127.0.0.1", "127.0.0.1", true), ("127.0.0.1", "127.0.0.2", false), (nil, "127.0.0.1", true),
        (nil, "::1", true), (nil, nil, true), ("::", "10.0.0.1", true), ("::", "0.0.0.0", true),
        ("0.0.0.0", "10.0.0.1", true), ("0.0.0.0", "::1", false), ("0.0.0.0", "::ffff:10.0.0.1", true),
        ("::1", "0:0:0:0:0:0:0:1", true), ("::1", "::2", false), ("::ffff:127.0.0.1", "127.0.0.1", true),
        ("::1", "127.0.0.1", false),
    ])
    func bindsCollide(left: String?, right: String?, collide: Bool) {
        func text(_ host: String?) -> String { "\"\(BindAddress(host: host, port: 1884))\"" }
        for (left, right) in [(left, right), (right, left)] {
            let found = problems(
                of: "listeners.tcp.a.bind = \(text(left))\nlisteners.ssl.b.bind = \(text(right))"
            )
            #expect(found.count == (collide ? 1 : 0), "\(found)")
            #expect(found.allSatisfy { $0.contains("listeners.tcp.a") && $0.contains("listeners.ssl.b") })
        }
    }

    @Test func bindsDoNotCollideAcrossProtocolsNorOnPortZeroNorWhereOneIsOff() throws {
        for text in [
            "listeners.tcp.a.bind = 14567\nlisteners.quic.a.bind = 14567",
            "listeners.tcp.a.bind = 0\nlisteners.tcp.b.bind = 0",
            "listeners.tcp.default.enable = false\nlisteners.tcp.mqtt.bind = 1883",
            "listeners.tcp.default.bind = 1884\nlisteners.tcp.mqtt.bind = 1883",
        ] {
            #expect(problems(of: text).isEmpty, "\(text)")
        }
    }

    @Test func builtInQUICListenerIsNamedWhereItIsInTheWay() {
        #expect(
            problems(of: nil, settings: ["listeners.quic.edge.bind": "14567"]) == [
                "--set listeners.quic.edge.bind: listeners.quic.edge.bind: 14567 collides with 127.0.0.1:14567, the address of listeners.quic.default; allowed: an address and port that no other listener has, or listeners.quic.default.enable = false"
            ]
        )
    }

    @Test func loopbackIsKnown() {
        for (host, isLoopback) in [
            ("127.0.0.1", true), ("127.8.8.8", true), ("::1", true), ("::ffff:127.0.0.1", true), ("0.0.0.0", false),
            ("::", false), ("192.168.0.1", false), ("::127.0.0.1", false),
        ] {
            #expect(BindAddress(host: host, port: 1).isLoopback == isLoopback, "\(host)")
        }
        #expect(!BindAddress(host: nil, port: 1).isLoopback)
    }

    @Test func keysOfThePeerWithoutMeaningAreAcceptedAndMentioned() throws {
        let loaded = try load(
            """
            node.cookie = hush
            listeners.quic.default { acceptors = 16, retry_memory_limit = 65, load_balancing_mode = 1 }
            listeners.tcp.default { tcp_options { backlog = 1024 }, zone = default, access_rules = ["allow all"] }
            mqtt.strict_mode = true
            """
        )
        let notices = loaded.notices.map(\.description)
        #expect(notices.count == 6)
        #expect(
            notices.contains(
                "martlet.conf:2:26: listeners.quic.default.acceptors: has no meaning here: every event loop accepts connections"
            )
        )
        #expect(!notices.joined().contains("hush"))
        #expect(!loaded.text.contains("hush"))
    }

    /// Where a key can mean one thing only, that may be said in any way.
    @Test func keysWithOneMeaningAreTakenInAnyWord() {
        let text = """
            listeners.tcp.default { enable_authn = yes, proxy_protocol = off }
            listeners.quic.default { migration_enabled = on, datagram_receive_enabled = no, enable_authn = [on] }
            listeners.quic.other { bind = 14568, migration_enabled = 1, datagram_receive_enabled = 0 }
            retainer { enable = on, backend.type = built_in_database }
            log.console.enable = yes
            """
        #expect(problems(of: text).isEmpty)
        for wrong in [
            "listeners.tcp.default.proxy_protocol = on", "listeners.tcp.default.enable_authn = off",
            "listeners.tcp.default.zone = on", "listeners.tcp.default.mountpoint = off", "retainer.enable = maybe",
            "listeners.quic.default.migration_enabled = no",
        ] {
            #expect(problems(of: wrong).count == 1, "\(wrong)")
        }
    }

    @Test func anonymousClientsAreLetInUntilThereIsAuthentication() throws {
        let users = "authentication { mechanism = password_based, backend = built_in_database, bootstrap_file = u }\n"
        #expect(try load("").configuration.allowsAnonymous)
        #expect(try !load(users).configuration.allowsAnonymous)
        #expect(try load(users + "authentication.enable = false").configuration.allowsAnonymous)
        #expect(try load(users + "allow_anonymous = true").configuration.allowsAnonymous)
        #expect(try !load("allow_anonymous = false").configuration.allowsAnonymous)
    }

    @Test func warningOfStrangersNeedsAnOpenListener() throws {
        let open = "listeners.tcp.default.bind = 1883\n"
        #expect(try load(open).notices.count == 1)
        #expect(try load(open + "listeners.quic.default.bind = 14567").notices.count == 1)
        #expect(try load(open + "allow_anonymous = false").notices.isEmpty)
        #expect(try load("listeners.tcp.default.bind = \"127.0.0.1:1883\"").notices.isEmpty)
        let closed = "listeners.tcp.default { bind = 1883, enable = false }\nlisteners.quic.default.enable = true"
        #expect(try load(closed).notices.isEmpty)
    }

    @Test func nullMeansNotSet() throws {
        #expect(try load("mqtt.max_inflight = 5\nmqtt.max_inflight = null").configuration.mqtt.maximumInflight == 32)
        #expect(try load("listeners.tcp.default = null").configuration.listeners.tcp.count == 1)
    }

    @Test func ownFilesAreTaken() throws {
        let quic = try load(
            "listeners.quic.default { keyfile = \"k.pem\", ssl_options { keyfile = \"k.pem\", certfile = \"c.pem\" } }"
        ).configuration.listeners.quic["default"]
        #expect(quic?.certificate == .files(chain: "c.pem", key: "k.pem"))
        #expect(quic?.certificate.pair(fileExists: { _ in false }) == .files(chain: "c.pem", key: "k.pem"))
        #expect(CertificateSource.generated.pair(fileExists: { _ in true }) == .generated(warning: nil))
    }

    @Test func connectionIdentifiersAreEncryptedUnlessTheyMayNotBe() throws {
        let listener = QUICListenerConfiguration()
        #expect(listener.connectionID.mode == .encrypted && listener.connectionID.serverID == nil)
        #expect(listener.steersInKernel && listener.maximumTossedBytes == 4_194_304)
        let plain = try load("listeners.quic.default.connection_id.mode = plain")
        #expect(plain.configuration.listeners.quic["default"]?.connectionID.mode == .plain)
        #expect(plain.notices.map(\.description).contains { $0.contains("connection_id.mode") && $0.contains("clear") })
        let aws = try load("listeners.quic.default.connection_id { mode = aws, server_id = \"0x00ffee0123456789\" }")
        #expect(aws.configuration.listeners.quic["default"]?.connectionID.serverID == 0x00ff_ee01_2345_6789)
        #expect(aws.text.contains("0x00ffee0123456789"))
    }

    @Test(arguments: [
        "mode = aws, server_id = \"00ffee0123456789\"", "mode = aws, server_id = \"0x00ffee012345678\"",
        "mode = aws, server_id = \"0x00ffee01234567890\"", "mode = aws, server_id = \"0x00ffee012345678g\"",
        "mode = aws, server_id = \"0x+0ffee0123456789\"", "server_id = \"0x00ffee0123456789\"",
        "mode = plain, server_id = \"0x00ffee0123456789\"", "mode = random",
    ])
    func wrongConnectionIdentifiers(text: String) {
        #expect(problems(of: "listeners.quic.default.connection_id { \(text) }").count == 1)
    }

    @Test func retries() throws {
        let retry = RetryConfiguration()
        #expect(retry.mode == .underLoad && retry.load == 25 && retry.maximumRate == 10_000)
        #expect(retry.tokenLifetime == .seconds(10) && retry.newTokenLifetime == .seconds(86_400))
        let given = try load(
            "listeners.quic.default.retry { mode = always, load = 0, token_lifetime = 3s, new_token_lifetime = 0, max_rate = 1 }"
        ).configuration.listeners.quic["default"]?.retry
        #expect(given?.mode == .always && given?.load == 0 && given?.maximumRate == 1)
        #expect(given?.tokenLifetime == .seconds(3) && given?.newTokenLifetime == .zero)
        for wrong in ["mode = sometimes", "load = 101", "load = -1", "token_lifetime = 0", "new_token_lifetime = 31d"] {
            #expect(problems(of: "listeners.quic.default.retry { \(wrong) }").count == 1, "\(wrong)")
        }
    }

    /// Nodes that share a secret and a number would deny each other's connections.
    @Test func sharedSecretsNeedANumber() throws {
        #expect(problems(of: "node.secret_file = \"s\"").count == 1)
        #expect(problems(of: "node { secret_file = \"s\", number = 65536 }").count >= 1)
        let node = try load("node { secret_file = \"s\", number = 0, secret_rotation = 6 }").configuration.node
        #expect(node.number == 0 && node.secretFile == "s" && node.secretRotation == 6)
        #expect(try load("node.number = 65535").configuration.node.number == 65_535)
        #expect(try load("").configuration.node.number == nil)
    }

    @Test func secretsHaveRotationsOfTheirOwn() throws {
        let others = "other_secrets = [{ rotation = 1, file = a }, { rotation = 2, file = b }]"
        let node = try load("node { \(others) }").configuration.node
        #expect(node.otherSecrets.map(\.rotation) == [1, 2] && node.otherSecrets.map(\.file) == ["a", "b"])
        #expect(problems(of: "node { secret_rotation = 1, \(others) }").count == 1)
        #expect(
            problems(of: "node.other_secrets = [{ rotation = 1, file = a }, { rotation = 1, file = b }]").count == 1
        )
        #expect(problems(of: "node.other_secrets = [{ rotation = 7, file = a }]").count >= 1)
        #expect(problems(of: "node.other_secrets = [{ file = a }]").count >= 1)
        #expect(problems(of: "node.secret_rotation = 7").count == 1)
    }
}
