import MQTTCodec
import NIOCore
import Testing

@testable import MQTTBroker

@Suite("The octets of messages between nodes")
struct ShardMessageWireTests {
    private let now = Instant(monotonic: .uptimeNanoseconds(5_000_000_000), wall: 1_000_000)
    private let reference = ConnectionReference(shard: ShardReference(node: 3, shard: 2), slot: 70, number: 1 << 40)

    private func claim() throws -> Claim {
        var will = Connect.Will(topic: ByteBuffer(string: "w"), payload: ByteBuffer(string: "gone"), qos: .exactlyOnce)
        will.properties.values.willDelayInterval = 7
        return Claim(
            UTF8Key("client"),
            of: reference,
            cleanStart: false,
            expiryInterval: 100,
            peer: Peer(
                address: try SocketAddress(ipAddress: "fe80::1", port: 1883),
                listener: "quic:default",
                certificate: Peer.Certificate(subject: "CN=car", commonName: "car")
            ),
            isBridge: true,
            version: .v3_1_1,
            receiveMaximum: 20,
            maximumPacketSize: .max,
            will: will
        )
    }

    private func messages() throws -> [ShardMessage.Body] {
        var publish = Publish(topic: ByteBuffer(string: "a/b"), payload: ByteBuffer(string: "x"), qos: .atLeastOnce)
        publish.properties.values.contentType = "text"
        let lane = Lane(clientHash: 5)
        var told = Interest.Told()
        _ = told.all.set(4711, true)
        _ = told.durable.set(65_535, true)
        let message = Message(copying: EncodedPublish(publish), qos: .atLeastOnce, now: now)
        var scope = LaneScope(lanes: 12, isForTransient: false)
        scope.source = ShardReference(node: 3, shard: 1)
        scope.isAgain = true
        let requester = Requester(connection: reference, number: 1 << 40)
        return [
            .publish(publish, from: 9, origin: .init(lane: lane, number: 77), scope, receipt: 300),
            .publish(publish, from: 9, origin: nil, .everybody, receipt: 0),
            .retain(publish, origin: nil, isAgain: true, receipt: 1),
            .retain(publish, origin: .init(lane: lane, number: 8), isAgain: false, receipt: 1), .stored(200),
            .missing(201, lanes: 3), .outboxReached(lane, 6),
            .announce(requester, by: ShardReference(node: 1, shard: 1)), .announced(requester),
            .findRetained([try TopicFilter("a/#", limits: Limits())], atMost: 5, for: requester),
            .foundRetained([.init(filter: 0, message: message)], isLast: true, for: requester),
            .cancelLookUp(of: requester), .claim(try claim(), term: 1 << 50), .create(try claim()),
            .refuse(reference, .serverBusy), .evict(reference, of: UTF8Key("c")), .ended(UTF8Key("c"), of: reference),
            .toHome(reference, .opened(reference)),
            .toHome(reference, .packets(ByteBuffer(string: "octets"), isLast: true)),
            .toHome(reference, .taken(4096)),
            .toHome(reference, .addressChanged(try SocketAddress(ipAddress: "10.0.0.1", port: 5))),
            .toHome(reference, .finished), .toHome(reference, .parted(publishesWill: true)),
            .toHome(reference, .abandoned), .toConnection(reference, .attached(try claim(), isPresent: true)),
            .toConnection(
                reference,
                .output(Output(buffer: ByteBuffer(string: "out")), sent: [1, 65_535], answer: .acknowledged)
            ),
            .toConnection(reference, .settled(300)),
            .toConnection(reference, .resumed(3)), .toConnection(reference, .lost),
            .resume(
                try claim(),
                .init(
                    number: 3,
                    term: 9,
                    outstanding: [7, 9],
                    packets: ByteBuffer(string: "packets"),
                    isLast: true,
                    isAcknowledged: true
                )
            ),
            .toConnection(reference, .heldUp(true)),
            .toConnection(reference, .ended(Output(), nil)),
            .toConnection(reference, .ended(Output(buffer: ByteBuffer(string: "end")), .sessionTakenOver)),
            .cluster(.interest(of: 3, told)),
            .cluster(.interestChange(of: 3, .init(bucket: 9, isInterested: true, isDurable: true))),
            .cluster(.leads(ShardReference(node: 2, shard: 0), [.init(lane: lane, term: 1 << 33)])),
            .cluster(.lost(ShardReference(node: 2, shard: 0), [.init(lane: lane, term: 4)])),
            .cluster(.introduced(1)), .cluster(.forgot(1)), .cluster(.asks(reference.shard, 7)),
            .cluster(.answers(reference.shard, to: ShardReference(node: 9, shard: 1), 1 << 40)),
            .cluster(.holds(UTF8Key("c"), reference)),
        ]
    }

    private func octets(_ messages: [ShardMessage]) -> ByteBuffer {
        var octets = ByteBuffer()
        ShardMessage.write(messages, to: &octets, now: now)
        return octets
    }

    @Test("What is written is read again")
    func roundTrip() throws {
        let messages = try messages().map { ShardMessage($0) }
        var all = octets(messages)
        let whole = all
        let read = try #require(ShardMessage.read(from: &all, now: now))
        #expect(read.count == messages.count)
        #expect(octets(read) == whole)
        for message in messages {
            var octets = octets([message])
            #expect(octets.readableBytes > 0)
            #expect(ShardMessage.read(from: &octets, now: now)?.count == 1)
        }
    }

    @Test("Octets that are cut off, or changed, are no messages or others, and never a trap")
    func hostile() throws {
        for message in try messages() {
            let octets = octets([ShardMessage(message)])
            for length in 0..<min(octets.readableBytes, 300) {
                var cut = octets.getSlice(at: 0, length: length) ?? ByteBuffer()
                let read = ShardMessage.read(from: &cut, now: now)
                #expect(length == 0 ? read?.isEmpty == true : read == nil)
            }
            for place in 0..<min(octets.readableBytes, 200) {
                for octet in [0, 1, 0x7f, 0x80, 0xff] as [UInt8] {
                    var changed = octets
                    changed.setInteger(octet, at: place)
                    _ = ShardMessage.read(from: &changed, now: now)
                }
            }
        }
    }
}
