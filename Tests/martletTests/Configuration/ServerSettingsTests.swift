import BrokerConfiguration
import Logging
import SecretFixture
import Testing

@testable import martlet

@Suite struct ServerSettingsTests {
    @Test func anonymousClientsAreAdmittedUntilThereIsAuthentication() throws {
        let users = "authentication { mechanism = password_based, backend = built_in_database, bootstrap_file = u }\n"
        #expect(try load("").configuration.allowsAnonymous)
        #expect(try !load(users).configuration.allowsAnonymous)
        #expect(try load(users + "authentication.enable = false").configuration.allowsAnonymous)
        #expect(try load(users + "authentication.1.enable = false").configuration.allowsAnonymous)
        #expect(try load(users + "allow_anonymous = true").configuration.allowsAnonymous)
        #expect(try !load("allow_anonymous = false").configuration.allowsAnonymous)
    }

    @Test func warningOfAnonymousClientsNeedsAnOpenListener() throws {
        let open = "listeners.tcp.default.bind = 1883\n"
        #expect(try load(open).notices.count == 1)
        #expect(try load(open + "listeners.quic.default.bind = 14567").notices.count == 1)
        #expect(try load(open + "allow_anonymous = false").notices.isEmpty)
        #expect(try load("listeners.tcp.default.bind = \"127.0.0.1:1883\"").notices.isEmpty)
        let closed = "listeners.tcp.default { bind = 1883, enable = false }\nlisteners.quic.default.enable = true"
        #expect(try load(closed).notices.isEmpty)
    }

    @Test func levelsAreThoseOfTheLog() throws {
        for (text, level) in [
            ("debug", Logger.Level.debug), ("all", .debug), ("notice", .notice), ("alert", .critical),
            ("emergency", .critical),
        ] {
            #expect(try load("log.console.level = \(text)").configuration.logLevel == level)
        }
        #expect(try load("log.console_handler.level = info").configuration.logLevel == .info)
        #expect(try load("").configuration.logLevel == .warning)
    }

    @Test func noDescriptionShowsASecret() throws {
        let password = "certfile = c, keyfile = k, password = \"\(Marker.text)\""
        let loaded = try load(
            "listeners.ssl.default.ssl_options { \(password) }\nlisteners.quic.default.ssl_options { \(password) }",
            settings: ["listeners.ssl.other.ssl_options.password": Marker.text, "listeners.ssl.other.bind": "1"]
        )
        #expect(loaded.configuration.listeners.tls["other"]?.options.password == Marker.text)
        #expect(!Marker.isShown(by: loaded) && !Marker.isShown(by: loaded.configuration))
        #expect(!Marker.isIn(loaded.text) && loaded.text.contains("password is hidden"))
        #expect(Marker.descriptions(of: loaded).contains { $0.contains("keyFile") }, "the rest is shown")
    }
}
