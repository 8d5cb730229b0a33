import MQTTCodec
import NIOCore
import Testing

@Suite struct PacketLimitTests {
    @Test(
        "MQTT-3.1.2-24: a packet of just the maximum size is read, one octet more is refused",
        arguments: [127, 128, 16_384]
    )
    func boundsPackets(length: Int) throws {
        let publish = Publish(topic: ByteBuffer(string: "t"), payload: ByteBuffer(repeating: 0, count: length - 4))
        var buffer = ByteBuffer()
        let size = buffer.write(.publish(publish), version: .v5)
        var refused = buffer

        var decoder = PacketDecoder(role: .server, maximumPacketSize: size, version: .v5)
        #expect(try decoder.next(from: &buffer) == .publish(publish))

        decoder.maximumPacketSize = size - 1
        let error = #expect(throws: CodecError.self) { try decoder.next(from: &refused) }
        #expect(error?.reasonCode == .packetTooLarge)
    }

    @Test("Topic and payload are slices of what was read")
    func slicesContent() throws {
        var buffer = ByteBuffer()
        buffer.write(.publish(publish("topic", "payload")), version: .v5)
        let start = address(buffer)
        var decoder = PacketDecoder(role: .server, maximumPacketSize: 64, version: .v5)
        guard case .publish(let read) = try decoder.next(from: &buffer) else {
            Issue.record("not a PUBLISH")
            return
        }
        #expect(address(read.topic) - start == 4)
        #expect(address(read.payload) - start == 10)
    }

    @Test("Reading starts at the reader index, wherever that is")
    func readsBehindOtherOctets() throws {
        var buffer = ByteBuffer(string: "before")
        buffer.moveReaderIndex(forwardBy: 6)
        buffer.write(.publish(publish("t", "x", qos: .exactlyOnce, packetIdentifier: 7)), version: .v5)
        buffer.write(.subscribe(Subscribe(packetIdentifier: 1, subscriptions: [.init(topicFilter: "f")])), version: .v5)
        var decoder = PacketDecoder(role: .server, maximumPacketSize: 64, version: .v5)
        #expect(
            try decoder.next(from: &buffer) == .publish(publish("t", "x", qos: .exactlyOnce, packetIdentifier: 7))
        )
        #expect(
            try decoder.next(from: &buffer)
                == .subscribe(Subscribe(packetIdentifier: 1, subscriptions: [.init(topicFilter: "f")]))
        )
    }
}
