import BrokerConfiguration
import Foundation
import Testing

@testable import martlet

/// Keys of EMQX for what is not here. Files of its users are tried in `Tests/Outside/test_configuration.py`.
@Suite struct EMQXKeysTests {
    @Test func keysWithoutEffectAreCollected() throws {
        let loaded = try load(
            """
            node.cookie = hush
            listeners.quic.default { acceptors = 16, retry_memory_limit = 65, load_balancing_mode = 1 }
            listeners.tcp.default { tcp_options { backlog = 1024 }, zone = default, access_rules = ["allow all"] }
            mqtt.strict_mode = true
            """
        )
        #expect(
            loaded.keysWithoutEffect == [
                "node.cookie", "listeners.tcp.default.tcp_options", "listeners.quic.default.acceptors",
                "listeners.quic.default.load_balancing_mode", "listeners.quic.default.retry_memory_limit",
                "mqtt.strict_mode",
            ]
        )
        #expect(loaded.notices.isEmpty && !loaded.text.contains("hush"))
    }

    /// Where a key can mean one thing only, that may be said in any way.
    @Test func keysWithOneMeaningAreTakenInAnyWord() {
        let text = """
            listeners.tcp.default { enable_authn = yes, proxy_protocol = off, messages_rate = infinity, limiter {} }
            listeners.quic.default { migration_enabled = on, datagram_receive_enabled = no, enable_authn = [on] }
            listeners.quic.other { bind = 14568, migration_enabled = 1, datagram_receive_enabled = 0 }
            retainer { enable = on, backend.type = built_in_database, msg_expiry_interval = 0 }
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

    /// With an engine of its own a cluster is found by that.
    @Test func discoveryIsTheEngines() {
        let engine = "cluster { engine = nats, servers = [a], secret_file = s }"
        #expect(problems(of: engine + "\ncluster.discovery_strategy = dns").isEmpty)
        #expect(problems(of: "cluster { name = \"any name\", discovery_strategy = singleton, dns.name = x }").isEmpty)
    }

    /// The value that the reference names first is accepted, for every such key.
    @Test func valuesOfTheReferenceAreAccepted() {
        for key in ServerSettings.section.describe(ServerSettings()) where key.kind == .fixed {
            let value = key.byDefault.hasPrefix("allow ") ? "[\"\(key.byDefault)\"]" : key.byDefault
            let text = key.key.replacing("NAME", with: "default") + " = " + value
            #expect(problems(of: text).isEmpty, "\(text)")
        }
    }
}
