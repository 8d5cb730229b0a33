import BrokerConfiguration
import Testing

@Suite struct BindAddressTests {
    @Test(arguments: [
        ("1883", BindAddress(host: nil, port: 1883)), (":1883", BindAddress(host: nil, port: 1883)),
        ("0.0.0.0:0", BindAddress(host: "0.0.0.0", port: 0)), ("[::]:1883", BindAddress(host: "::", port: 1883)),
        ("[2001:db8::1]:65535", BindAddress(host: "2001:db8::1", port: 65_535)),
        (":::1883", BindAddress(host: "::", port: 1883)), ("::1:1883", BindAddress(host: "::1", port: 1883)),
        (" 127.0.0.1 : 1883 ", BindAddress(host: "127.0.0.1", port: 1883)),
        ("[ :: ]: 1883", BindAddress(host: "::", port: 1883)),
    ])
    func isRead(text: String, expected: BindAddress) {
        #expect(BindAddress(text) == expected)
        #expect(BindAddress(expected.description) == expected)
    }

    @Test(arguments: [
        "::1883", "[::1]", "1.2.3:1883", "1.2.3.4:", "1.2.3.4:65536", "[1.2.3.4]:1", "-1", "+1", "host:1", "1.5",
        "true", "",
        "[::1883", "::]:1883", " ", "2001:db8:1883",
    ])
    func isRefused(text: String) { #expect(BindAddress(text) == nil) }

    @Test func loopbackIsKnown() {
        for (host, isLoopback) in [
            ("127.0.0.1", true), ("127.8.8.8", true), ("::1", true), ("::ffff:127.0.0.1", true), ("0.0.0.0", false),
            ("::", false), ("192.168.0.1", false), ("::127.0.0.1", false),
        ] {
            #expect(BindAddress(host: host, port: 1).isLoopback == isLoopback, "\(host)")
        }
        #expect(!BindAddress(host: nil, port: 1).isLoopback)
    }
}
