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
            node.cookie = secret
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
        #expect(!notices.joined().contains("secret"))
        #expect(!loaded.text.contains("secret"))
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
}
