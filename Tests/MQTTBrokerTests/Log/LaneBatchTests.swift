import FuzzLaneLog
import MQTTCodec
import NIOCore
import Testing

@testable import MQTTBroker

@Suite struct LaneBatchTests {
    private static let now = Instant(monotonic: .uptimeNanoseconds(9_000_000_000_000), wall: 1_700_000_000_000)

    private static func message(_ payload: String, qos: QualityOfService = .atLeastOnce, expiry: UInt32? = nil)
        -> Message
    {
        var publish = Publish(topic: ByteBuffer(string: "fleet/7"), payload: ByteBuffer(string: payload), qos: qos)
        publish.properties.values.messageExpiryInterval = expiry
        publish.properties.values.userProperties = [UserProperty(name: "key", value: "value")]
        return Message(copying: EncodedPublish(publish), qos: qos, now: now)
    }

    private static var will: Connect.Will {
        var will = Connect.Will(
            topic: ByteBuffer(string: "gone"),
            payload: ByteBuffer(string: "7"),
            qos: .exactlyOnce,
            retain: true
        )
        will.properties.values.willDelayInterval = 30
        will.properties.values.contentType = "text/plain"
        return will
    }

    /// One of each kind, and the shapes that a kind has.
    private static var records: [LaneRecord] {
        get throws {
            let filter = try TopicFilter("fleet/+/#", limits: Limits())
            let options = SubscriptionOptions(
                maximumQoS: .exactlyOnce,
                noLocal: true,
                retainAsPublished: true,
                retainHandling: .doNotSend
            )
            let targets = [
                LoggedMessage.Target(
                    session: 1,
                    qos: .atLeastOnce,
                    retain: false,
                    identifiers: [],
                    packetIdentifier: 0
                ),
                LoggedMessage.Target(
                    session: 1 << 60,
                    qos: .exactlyOnce,
                    retain: true,
                    identifiers: Array(1...40),
                    packetIdentifier: .max
                ),
            ]
            let lane = try #require(Lane(number: 63))
            return [
                .session(128, client: UTF8Key("car 7 é")),
                .ended(.max),
                .attached(128, expiryInterval: 60, will: nil),
                .attached(128, expiryInterval: .max, will: will),
                .away(128, since: 1_700_000_000_000, expiryInterval: 60, will: nil, due: 0),
                .away(128, since: -1, expiryInterval: 60, will: will, due: 1_700_000_030_000),
                .willPublished(128),
                .stream(256, parent: 128),
                .merged(256),
                .subscribed(128, filter, .init(options: options, identifier: 268_435_455)),
                .unsubscribed(128, filter),
                .message(LoggedMessage(message("a"), origin: nil, targets: ShortArray(targets))),
                .message(
                    LoggedMessage(
                        message("b", expiry: 60),
                        origin: .init(lane: lane, number: 9),
                        targets: ShortArray(targets)
                    )
                ),
                .sent(128, packetIdentifier: 1),
                .dropped(128, count: 1000),
                .acknowledged(128, packetIdentifier: 2),
                .recorded(128, packetIdentifier: 3),
                .received(
                    128,
                    packetIdentifier: 4,
                    publisher: .max,
                    message("c", qos: .exactlyOnce),
                    retain: true,
                    number: 7
                ),
                .posted(publisher: 5, message("e", qos: .exactlyOnce, expiry: 9), retain: false, number: 8),
                .orphaned(128, packetIdentifier: 9),
                .released(128, packetIdentifier: 4),
                .adopted(128, packetIdentifier: 5),
                .forgotten(128, packetIdentifier: 6),
                .passed(7),
                .retained(message("d", qos: .atMostOnce)),
                .removed(topic: UTF8Key("fleet/7")),
                .source(lane, number: 5),
                .retainedSource(lane, number: 6),
            ]
        }
    }

