import BrokerConfiguration
import Testing

@testable import martlet

/// The block of the document that this project was founded on, to the letter.
@Suite struct SeedTests {
    static let block = """
        listeners.quic.default {
          enabled = true 
          bind = "0.0.0.0:14567"
          max_connections = 1024000
          keyfile = "/opt/emqx/etc/certs/key.pem"
          certfile = "/opt/emqx/etc/certs/cert.pem"
        }

        """

    @Test func blockIsRead() throws {
        let loaded = try load(Self.block)
        let quic = try #require(loaded.configuration.listeners.quic["default"])
        #expect(loaded.configuration.listeners.quic.count == 1)
        #expect(quic.isEnabled)
        #expect(quic.bind == BindAddress(host: "0.0.0.0", port: 14567))
        #expect(quic.maximumConnections == 1_024_000)
        #expect(quic.options.certificate.chainFile == "/opt/emqx/etc/certs/cert.pem")
        #expect(loaded.origin(of: "listeners.quic.default.bind").place == "martlet.conf:3")
    }

    @Test func tcpListenerIsThereAsInEMQXButOnLoopback() throws {
        let tcp = try load(Self.block).configuration.listeners.tcp
        #expect(tcp.count == 1 && tcp["default"]?.isEnabled == true)
        #expect(tcp["default"]?.bind == BindAddress(host: "127.0.0.1", port: 1883))
    }

    @Test func openListenerIsMentionedOnce() throws {
        let notices = try load(Self.block).notices.map(\.description)
        #expect(notices.count == 1)
        #expect(notices.first?.contains("listeners.quic.default") == true)
    }

    @Test func withoutFileBothListenersAreOnLoopback() throws {
        let loaded = try load(nil)
        #expect(loaded.configuration.listeners.tcp["default"]?.bind.description == "127.0.0.1:1883")
        #expect(loaded.configuration.listeners.quic["default"]?.bind.description == "127.0.0.1:14567")
        #expect(loaded.notices.isEmpty)
    }
}
