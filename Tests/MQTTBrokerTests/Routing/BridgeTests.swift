import MQTTCodec
import NIOCore
import Testing

@testable import MQTTBroker

/// Bridges of mosquitto name themselves by the high bit of the protocol level (0x83, 0x84) and expect what MQTT 5.0 calls
/// Retain As Published and No Local.
@Suite struct BridgeTests {
    private func bridge(of broker: SimulatedBroker, version: ProtocolVersion) -> SimulatedClient {
        let client = broker.open(version: version)
        var connect = Connect(version: version, clientIdentifier: "bridge")
        connect.isBridge = true
        client.send(.connect(connect))
        client.subscribe("#", qos: .atLeastOnce)
        return client
    }

    @Test("A bridge gets RETAIN as it was published", arguments: [ProtocolVersion.v3_1, .v3_1_1])
    func retainAsPublished(_ version: ProtocolVersion) {
        let broker = SimulatedBroker()
        let bridge = bridge(of: broker, version: version)
        let ordinary = broker.connect("ordinary", version: version)
        ordinary.subscribe("#")
        let publisher = broker.connect("p", version: .v5)
        publisher.publish("a", "kept", retain: true)
        publisher.publish("a", "passing")
        #expect(bridge.takePublishes().map(\.retain) == [true, false])
        #expect(ordinary.takePublishes().map(\.retain) == [false, false])
    }

    @Test("A bridge does not get its own messages back", arguments: [ProtocolVersion.v3_1, .v3_1_1])
    func noLocal(_ version: ProtocolVersion) {
        let broker = SimulatedBroker()
        let bridge = bridge(of: broker, version: version)
        let ordinary = broker.connect("ordinary", version: version)
        ordinary.subscribe("#")
        bridge.publish("a", "of the bridge")
        ordinary.publish("a", "of another")
        #expect(bridge.takePayloads() == ["of another"])
        #expect(ordinary.takePayloads() == ["of the bridge", "of another"])
    }
}