    private func batch(_ records: [LaneRecord], position: UInt64 = 1) throws -> LaneBatch {
        LaneBatch(lane: try #require(Lane(number: 7)), position: position, records: records, made: Self.now.wall)
    }

    private func octets(of batches: LaneBatch..., at now: Instant = Self.now) -> ByteBuffer {
        var octets = ByteBuffer()
        for batch in batches { batch.write(to: &octets, now: now) }
        return octets
    }

    @Test("Every record is what it was, after the octets, and its octets are") func roundTrip() throws {
        for record in try Self.records {
            let written = octets(of: try batch([record]))
            var rest = written
            let read = try #require(try LaneBatch.read(from: &rest, now: Self.now))
            #expect(read.lane.number == 7 && read.position == 1 && read.made == Self.now.wall)
            #expect(rest.readableBytes == 0)
            let first = try #require(read.records.first)
            // What messages and wills are made of has no equality of its own: the octets have.
            #expect("\(kind(of: first))" == "\(kind(of: record))")
            #expect(octets(of: read) == written, "\(kind(of: record))")
        }
    }

    private func kind(of record: LaneRecord) -> String {
        Mirror(reflecting: record).children.first?.label ?? "\(record)"
    }

    @Test("Batches lie behind each other") func several() throws {
        var all = octets(of: try batch(Self.records), try batch([.passed(3)], position: 2))
        #expect(try LaneBatch.read(from: &all, now: Self.now)?.records.count == Self.records.count)
        #expect(try LaneBatch.read(from: &all, now: Self.now)?.position == 2)
        #expect(try LaneBatch.read(from: &all, now: Self.now) == nil)
    }

    @Test("What is cut off or changed in a bit is refused, whatever the place") func damage() throws {
        let whole = octets(of: try batch(Self.records))
        for count in 1..<whole.readableBytes {
            var part = try #require(whole.getSlice(at: 0, length: count))
            #expect(throws: LaneBatchError.cutOff) { try LaneBatch.read(from: &part, now: Self.now) }
        }
        for bit in 0..<whole.readableBytes * 8 {
            var damaged = whole
            let octet: UInt8 = try #require(damaged.getInteger(at: bit / 8))
            damaged.setInteger(octet ^ 1 << UInt8(bit % 8), at: bit / 8)
            #expect(throws: LaneBatchError.self) { try LaneBatch.read(from: &damaged, now: Self.now) }
        }
    }

    @Test("Whatever stands under a right checksum is refused, or means something that a broker serves and writes again")
    func anyContent() throws {
        var random = SeededGenerator(seed: 11)
        let whole = octets(of: try batch(Self.records))
        // Version and lane of the head, and what follows that.
        var content = try #require(whole.getSlice(at: 8, length: 2))
        content.writeImmutableBuffer(try #require(whole.getSlice(at: 14, length: whole.readableBytes - 14)))
        var readable = 0
        for round in 0..<5_000 {
            var parts = ByteBuffer(integer: UInt16(content.readableBytes))
            parts.writeImmutableBuffer(content)
            for _ in 0...Int.random(in: 0..<3, using: &random) {
                let index = Int.random(in: 2..<parts.readableBytes, using: &random)
                parts.setInteger(UInt8.random(in: 0...255, using: &random), at: index)
            }
            var commit = LaneLogOracle.sealed(parts)
            if round.isMultiple(of: 50) { try LaneLogOracle.check(commit: commit) }
            if (try? LaneBatch.read(from: &commit, now: Self.now)) != nil { readable += 1 }
        }
        #expect(readable > 500)
    }

    @Test("Numbers that no run reaches are malformed: the next one would not fit") func numbers() throws {
        let lane = try #require(Lane(number: 7))
        let message = Self.message("a", qos: .exactlyOnce)
        for number in [LaneRecord.maximumCount, LaneRecord.maximumCount + 1, .max] {
            let records: [LaneRecord] = [
                .passed(number), .source(lane, number: number), .retainedSource(lane, number: number),
                .posted(publisher: 1, message, retain: false, number: number),
                .received(1, packetIdentifier: 1, publisher: 1, message, retain: false, number: number),
                .message(LoggedMessage(message, origin: .init(lane: lane, number: number))),
            ]
            for record in records {
                var written = octets(of: try batch([record]))
                let read = try? LaneBatch.read(from: &written, now: Self.now)
                #expect((read != nil) == (number == LaneRecord.maximumCount), "\(kind(of: record))")
            }
            var written = octets(of: try batch([.ended(1)], position: number))
            #expect((try? LaneBatch.read(from: &written, now: Self.now)) == nil || number == LaneRecord.maximumCount)
        }
    }

    @Test("The number of records that a batch states is not believed") func statedCount() throws {
        var octets = octets(of: try batch([.ended(1)]))
        // Term, position and wall clock are before it.
        octets.moveWriterIndex(to: 14 + 10)
        octets.writeLEB128(UInt64.max)
        octets.writeRepeatingByte(2, count: 100)
        var parts = ByteBuffer(integer: UInt16(octets.readableBytes - 14 + 2))
        parts.writeImmutableBuffer(try #require(octets.getSlice(at: 8, length: 2)))
        parts.writeImmutableBuffer(try #require(octets.getSlice(at: 14, length: octets.readableBytes - 14)))
        var commit = LaneLogOracle.sealed(parts)
        #expect(throws: LaneBatchError.malformedRecord(50)) { try LaneBatch.read(from: &commit, now: Self.now) }
    }

    @Test("A message that is too large for a packet of MQTT 5.0 keeps its place as one that has expired")
    func tooLarge() throws {
        let payload = ByteBuffer(repeating: 7, count: 268_435_455 - 3)
        let publish = Publish(topic: ByteBuffer(string: "a"), payload: payload, qos: .atMostOnce)
        let large = Message(copying: EncodedPublish(publish), qos: .atMostOnce, now: Self.now)
        #expect(large.encoded.size(version: .v3_1_1, qos: .atMostOnce) > 0, "a client has sent it")
        var octets = octets(of: try batch([.retained(large), .passed(3)]))
        let read = try #require(try LaneBatch.read(from: &octets, now: Self.now))
        guard case .retained(let message) = read.records[0], case .passed(3) = read.records[1] else {
            Issue.record("the records are others")
            return
        }
        #expect(message.encoded.topic == ByteBuffer(string: "a") && message.isExpired(now: Self.now))
    }

    @Test("A batch of a later release is refused as such") func newerVersion() throws {
        var octets = octets(of: try batch([.passed(3)]))
        octets.setInteger(UInt8(2), at: 8)
        let head = try #require(octets.getSlice(at: 0, length: 10))
        octets.setInteger(CRC32C.checksum(of: head.readableBytesUInt8Span), at: 10)
        #expect(throws: LaneBatchError.newerVersion(2)) { try LaneBatch.read(from: &octets, now: Self.now) }
    }

    @Test("Messages expire by the wall clock, whatever the monotonic clock of the next run is") func expiry() throws {
        let logged = LoggedMessage(Self.message("a", expiry: 60), origin: nil)
        var octets = octets(of: try batch([.message(logged)]))
        // Twenty seconds later, after a boot of the machine.
        let later = Instant(monotonic: .uptimeNanoseconds(5_000_000_000), wall: Self.now.wall + 20_000)
        guard case .message(let read)? = try LaneBatch.read(from: &octets, now: later)?.records.first else {
            Issue.record("no message")
            return
        }
        #expect(read.message.remainingExpiry(now: later) == 40)
    }

    @Test("The wire form of version 1") func wireForm() throws {
        let octets = octets(
            of: try batch([.session(128, client: UTF8Key("a")), .acknowledged(128, packetIdentifier: 513)])
        )
        let hex = octets.readableBytesView.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
        #expect(
            hex == "00000015" + "f6689b0d" + "01" + "07" + "8e720c66" + "00" + "01" + "0000018bcfe56800" + "02"
                + "01800101"
                + "61" + "0d80010201"
        )
    }
}
