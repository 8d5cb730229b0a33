import BrokerConfiguration
import MQTTBroker
import MQTTCodec
import NIOCore
import Testing

@testable import martlet

@Suite struct MQTTKeysTests {
    private static func limits(_ text: String) throws -> Limits { try load(text).configuration.limits }

    /// Reference: EMQX 5 and 6, `emqx_schema.erl`, `mqtt_general` and `mqtt_session`.
    @Test func defaultsAreEMQXs() throws {
        let printed = Set(try load("").values.split(separator: "\n").map(String.init))
        for line in [
            "idle_timeout = \"15s\"", "max_packet_size = \"1MB\"", "max_clientid_len = 65535", "max_topic_levels = 128",
            "max_topic_alias = 65535", "max_qos_allowed = 2", "retain_available = true", "wildcard_subscription = true",
            "server_keepalive = disabled", "keepalive_multiplier = 1.5", "session_expiry_interval = \"2h\"",
            "max_inflight = 32", "max_mqueue_len = 1000", "mqueue_store_qos0 = true", "max_awaiting_rel = 100",
            "max_subscriptions = infinity", "peer_cert_as_username = disabled", "peer_cert_as_clientid = disabled",
        ] {
            #expect(printed.contains("mqtt." + line), "\(line)")
        }
        #expect(printed.contains("retainer.max_payload_size = \"1MB\""))
        #expect(printed.contains("retainer.backend.max_retained_messages = 0"))
    }

    /// Where EMQX means "no limit" by 0: `emqx_mqueue.erl`, `emqx_retainer_publisher.erl`, `emqx_retainer_mnesia.erl`.
    @Test func zeroMeansNoLimit() throws {
        let limits = try Self.limits(
            "mqtt.max_mqueue_len = 0\nretainer { max_payload_size = 0, backend.max_retained_messages = 0 }"
        )
        #expect(limits.maximumQueueLength == .max && limits.maximumQueueBytes == 16 << 20)
        #expect(limits.maximumRetainedPayload == .max && limits.maximumRetainedMessages == .max)
        #expect(try Self.limits("retainer.max_payload_size = 0B").maximumRetainedPayload == .max)
        #expect(try Self.limits("mqtt.max_mqueue_bytes = 0").maximumQueueBytes == .max)
        #expect(try Self.limits("mqtt.max_topic_alias = 0").maximumTopicAlias == 0)
        #expect(try Self.limits("mqtt.session_expiry_interval = 0").sessionExpiryInterval == 0)
        // EMQX refuses all messages of QoS 2 then, which `max_qos_allowed` says better.
        #expect(problems(of: "mqtt.max_awaiting_rel = 0").count == 1)
    }

    @Test func infinityMeansNoLimit() throws {
        let limits = try Self.limits(
            """
            mqtt { idle_timeout = infinity, max_session_expiry_interval = infinity, max_mqueue_len = infinity }
            mqtt { max_mqueue_bytes = infinity, max_awaiting_rel = infinity, max_subscriptions = infinity }
            """
        )
        #expect(limits.connectTimeout >= .hours(24 * 365) && limits.maximumSessionExpiryInterval == .max)
        #expect(limits.maximumQueueLength == .max && limits.maximumQueueBytes == .max)
        #expect(limits.maximumAwaitingRelease == .max && limits.maximumSubscriptions == .max)
    }

    @Test func largestPacketIsThatOfMQTT() throws {
        #expect(try Self.limits("mqtt.max_packet_size = 256MB").maximumPacketSize == 268_435_455)
        #expect(try Self.limits("mqtt.max_packet_size = 268435455").maximumPacketSize == 268_435_455)
        #expect(problems(of: "mqtt.max_packet_size = 257MB").count == 1)
        #expect(problems(of: "mqtt.max_packet_size = 0").count == 1)
    }

    @Test func valuesReachTheLimits() throws {
        let limits = try Self.limits(
            """
            mqtt {
              idle_timeout = 3s, max_qos_allowed = 1, server_keepalive = 60, keepalive_multiplier = 2
              session_expiry_interval = 1h30m, max_session_expiry_interval = 1d, peer_cert_as_username = cn
              peer_cert_as_clientid = dn, max_awaiting_rel = 7, max_topic_alias = 5
            }
            """
        )
        #expect(limits.connectTimeout == .seconds(3) && limits.maximumQoS == .atLeastOnce)
        #expect(limits.serverKeepAlive == 60 && limits.keepAliveMultiplier == 2)
        #expect(limits.sessionExpiryInterval == 5400 && limits.maximumSessionExpiryInterval == 86_400)
        #expect(limits.certificateAsUserName == .commonName && limits.certificateAsClientIdentifier == .subject)
        #expect(limits.maximumAwaitingRelease == 7 && limits.maximumTopicAlias == 5)
    }

    /// All limits of clients, and the level of the log, may change while the broker runs; whatever makes sockets, threads or keys may not.
    @Test func limitsAreLive() {
        for key in ServerSettings.section.describe(ServerSettings()) {
            guard case .value(let change) = key.kind else { continue }
            let isLimit = key.key.hasPrefix("mqtt.") || key.key.hasPrefix("retainer.")
            #expect((change == .live) == (isLimit || key.key == "log.console.level"), "\(key.key)")
        }
    }
}
