import BrokerConfiguration
import NIOCore
import QUICTransport
import Testing

@testable import martlet

@Suite struct QUICListenerOptionsTests {
    private static func options(_ text: String) throws -> QUICListenerOptions {
        let loaded = try load("listeners.quic.default { \(text) }")
        return try #require(loaded.configuration.listeners.quic["default"]).options
    }

    /// Reference: EMQX 5 and 6, `emqx_listeners.erl` and the settings of msquic.
    @Test func defaultsAreEMQXs() throws {
        let transport = QUICListenerOptions().transport
        #expect(transport.common.idleTimeout == nil && transport.common.handshakeTimeout == .seconds(10))
        #expect(transport.common.bidirectionalStreams == 10 && transport.common.unidirectionalStreams == 1)
        #expect(transport.common.streamReceiveWindow == 65_536)
        #expect(transport.common.connectionReceiveWindow == 16_777_216)
        #expect(transport.common.initialRoundTripTime == .milliseconds(333))
        #expect(transport.common.maximumAcknowledgementDelay == .milliseconds(25))
        let printed = try load("listeners.quic.default.bind = 14567").values
        for line in ["maximum_mtu = 1500", "idle_timeout_ms = 0", "retry.load = 25", "fold_delay = 15000"] {
            #expect(printed.contains("listeners.quic.default.\(line)"), "\(line)")
        }
    }

    @Test func valuesReachTheTransport() throws {
        let options = try Self.options(
            """
            idle_timeout = 30s, keep_alive_interval_ms = 0, fold_delay = 0, maximum_mtu = 9000, congestion_control = bbr
            retry { mode = always, load = 50 }, udp_options.batch = 8, max_handshakes = 10, early_data = off
            ciphers = "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256"
            """
        )
        let transport = options.transport
        #expect(transport.common.idleTimeout == .seconds(30) && transport.common.keepAliveInterval == nil)
        #expect(transport.common.foldDelay == nil && transport.common.maximumUDPPayload == 8952)
        #expect(transport.common.congestionController == .bbr && transport.retry.mode == .always)
        #expect(transport.retry.load == 0.5 && transport.socket.messagesPerCall == 8)
        #expect(transport.maximumHandshakes == 10 && options.earlyData == nil && !options.takesEarlyData)
        #expect(transport.ciphers == [.chacha20Poly1305, .aes128GCM])
    }

    @Test func connectionIdentifiersAreEncryptedUnlessToldOtherwise() throws {
        let options = QUICListenerOptions()
        #expect(options.identifiers == .encrypted && options.serverID == nil)
        #expect(options.transport.steersInKernel && options.transport.maximumTossedBytes == 4_194_304)
        let plain = try load("listeners.quic.default.connection_id.mode = plain")
        #expect(plain.configuration.listeners.quic["default"]?.options.identifiers == .plain)
        #expect(plain.notices.map(\.description).contains { $0.contains("connection_id.mode") && $0.contains("clear") })
        let aws = try load("listeners.quic.default.connection_id { mode = aws, server_id = \"0x00ffee0123456789\" }")
        #expect(aws.configuration.listeners.quic["default"]?.options.serverID == 0x00ff_ee01_2345_6789)
        #expect(aws.text.contains("0x00ffee0123456789"))
    }

    @Test(arguments: [
        "mode = aws, server_id = \"00ffee0123456789\"", "server_id = \"0x00ffee0123456789\"",
        "mode = plain, server_id = \"0x00ffee0123456789\"", "mode = random",
    ])
    func wrongConnectionIdentifiers(text: String) {
        #expect(problems(of: "listeners.quic.default.connection_id { \(text) }").count == 1)
    }

    @Test func retries() throws {
        let retry = try Self.options(
            "retry { mode = always, load = 0, token_lifetime = 3s, new_token_lifetime = 0, max_rate = 1 }"
        ).transport.retry
        #expect(retry.load == 0 && retry.retriesPerSecond == 1)
        #expect(retry.tokenLifetime == .seconds(3) && retry.newTokenLifetime == .zero)
        for wrong in ["mode = sometimes", "load = 101", "load = -1", "token_lifetime = 0", "new_token_lifetime = 31d"] {
            #expect(problems(of: "listeners.quic.default.retry { \(wrong) }").count == 1, "\(wrong)")
        }
    }

    @Test(
        arguments: [
            ("\"192.0.2.1:30001\"", "192.0.2.1", nil), ("\"[2001:db8::1]:30001\"", nil, "2001:db8::1"),
            ("[\"[2001:db8::1]:30001\", \"192.0.2.1:30001\"]", "192.0.2.1", "2001:db8::1"),
            ("\"192.0.2.1:30001, [2001:db8::1]:30001\"", "192.0.2.1", "2001:db8::1"),
        ] as [(String, String?, String?)]
    )
    func preferredAddress(text: String, v4: String?, v6: String?) throws {
        let loaded = try load("listeners.quic.default.preferred_address = \(text)")
        let read = loaded.configuration.listeners.quic["default"]?.options.transport.preferredAddress
        #expect(read?.v4?.ipAddress == v4 && read?.v6?.ipAddress == v6)
        #expect([read?.v4?.port, read?.v6?.port].allSatisfy { $0 == nil || $0 == 30_001 })
        #expect(try load(loaded.text).values == loaded.values)
    }

    @Test(arguments: [
        "\"192.0.2.1\"", "30001", "\"0.0.0.0:30001\"", "\"192.0.2.1:0\"", "\"[fe80::1]:30001\"", "\"224.0.0.1:30001\"",
        "\"[::ffff:192.0.2.1]:30001\"", "[\"192.0.2.1:30001\", \"192.0.2.2:30001\"]", "[]", "\"node:30001\"", "\"\"",
    ])
    func wrongPreferredAddress(text: String) {
        #expect(problems(of: "listeners.quic.default.preferred_address = \(text)").count == 1)
    }

    /// The keys on the listener, which are the older ones, and those of `ssl_options`.
    @Test func laterSourcesWinOverOptionsOfTLS() throws {
        let key = "listeners.quic.default."
        let loaded = try load(
            key + "ssl_options { certfile = a, keyfile = b, ciphers = TLS_AES_128_GCM_SHA256 }",
            settings: [key + "keyfile": "d", key + "ciphers": "TLS_AES_256_GCM_SHA384"]
        )
        let options = loaded.configuration.listeners.quic["default"]?.options
        #expect(options?.certificate.chainFile == "a" && options?.certificate.keyFile == "d")
        #expect(options?.transport.ciphers == [.aes256GCM])
        #expect(try load(loaded.text).values == loaded.values)
    }
}
