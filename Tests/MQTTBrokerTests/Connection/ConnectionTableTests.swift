import NIOCore
import Testing

@testable import MQTTBroker

@Suite struct ConnectionTableTests {
    private let limits = SharedLimits(Limits())
    private let now = Instant(monotonic: .uptimeNanoseconds(1), wall: 0)
    private let peer = Peer(address: nil, listener: "test")

    // What is not copyable cannot stand in #expect.
    private func found(_ reference: ConnectionReference, in table: borrowing ConnectionTable) -> Connection? {
        table[reference]
    }

    private func expect(_ table: borrowing ConnectionTable, count: Int, gone: Int) {
        let counts = (table.count, table.goneCount)
        #expect(counts == (count, gone))
    }

    @Test("A reference finds its connection, and no later one at its slot")
    func references() {
        var table = ConnectionTable(shard: 3, lastNumber: 0)
        let first = table.add(peer, limits: limits, now: now)
        let reference = first.reference
        #expect(reference.shard == ShardReference(shard: 3))
        #expect(found(reference, in: table) === first)
        let removed = (table.remove(first), table.remove(first))
        #expect(removed == (true, false))
        let second = table.add(peer, limits: limits, now: now)
        #expect(second.slot == first.slot)
        #expect(found(reference, in: table) == nil)
    }

    @Test("Data streams are in slots and not in the count; connections that are gone count apart")
    func counts() {
        var table = ConnectionTable(shard: 0, lastNumber: 0)
        let connection = table.add(peer, limits: limits, now: now)
        let stream = table.add(peer, control: connection, limits: limits, now: now)
        expect(table, count: 1, gone: 0)
        let slotCount = table.slotCount
        #expect(slotCount == 2)
        let all = table.all
        #expect(all.count == 1 && all.first === connection)
        table.markGone(connection)
        expect(table, count: 1, gone: 1)
        for each in [connection, stream] { _ = table.remove(each) }
        expect(table, count: 0, gone: 0)
        let isEmpty = table.isEmpty
        #expect(isEmpty)
    }
}
