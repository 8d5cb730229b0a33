import BrokerConfiguration
import Testing

@testable import martlet

@Suite struct ListenersSettingsTests {
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
}
