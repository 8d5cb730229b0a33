import MQTTCodec
import NIOCore
import Testing

@testable import MQTTBroker

/// Searches for subscriptions in a shard.
@Suite struct SubscriptionSearchTests {
    private let broker = SimulatedBroker()

    init() {
        for number in 0..<5 {
            let client = broker.connect("client \(number)")
            client.subscribe("fleet/\(number)/#", qos: .atLeastOnce)
            client.subscribe("all", qos: .exactlyOnce, noLocal: number == 3)
        }
    }

    private func find(_ search: SubscriptionSearch) throws -> SubscriptionSearch.Found {
        let isTaken = broker.shards[0].shard.ask(.subscriptions(search), number: 1, now: broker.now)
        #expect(isTaken)
        guard case .subscriptions(let found)? = broker.shards[0].shard.takeAnswers().first?.answer else {
            throw SimulatedClient.Missing(what: "subscriptions")
        }
        return found
    }

    @Test("All, in pages") func pages() throws {
        var seen: [String] = []
        for skip in stride(from: 0, through: 12, by: 3) {
            let found = try find(SubscriptionSearch(skip: skip, limit: 3))
            #expect(found.count == 10)
            seen += found.rows.map { "\($0.client) \($0.filter)" }
        }
        #expect(seen.count == 10 && Set(seen).count == 10)
    }

    @Test("Of a client") func client() throws {
        let found = try find(SubscriptionSearch(client: "client 3"))
        #expect(found.count == 2)
        let all = try #require(found.rows.first { $0.filter == "all" })
        #expect(all.qos == 2 && all.noLocal && !all.retainAsPublished && !all.isDurable)
        #expect(try find(SubscriptionSearch(client: "nobody")).count == 0)
    }

    @Test("Of a filter, at a QoS") func filter() throws {
        #expect(try find(SubscriptionSearch(filter: "all")).count == 5)
        #expect(try find(SubscriptionSearch(filter: "all", qos: 1)).count == 0)
        #expect(try find(SubscriptionSearch(qos: 1)).count == 5)
    }

    @Test(
        "Matched by a filter",
        arguments: [("fleet/#", 5), ("fleet/+/#", 5), ("fleet/2/+", 1), ("+", 5), ("#", 10), ("fleet", 0)]
    )
    func pattern(_ pattern: String, _ count: Int) throws {
        #expect(try find(SubscriptionSearch(pattern: pattern)).count == count)
    }

    @Test("A session with many subscriptions takes several ticks") func steps() throws {
        var limits = Limits()
        limits.maximumStepsPerTick = 20
        let broker = SimulatedBroker(limits: limits)
        let client = broker.connect("client")
        for number in 0..<100 { client.subscribe("topic/\(number)") }
        let isTaken = broker.shards[0].shard.ask(
            .subscriptions(SubscriptionSearch(client: "client", limit: 1_000)),
            number: 1,
            now: broker.now
        )
        #expect(isTaken)
        var ticks = 0
        while !broker.shards[0].shard.hasAnswers, ticks < 1_000 {
            broker.advance(by: .milliseconds(1))
            ticks += 1
        }
        #expect(ticks >= 9)
        guard case .subscriptions(let found)? = broker.shards[0].shard.takeAnswers().first?.answer else {
            throw SimulatedClient.Missing(what: "subscriptions")
        }
        #expect(found.count == 100 && Set(found.rows.map(\.filter)).count == 100)
    }
}
