import NATSClient
import Testing

@testable import martlet

@Suite struct NATSServerURLTests {
    @Test(
        "A server has a host, perhaps a port, and perhaps a scheme",
        arguments: [
            ("nats://10.0.0.1:4223", "10.0.0.1", 4_223, false), ("tls://nats-0.nats:1", "nats-0.nats", 1, true),
            ("NATS://a", "a", 4_222, false), ("a", "a", 4_222, false), ("nats://[::1]:9", "::1", 9, false),
            ("tls://[fd00::1]", "fd00::1", 4_222, true), ("nats://a/", "a", 4_222, false),
        ] as [(String, String, Int, Bool)]
    )
    func reads(text: String, host: String, port: Int, isTLS: Bool) throws {
        let server = try #require(NATSServerURL(text))
        #expect(server.address.host == host && server.address.port == port && server.isTLS == isTLS)
        #expect(!server.hasUser)
        #expect(NATSServerURL(server.text) == server)
    }

    @Test(
        "Anything else is no server",
        arguments: [
            "", "nats://", "http://a", "ws://a:80", "nats://a:0", "nats://a:65536", "nats://a:+1", "nats://a b",
            "a:b:c",
            "nats://[::1", "nats://[::1]x", "nats://::1", "nats://a/b", "nats://:4222",
        ]
    )
    func refuses(text: String) { #expect(NATSServerURL(text) == nil) }

    @Test("A user before the host is dropped and noticed")
    func user() throws {
        let server = try #require(NATSServerURL("nats://me:hush@a:1"))
        #expect(server.hasUser && server.text == "nats://a:1")
    }
}
