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
        shard.receive([ShardMessage(.cluster(.leads(other, [.init(lane: taken, term: 7)])))], from: other, now: now)
        let superseded = shard.lead([(lane: mine.index, term: 6), (lane: taken.index, term: 6)], now: now)
        #expect(superseded == [taken.index])
        #expect(shard.lead(ofLane: mine.index)?.node == 0)
        #expect(shard.lead(ofLane: taken.index)?.node == 1)
        #expect(shard.lead(ofLane: taken.index)?.term == 7)
        #expect(shard.lanesLedByOwn == mine.bit)
    }
}
