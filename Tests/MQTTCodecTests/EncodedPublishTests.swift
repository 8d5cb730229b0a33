import MQTTCodec
import NIOCore
import Testing

@Suite struct EncodedPublishTests {
    static let full = publish(
        "sensors/1",
        "payload",
        qos: .exactlyOnce,
        packetIdentifier: 99,
        properties: properties { values in
            values.payloadIsUTF8 = true
            values.messageExpiryInterval = 3600
            values.contentType = "text/plain"
            values.responseTopic = "answers"
            values.correlationData = ByteBuffer(bytes: [1, 2, 3])
            values.userProperties = [UserProperty(name: "k", value: "1"), UserProperty(name: "k", value: "2")]
            values.topicAlias = 5
            values.subscriptionIdentifiers = [42]
            values.willDelayInterval = 10
        }
    )

    @Test("MQTT-3.3.2-4, -15, -16, -17, -18, -20: what is passed on, and unaltered; alias and identifiers are not")
    func passesProperties() throws {
        let encoded = EncodedPublish(Self.full)
        let read = try read(.v5) {
            encoded.write(into: &$0, version: .v5, qos: .atLeastOnce, packetIdentifier: 7, retain: true)
        }
        var expected = Self.full
        expected.qos = .atLeastOnce
        expected.packetIdentifier = 7
        expected.retain = true
        expected.properties.values.topicAlias = nil
        expected.properties.values.subscriptionIdentifiers = []
        expected.properties.values.willDelayInterval = nil
        #expect(read == expected)
    }

    @Test("MQTT-3.3.4-3, MQTT-3.3.2-6: identifiers of the subscriber, and what is left of the interval")
    func writesForEachSubscriber() throws {
        let encoded = EncodedPublish(Self.full)
        let read = try read(.v5) {
            encoded.write(
                into: &$0,
                version: .v5,
                qos: .atLeastOnce,
                packetIdentifier: 7,
                retain: false,
                isDuplicate: true,
                subscriptionIdentifiers: [1, 200, 268_435_455],
                messageExpiryInterval: 59
            )
        }
        #expect(read.isDuplicate)
        #expect(read.properties.values.subscriptionIdentifiers == [1, 200, 268_435_455])
        #expect(read.properties.values.messageExpiryInterval == 59)
        #expect(read.properties.values.contentType == "text/plain")
        #expect(encoded.messageExpiryInterval == 3600)
    }

    @Test("An interval that the message does not have is not given to it")
    func addsNoInterval() throws {
        let encoded = EncodedPublish(publish("t", "x", properties: properties { $0.payloadIsUTF8 = true }))
        let read = try read(.v5) {
            encoded.write(
                into: &$0,
                version: .v5,
                qos: .atMostOnce,
                packetIdentifier: 0,
                retain: false,
                messageExpiryInterval: 59
            )
        }
        #expect(read.properties.values.messageExpiryInterval == nil)
        #expect(read.properties.values.payloadIsUTF8 == true)
    }

    @Test("MQTT-3.3.1-2: neither packet identifier nor DUP at QoS 0")
    func writesQoS0() {
        var buffer = ByteBuffer()
        EncodedPublish(publish("t", "x"))
            .write(into: &buffer, version: .v5, qos: .atMostOnce, packetIdentifier: 9, retain: true, isDuplicate: true)
        #expect(buffer.figure == octets("31 05 00 01 't' 00 'x'").figure)
    }

    @Test("MQTT 3 has no properties; the kept message has them still")
    func converts() throws {
        let message = EncodedPublish(Self.full)
        var buffer = ByteBuffer()
        message.write(
            into: &buffer,
            version: .v3_1_1,
            qos: .atLeastOnce,
            packetIdentifier: 7,
            retain: false,
            subscriptionIdentifiers: [1],
            messageExpiryInterval: 5
        )
        #expect(buffer.figure == octets("32 14 00 09 'sensors/1' 00 07 'payload'").figure)

        let kept = message.copied()
        let read = try read(.v5) {
            kept.write(into: &$0, version: .v5, qos: .atMostOnce, packetIdentifier: 0, retain: false)
        }
        #expect(read.properties.values.correlationData == ByteBuffer(bytes: [1, 2, 3]))
    }

    @Test("The size is exact, whole and as head and payload", arguments: ProtocolVersion.allCases)
    func knowsSize(version: ProtocolVersion) {
        for length in [0, 1, 100, 121, 122, 127, 128, 16_370, 16_383, 16_384, 100_000] {
            for properties in [PublishProperties(), Self.full.properties] {
                let message = Publish(
                    topic: ByteBuffer(string: "t/1"),
                    payload: ByteBuffer(repeating: 0x78, count: length),
                    properties: properties
                )
                let encoded = EncodedPublish(message)
                for qos in QualityOfService.allCases {
                    for identifiers: [UInt32] in [[], [1, 300]] {
                        var whole = ByteBuffer()
                        let size = encoded.size(version: version, qos: qos, subscriptionIdentifiers: identifiers)
                        let written = encoded.write(
                            into: &whole,
                            version: version,
                            qos: qos,
                            packetIdentifier: 1,
                            retain: false,
                            subscriptionIdentifiers: identifiers
                        )
                        #expect(whole.readableBytes == size)
                        #expect(written == size)

                        var apart = ByteBuffer()
                        let head = encoded.write(
                            into: &apart,
                            version: version,
                            qos: qos,
                            packetIdentifier: 1,
                            retain: false,
                            subscriptionIdentifiers: identifiers,
                            withPayload: false
                        )
                        #expect(apart.readableBytes == head)
                        apart.writeImmutableBuffer(encoded.payload)
                        #expect(apart == whole)
                    }
                }
            }
        }
    }

    @Test("A kept message lies in storage of its own, in one piece")
    func copies() throws {
        var wire = ByteBuffer()
        wire.write(.publish(Self.full), version: .v5)
        wire.writeRepeatingByte(0, count: 100_000)
        var decoder = PacketDecoder(role: .client, maximumPacketSize: 1024, version: .v5)
        guard case .publish(let message) = try decoder.next(from: &wire) else {
            Issue.record("not a PUBLISH")
            return
        }
        let passing = EncodedPublish(message)
        let kept = passing.copied()
        #expect(passing.payload.storageCapacity > 100_000)
        #expect(kept.payload.storageCapacity < 1024)
        #expect((0..<1024).contains(address(kept.payload) - address(kept.topic)))
        var first = ByteBuffer()
        var second = ByteBuffer()
        passing.write(into: &first, version: .v5, qos: .exactlyOnce, packetIdentifier: 1, retain: false)
        kept.write(into: &second, version: .v5, qos: .exactlyOnce, packetIdentifier: 1, retain: false)
        #expect(first == second)
    }

    private func read(_ version: ProtocolVersion, _ write: (inout ByteBuffer) -> Void) throws -> Publish {
        var buffer = ByteBuffer()
        write(&buffer)
        var decoder = PacketDecoder(role: .client, maximumPacketSize: 1 << 20, version: version)
        guard case .publish(let publish) = try #require(try decoder.next(from: &buffer)) else {
            throw CodecError.malformed("not a PUBLISH")
        }
        #expect(buffer.readableBytes == 0)
        return publish
    }
}
