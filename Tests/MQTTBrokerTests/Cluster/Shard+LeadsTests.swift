import MQTTCodec
import NIOCore
import Testing

@testable import MQTTBroker

@Suite("Lanes that a shard leads, in their terms")
struct ShardLeadsTests {
    private let other = ShardReference(node: 1, shard: 0)
    private let now = Instant(monotonic: .uptimeNanoseconds(1), wall: 1)

    @Test("A lane that another shard has taken while its log was replayed is not led")
    func superseded() throws {
        var shard = Shard(index: 0, count: 1, node: 0, random: SystemRandomNumberGenerator())
        shard.joined(node: 1, shards: 1, now: now)
        let (mine, taken) = (try #require(Lane(number: 4)), try #require(Lane(number: 5)))
        shard.receive([ShardMessage(.cluster(.interest(of: 1, Interest.Told())))], from: other, now: now)
        shard.receive([ShardMessage(.cluster(.leads(other, [.init(lane: taken, term: 7)])))], from: other, now: now)
        let superseded = shard.lead([(lane: mine.index, term: 6), (lane: taken.index, term: 6)], now: now)
        #expect(superseded == [taken.index])
        #expect(shard.lead(ofLane: mine.index)?.node == 0)
        #expect(shard.lead(ofLane: taken.index)?.node == 1)
        #expect(shard.lead(ofLane: taken.index)?.term == 7)
        #expect(shard.lanesLedByOwn == mine.bit)
    }

    @Test("A claim for a connection of a third node is not heard", arguments: [1, 2])
    func foreignClaim(node: Int) throws {
        var shard = Shard(index: 0, count: 1, node: 0, random: SystemRandomNumberGenerator())
        for node in 1...2 { shard.joined(node: node, shards: 1, now: now) }
        let claim = claim(of: ShardReference(node: node, shard: 0))
        shard.lead([(lane: claim.lane.index, term: 3)], now: now)
        shard.receive([ShardMessage(.claim(claim, term: 3))], from: other, now: now)
        #expect(shard.sessionCount == (node == 1 ? 1 : 0))
    }

    @Test("A claim that was sent to an earlier time of the home is not heard", arguments: [2, 3])
    func earlierClaim(term: UInt64) throws {
        var shard = Shard(index: 0, count: 1, node: 0, random: SystemRandomNumberGenerator())
        shard.joined(node: 1, shards: 1, now: now)
        let claim = claim(of: ShardReference(node: 1, shard: 0))
        shard.lead([(lane: claim.lane.index, term: 3)], now: now)
        shard.receive([ShardMessage(.claim(claim, term: term))], from: other, now: now)
        #expect(shard.sessionCount == (term == 3 ? 1 : 0))
    }

    private func claim(of shard: ShardReference) -> Claim {
        Claim(
            UTF8Key("car"),
            of: ConnectionReference(shard: shard, slot: 0, number: 7),
            cleanStart: false,
            expiryInterval: 100,
            peer: Peer(address: nil, listener: "tcp:default"),
            isBridge: false,
            version: .v5,
            receiveMaximum: 20,
            maximumPacketSize: .max,
            will: nil
        )
    }

    @Test(
        "A connection whose session another one has got is ended with 0x8E, and with 0x83 if the lane is damaged",
        arguments: [false, true]
    )
    func lateResumption(isDamaged: Bool) throws {
        var shard = Shard(index: 0, count: 1, node: 0, random: SystemRandomNumberGenerator())
        shard.joined(node: 1, shards: 1, now: now)
        let claim = claim(of: other)
        shard.lead([(lane: claim.lane.index, term: 3)], now: now)
        if isDamaged { shard.lanes.quarantined = [claim.lane] }
        let resumption = ShardMessage.Resumption(
            number: 1,
            term: 3,
            outstanding: [],
            packets: ByteBuffer(),
            isLast: false,
            isAcknowledged: false
        )
        shard.receive([ShardMessage(.resume(claim, resumption))], from: other, now: now)
        var told: [ShardMessage] = []
        var handOver = HandOver(node: 0, count: 1)
        if shard.swapHandOver(with: &handOver, now: now) { handOver.deliver { _, messages, _ in told += messages } }
        let reasons = told.compactMap { message -> [UInt8]? in
            guard case .toConnection(claim.connection, .ended(let output, let reason)) = message.body else {
                return nil
            }
            #expect(reason == (isDamaged ? .implementationSpecificError : .sessionTakenOver))
            return Array(output.buffer.readableBytesView)
        }
        #expect(reasons == [[0xE0, 1, isDamaged ? 0x83 : 0x8E]])
    }
}
