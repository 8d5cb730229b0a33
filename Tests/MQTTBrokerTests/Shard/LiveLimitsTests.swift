import MQTTCodec
import NIOCore
import Testing

@testable import MQTTBroker

/// Limits that change while clients are connected.
@Suite struct LiveLimitsTests {
    private static var narrow: SharedLimits {
        var limits = Limits()
        limits.maximumPacketSize = 100
        limits.maximumQoS = .atMostOnce
        limits.retainAvailable = false
        limits.maximumTopicAlias = 1
        limits.maximumAwaitingRelease = 1
        limits.wildcardSubscriptionAvailable = false
        limits.maximumTopicLevels = 2
        return SharedLimits(limits)
    }

    @Test(
        "A client that is connected may do what its CONNACK said, also on later data streams; one that comes later what its own says"
    )
    func acceptance() throws {
        let broker = SimulatedBroker()
        let before = broker.connect("before")
        _ = try before.connectAcknowledgement()
        let early = broker.open()
        broker.shards[0].shard.use(Self.narrow)
        let after = broker.connect("after")
        let narrow = try after.connectAcknowledgement().properties
        #expect(narrow.maximumPacketSize == 100 && narrow.receiveMaximum == 1 && narrow.topicAliasMaximum == 1)
        #expect(narrow.maximumQoS == .atMostOnce && narrow.retainAvailable == false)
        #expect(narrow.wildcardSubscriptionAvailable == false)

        let stream = try broker.openStream(of: before)
        for client in [before, stream] {
            client.publish("a", String(repeating: "x", count: 200), qos: .exactlyOnce, identifier: 1)
            client.publish("b", "x", qos: .exactlyOnce, identifier: 2, retain: true)
            client.subscribe("c/#", qos: .atLeastOnce)
            #expect(!client.isClosed)
        }
        after.publish("a", "x", qos: .atLeastOnce, identifier: 1)
        #expect(after.disconnectReason == .qosNotSupported)

        // What CONNACK says is what was in force when the transport was opened, as the size of packets is.
        #expect(early.connection.limits.values.maximumPacketSize == Limits().maximumPacketSize)
    }

    @Test(
        "What is not promised holds at once: the levels of topics, also of those whose route is known"
    )
    func atOnce() throws {
        let broker = SimulatedBroker()
        let client = broker.connect("c")
        client.publish("a/b/c", "x", qos: .atMostOnce)
        broker.shards[0].shard.use(Self.narrow)
        client.publish("a/b/c", "x", qos: .atMostOnce)
        #expect(client.disconnectReason == .topicNameInvalid)
    }
}
