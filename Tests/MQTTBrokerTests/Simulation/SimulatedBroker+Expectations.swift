import NIOCore
import Testing

@testable import MQTTBroker

/// What holds of every simulated broker, whatever a test has done with it.
extension SimulatedBroker {
    /// What the log of the store says is what the shards have: cleaning, which writes that, changes nothing of it.
    func expectLogIsTrue() throws {
        settle()
        let before = try storedItems()
        for shard in shards.indices { clean(shard) }
        settle()
        let after = try storedItems()
        #expect(before == after, "what the log says, and what is alive")
    }

    private func storedItems() throws -> [StoredItem] {
        var reader = StoreReader(now: now, random: SeededGenerator(seed: 0))
        try reader.read(store?.octets ?? ByteBuffer())
        var items: [StoredItem] = []
        try reader.forEach(segment: { store?.segments[$0] }) { item in
            if case .lane(var lane) = item {
                // A message at QoS 1 that was struck out took along what it said of its outbox, so that the log may have less.
                lane.sources = [:]
                if lane.passed > 0 { items.append(.lane(lane)) }
                return
            }
            guard case .session(var session) = item, let due = session.willDue else {
                items.append(item)
                return
            }
            // A will that is overdue is published at the next occasion, whenever it was due.
            session.willDue = max(due, now.wall)
            items.append(.session(session))
        }
        return items
    }

    /// Nothing is left of all that came and went.
    func expectNothingLeft() {
        for seat in shards {
            #expect(seat.shard.connectionCount == 0)
            let hasConnections = !seat.shard.connections.isEmpty
            #expect(!hasConnections)
            #expect(seat.shard.sessionCount == 0)
            #expect(seat.shard.subscriptionCount == 0)
            let (claimed, deputies) = (seat.shard.sessions.directory.count, seat.shard.deputies.count)
            #expect(claimed == 0 && deputies == 0)
            #expect(seat.shard.lookUps.isEmpty)
            let interest = seat.shard.router.othersInterest?.shards ?? []
            #expect(interest.allSatisfy { $0 == 0 })
            #expect(seat.shard.deadlineCount == 0)
        }
    }
}
