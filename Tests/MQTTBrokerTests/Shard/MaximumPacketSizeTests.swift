import MQTTCodec
import NIOCore
import Testing

@testable import MQTTBroker

/// The Maximum Packet Size of a client bounds every packet that it is sent (MQTT 5.0 §3.1.2.11.4) [MQTT-3.1.2-24].
@Suite struct MaximumPacketSizeTests {
    /// Octets of the CONNACK that a client with an identifier of its own gets from `Limits()`.
    private let acceptanceSize: UInt32 = 18

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

    @Test(
        "SUBACK and UNSUBACK that are too large end the connection with 0x95",
        arguments: [
            .subscribe(Subscribe(packetIdentifier: 1, subscriptions: Self.filters.map { .init(topicFilter: $0) })),
            .unsubscribe(Unsubscribe(packetIdentifier: 1, topicFilters: Self.filters)),
        ] as [Packet]
    )
    func tooLarge(packet: Packet) throws {
        // The answer has a fixed header of two octets, the packet identifier, no property, and a reason code for each filter.
        let size = UInt32(2 + 2 + 1 + Self.filters.count)
        let exact = SimulatedBroker().connect("c", maximumPacketSize: size)
        _ = try exact.connectAcknowledgement()
        exact.send(packet)
        #expect(exact.takeAll().count == 1)
        #expect(!exact.isClosed)

        let client = SimulatedBroker().connect("c", maximumPacketSize: size - 1)
        _ = try client.connectAcknowledgement()
        client.send(packet)
        #expect(client.takeAll() == [.disconnect(Disconnect(reasonCode: .packetTooLarge))])
        #expect(client.isClosed)
    }

    private static let filters = (0..<30).map { "filter/\($0)" }

    @Test("The smallest size that takes CONNACK takes all acknowledgements") func acknowledgements() throws {
        let client = SimulatedBroker().connect("c", maximumPacketSize: acceptanceSize)
        _ = try client.connectAcknowledgement()
        client.publish("a", "x", qos: .atLeastOnce, identifier: 7)
        client.send(.acknowledgement(PublishAcknowledgement(.release, 9)), .pingRequest)
        #expect(
            client.takeAll() == [
                .acknowledgement(PublishAcknowledgement(.received, 7, reasonCode: .noMatchingSubscribers)),
                .acknowledgement(PublishAcknowledgement(.complete, 9, reasonCode: .packetIdentifierNotFound)),
                .pingResponse,
            ]
        )
    }
}
