import MQTTCodec
import NIOCore
import Testing

@testable import MQTTBroker

/// The Maximum Packet Size of a client bounds every packet that it is sent (MQTT 5.0 §3.1.2.11.4) [MQTT-3.1.2-24].
@Suite struct MaximumPacketSizeTests {
    /// Octets of the CONNACK that a client with an identifier of its own gets from `Limits()`.
    private let acceptanceSize: UInt32 = 18

    /// A client that connects when it takes any size, and takes only `size` from then on.
    private func client(of broker: SimulatedBroker, taking size: Int) throws -> SimulatedClient {
        let client = broker.connect("c")
        _ = try client.connectAcknowledgement()
        client.connection.outbound.maximumPacketSize = size
        return client
    }

    @Test("A CONNACK that is too large ends the connection before a session is claimed")
    func connectAcknowledgement() throws {
        let broker = SimulatedBroker()
        let first = broker.connect("c")
        let exact = broker.connect("other", maximumPacketSize: acceptanceSize)
        #expect(try exact.connectAcknowledgement().reasonCode == .success)

        let refused = broker.connect("c", maximumPacketSize: acceptanceSize - 1)
        #expect(try refused.connectAcknowledgement().reasonCode == .packetTooLarge)
        #expect(refused.isClosed)
        #expect(!first.isClosed)

        let silent = broker.connect("c", maximumPacketSize: 4)
        #expect(silent.takeAll().isEmpty)
        #expect(silent.isClosed)
        #expect(!first.isClosed)
    }

    @Test("PUBACK and PUBREC lose a reason code that is no error")
    func shortened() throws {
        let broker = SimulatedBroker()
        let client = try client(of: broker, taking: 4)
        client.publish("nobody/listens", "x", qos: .atLeastOnce, identifier: 7)
        client.publish("nobody/listens", "x", qos: .exactlyOnce, identifier: 8)
        #expect(
            client.takeAll() == [
                .acknowledgement(PublishAcknowledgement(.received, 7)),
                .acknowledgement(PublishAcknowledgement(.recorded, 8)),
            ]
        )
        let generous = broker.connect("g", maximumPacketSize: 64)
        _ = try generous.connectAcknowledgement()
        generous.publish("nobody/listens", "x", qos: .atLeastOnce, identifier: 7)
        #expect(
            generous.takeAll() == [
                .acknowledgement(PublishAcknowledgement(.received, 7, reasonCode: .noMatchingSubscribers))
            ]
        )
    }

    @Test(
        "What cannot be shortened ends the connection with 0x95",
        arguments: [
            (
                3,
                .publish(
                    Publish(
                        topic: ByteBuffer(string: "a"),
                        payload: ByteBuffer(),
                        qos: .atLeastOnce,
                        packetIdentifier: 7
                    )
                )
            ),  // PUBACK
            (4, .acknowledgement(PublishAcknowledgement(.release, 9))),  // PUBCOMP with 0x92
            (4, .acknowledgement(PublishAcknowledgement(.recorded, 9))),  // PUBREL with 0x92
            (5, .subscribe(Subscribe(packetIdentifier: 1, subscriptions: [.init(topicFilter: "a")]))),  // SUBACK
            (5, .unsubscribe(Unsubscribe(packetIdentifier: 1, topicFilters: ["a"]))),  // UNSUBACK
        ] as [(Int, Packet)]
    )
    func tooLarge(size: Int, packet: Packet) throws {
        let client = try client(of: SimulatedBroker(), taking: size)
        client.send(packet)
        #expect(client.takeAll() == [.disconnect(Disconnect(reasonCode: .packetTooLarge))])
        #expect(client.isClosed)
    }

    @Test("A client that takes no DISCONNECT either is closed without a word")
    func nothing() throws {
        let client = try client(of: SimulatedBroker(), taking: 1)
        client.send(.pingRequest)
        #expect(client.takeAll().isEmpty)
        #expect(client.isClosed)
        #expect(client.connection.endReason == .packetTooLarge)
    }
}
