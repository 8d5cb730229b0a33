import MQTTCodec
import NIOCore
import Testing

@testable import MQTTBroker

/// Transports cut what a client sends wherever they like.
@Suite struct ArrivalTests {
    /// Payload sizes about those at which a packet's length takes another octet, or memory is cut.
    private static let sizes = [0, 1, 115, 116, 117, 500, 4_000, 16_370, 16_371, 16_384, 20_000, 2]

    @Test(
        "Packets are read the same in pieces of any size, also while an answer is due",
        arguments: [1, 4],
        [1, 2, 7, 1_200, 9_000, 70_000]
    ) func pieces(shards: Int, longest: Int) throws {
        let broker = SimulatedBroker(shards: shards, seed: UInt64(longest))
        var random = SeededGenerator(seed: UInt64(shards * longest))
        let client = broker.open()
        var octets = ByteBuffer()
        octets.write(.connect(Connect(version: .v5, clientIdentifier: "a", cleanStart: true)), version: .v5)
        var payloads: [String] = []
        for round in 0..<3 {
            octets.write(subscribe("round/\(round)"), version: .v5)
            for size in Self.sizes {
                let payload = String(repeating: "\(round)", count: size)
                payloads.append(payload)
                octets.write(publish("round/\(round)", payload), version: .v5)
            }
            octets.write(.pingRequest, version: .v5)
        }

        while octets.readableBytes > 0 {
            let count = min(octets.readableBytes, Int.random(in: 1...longest, using: &random))
            guard let piece = octets.readSlice(length: count) else { break }
            broker.receive(piece, from: client, settles: longest > 2 || Int.random(in: 0..<50, using: &random) == 0)
        }
        broker.settle()

        #expect(try client.connectAcknowledgement().reasonCode == .success)
        #expect(client.takePayloads() == payloads)
        #expect(client.takeAll().count == 6)
        #expect(client.connection.inbound.pending.readableBytes == 0)
    }

    @Test("A packet of which little has arrived takes little memory") func reserve() {
        let broker = SimulatedBroker()
        let client = broker.connect("a")
        client.send(octets: [0x30, 0x80, 0x80, 0x20, 0, 1])
        #expect(client.connection.inbound.pending.capacity <= 64)
        client.send(octets: Array(repeating: 0x61, count: 10_000))
        #expect(client.connection.inbound.pending.capacity <= 40_000)
    }

    private func subscribe(_ filter: String) -> Packet {
        let options = SubscriptionOptions(maximumQoS: .atMostOnce)
        return .subscribe(
            Subscribe(packetIdentifier: 1, subscriptions: [.init(topicFilter: filter, options: options)])
        )
    }

    private func publish(_ topic: String, _ payload: String) -> Packet {
        .publish(Publish(topic: ByteBuffer(string: topic), payload: ByteBuffer(string: payload)))
    }
}
