import BrokerAdmin
import BrokerCluster
import BrokerConfiguration
import Logging
import MQTTBroker
import MQTTCodec
import NIOCore
import Testing

@testable import martlet

@Suite struct RuntimeLayerTests {
    private static func records(_ values: KeyValuePairs<String, String>) -> [MetaRecord] {
        values.enumerated().map { index, pair in
            MetaRecord(
                key: MetaKey(.configuration, pair.key),
                value: ByteBuffer(string: pair.value),
                revision: UInt64(index + 1)
            )
        }
    }

    private static func layer(
        _ text: String? = "",
        environment: [String: String] = [:],
        settings: [String: String] = [:]
    ) throws -> RuntimeLayer {
        RuntimeLayer(try load(text, environment: environment, settings: settings))
    }

    @Test("What is set at run time goes before defaults, and after file, environment and command line")
    func precedence() throws {
        let records = Self.records([
            "mqtt.max_inflight": "7", "mqtt.max_qos_allowed": "1", "mqtt.max_topic_levels": "9",
            "retainer.max_payload_size": "2MB", "log.console.level": "debug",
        ])
        let layer = try Self.layer(
            "mqtt { max_qos_allowed = 0 }",
            environment: ["MARTLET_MQTT__MAX_TOPIC_LEVELS": "5"],
            settings: ["retainer.max_payload_size": "1KB"]
        )
        let inForce = layer.inForce(records)
        let limits = inForce.loaded.configuration.limits
        #expect(limits.maximumInflight == 7 && limits.maximumQoS == .atMostOnce && limits.maximumTopicLevels == 5)
        #expect(limits.maximumRetainedPayload == 1024)
        #expect(inForce.loaded.configuration.logLevel == .debug)
        #expect(
            inForce.overridden == [
                "mqtt.max_qos_allowed": "martlet.conf:1", "mqtt.max_topic_levels": "MARTLET_MQTT__MAX_TOPIC_LEVELS",
                "retainer.max_payload_size": "--set retainer.max_payload_size",
            ]
        )
        #expect(inForce.passedOver.isEmpty)
        #expect(layer.inForce([]).loaded.configuration.limits.maximumInflight == 32)
    }

    @Test("Records that this version cannot use are passed over, and the others hold")
    func passedOver() throws {
        let octets = MetaRecord(
            key: MetaKey(.configuration, "mqtt.max_topic_alias"),
            value: ByteBuffer(bytes: [0xFF]),
            revision: 9
        )
        let inForce = try Self.layer("cluster.max_message = 1MB").inForce(
            Self.records([
                "mqtt.max_inflight": "7", "mqtt.weather": "1", "node.loops": "3", "mqtt.max_qos_allowed": "3",
                "a\"b": "1", "": "1", "mqtt.max_topic_levels": "{",
            ]) + [octets]
        )
        #expect(inForce.loaded.configuration.limits.maximumInflight == 7)
        #expect(inForce.loaded.configuration.node.loops == nil)
        #expect(
            Set(inForce.passedOver.keys) == [
                "mqtt.weather", "node.loops", "mqtt.max_qos_allowed", "a\"b", "", "mqtt.max_topic_alias",
                "mqtt.max_topic_levels",
            ]
        )
        #expect(
            inForce.passedOver["mqtt.max_qos_allowed"]
                == "mqtt.max_qos_allowed: 3 is not allowed; allowed: a whole number from 0 to 2"
        )
    }

    @Test("A value that does not go with what the node states is passed over there, and refused")
    func doesNotFit() throws {
        let layer = try Self.layer(
            "cluster { engine = nats, servers = [\"nats://a\"], secret_file = s, max_message = 1MB }"
        )
        #expect(
            layer.inForce(Self.records(["mqtt.max_packet_size": "2MB"])).loaded.configuration.limits.maximumPacketSize
                == 1 << 20
        )
        let change = RuntimeKeyChange(key: "mqtt.max_packet_size", value: "2MB")
        #expect {
            try layer.text(for: change, [])
        } throws: { error in
            (error as? RuntimeKeyRefusal)?.message.contains("is more than cluster.max_message") == true
        }
    }

    /// A change, and the beginning of what is answered.
    struct Case: Sendable {
        let key: String
        let value: String?
        let code: RuntimeKeyRefusal.Code
        let message: String
    }

    @Test(
        "What is wrong is refused with a sentence",
        arguments: [
            Case(
                key: "mqtt.max_inflight",
                value: "0",
                code: .badRequest,
                message: "mqtt.max_inflight: 0 is not allowed; allowed: a whole number from 1 to 65535"
            ),
            Case(
                key: "mqtt.max_inflight",
                value: "{a = 1}",
                code: .badRequest,
                message: "mqtt.max_inflight: an object is not allowed"
            ),
            Case(key: "mqtt.max_inflight", value: "{", code: .badRequest, message: "this '{' has no closing '}'"),
            Case(
                key: "mqtt.max_infligt",
                value: "1",
                code: .badRequest,
                message: "mqtt.max_infligt: there is no such key, did you mean max_inflight?"
            ),
            Case(key: "weather", value: "1", code: .badRequest, message: "weather: there is no such key"),
            Case(key: "", value: "1", code: .badRequest, message: "expected a key"),
            Case(
                key: "mqtt",
                value: "1",
                code: .badRequest,
                message: "mqtt is an object; set one of its keys, such as mqtt.idle_timeout"
            ),
            Case(
                key: "node.loops",
                value: "2",
                code: .badRequest,
                message: "node.loops takes effect when a broker starts"
            ),
            Case(
                key: "listeners.quic.default.bind",
                value: "1",
                code: .badRequest,
                message: "listeners.quic.default.bind takes effect when"
            ),
            Case(
                key: "cluster.password",
                value: "open sesame",
                code: .badRequest,
                message: "cluster.password takes effect when"
            ),
            Case(
                key: "log.console_handler.level",
                value: "info",
                code: .badRequest,
                message: "log.console_handler.level is another name of log.console.level"
            ),
            Case(
                key: "mqtt.max_qos_allowed",
                value: "1",
                code: .conflict,
                message: "mqtt.max_qos_allowed is stated by this node (martlet.conf:1), which goes before"
            ),
            Case(
                key: "mqtt.max_topic_levels",
                value: "1",
                code: .conflict,
                message: "mqtt.max_topic_levels is null in this node's file"
            ),
            Case(
                key: "mqtt.max_inflight",
                value: nil,
                code: .badRequest,
                message: "mqtt.max_inflight is not set at run time"
            ),
            Case(
                key: "node.loops",
                value: nil,
                code: .badRequest,
                message: "node.loops takes effect when a broker starts"
            ),
        ]
    )
    func refused(test: Case) throws {
        let layer = try Self.layer("mqtt { max_qos_allowed = 0, max_topic_levels = null }")
        #expect {
            try layer.text(for: RuntimeKeyChange(key: test.key, value: test.value), [])
        } throws: { error in
            guard let refusal = error as? RuntimeKeyRefusal else { return false }
            return refusal.code == test.code && refusal.message.hasPrefix(test.message)
                && !refusal.message.contains("sesame")
        }
    }

    @Test("A value is kept in the form in which it is shown, and what nobody knows any more can be unset")
    func kept() throws {
        let layer = try Self.layer()
        for (value, kept) in ["1024KB": "1MB", "\"2MB\"": "2MB", " 256MB ": "268435455B"] {
            #expect(try layer.text(for: RuntimeKeyChange(key: "mqtt.max_packet_size", value: value), []) == kept)
        }
        let records = Self.records(["mqtt.weather": "1", "mqtt.max_qos_allowed": "7"])
        #expect(try layer.text(for: RuntimeKeyChange(key: "mqtt.weather", value: nil), records) == nil)
        #expect(try layer.text(for: RuntimeKeyChange(key: "mqtt.max_inflight", value: "3"), records) == "3")
    }

    @Test("Each key says what is in force and where that comes from, and no secret is one of them")
    func keys() throws {
        let layer = try Self.layer("mqtt { max_qos_allowed = 0 }\nnode.name = x")
        let keys = layer.keys(
            Self.records(["mqtt.max_inflight": "7", "mqtt.max_qos_allowed": "1", "mqtt.weather": "rain"])
        )
        func key(_ name: String) -> RuntimeKey? { keys.first { $0.key == name } }
        #expect(
            key("mqtt.max_inflight")
                == RuntimeKey(
                    key: "mqtt.max_inflight",
                    value: "7",
                    source: .runtime,
                    place: "set at run time",
                    record: .init(value: "7", revision: 1)
                )
        )
        #expect(
            key("mqtt.max_qos_allowed")
                == RuntimeKey(
                    key: "mqtt.max_qos_allowed",
                    value: "0",
                    source: .file,
                    place: "martlet.conf:1",
                    record: .init(value: "1", revision: 2)
                )
        )
        #expect(
            key("mqtt.max_topic_levels")
                == RuntimeKey(key: "mqtt.max_topic_levels", value: "128", source: .byDefault, place: "default")
        )
        #expect(key("mqtt.weather")?.source == .passedOver)
        #expect(keys.allSatisfy { $0.value != nil || $0.source == .passedOver })
        for name in keys.map(\.key) { #expect(!name.contains("password") && !name.contains("secret")) }
        #expect(
            RuntimeKeyPicture.table(Array(keys.suffix(2))) == """
                KEY                VALUE    FROM
                log.console.level  warning  default
                mqtt.weather       not set  passed over: this version has no such key that can be set at run time; set at run time to rain
                """
        )
        #expect(
            RuntimeKeyPicture.line(try #require(key("mqtt.max_qos_allowed")))
                == "mqtt.max_qos_allowed = 0  (martlet.conf:1, before 1 of run time)"
        )
    }
}
