import MQTTCodec
import NIOCore
import Testing

@testable import MQTTBroker

/// Searches for clients in a shard, as lists and searches of administrators ask for.
@Suite struct ClientSearchTests {
    private let broker = SimulatedBroker(
        limits: {
            var limits = Limits()
            limits.maximumStepsPerTick = 20
            return limits
        }()
    )

    /// Asks, and lets ticks go by until there is an answer.
    private func ask(_ inquiry: Inquiry, of shard: Int = 0) throws -> Inquiry.Answer {
        let isTaken = broker.shards[shard].shard.ask(inquiry, number: 7, now: broker.now)
        #expect(isTaken)
        for _ in 0..<10_000 {
            if let first = broker.shards[shard].shard.takeAnswers().first {
                #expect(first.number == 7)
                return first.answer
            }
            broker.advance(by: .milliseconds(1))
        }
        throw SimulatedClient.Missing(what: "an answer")
    }

    private func find(_ search: ClientSearch, of shard: Int = 0) throws -> ClientSearch.Found {
        guard case .clients(let found) = try ask(.clients(search), of: shard) else {
            throw SimulatedClient.Missing(what: "clients")
        }
        return found
    }

    private func names(_ search: ClientSearch) throws -> [String] { try find(search).rows.map(\.client) }

    @Test("A client's row says what CONNECT said, and what it has sent and got") func row() throws {
        let client = broker.connect("car", keepAlive: 30, expiry: 100)
        client.subscribe("a", qos: .atLeastOnce)
        client.publish("a", "hello", qos: .atLeastOnce, identifier: 9)
        let row = try #require(try find(ClientSearch()).rows.first)
        #expect(row.client == "car")
        let connection = try #require(row.connection)
        #expect(connection.version == 5)
        #expect(connection.keepAlive == 30)
        #expect(connection.cleanStart)
        #expect(connection.listener == "test")
        #expect(connection.connected == broker.now.wall)
        #expect(connection.messagesReceived == 1)
        #expect(connection.messagesSent == 1)
        // CONNECT, SUBSCRIBE and PUBLISH; CONNACK, SUBACK, PUBLISH and PUBACK.
        #expect(connection.octetsReceived > 30 && connection.octetsReceived < 100)
        #expect(connection.octetsSent > 20 && connection.octetsSent < 100)
        let session = try #require(row.session)
        #expect(session.subscriptions == 1)
        #expect(session.inflight == 1)
        #expect(session.queued == 0)
        #expect(session.expiryInterval == 100)
    }

    @Test("What data streams carry counts for their client, also when they have ended") func streams() throws {
        let client = broker.connect("car")
        let stream = try broker.openStream(of: client)
        stream.publish("a", "x")
        let during = try #require(try find(ClientSearch()).rows.first?.connection)
        #expect(during.streams == 1 && during.messagesReceived == 1)
        broker.drop(stream)
        let after = try #require(try find(ClientSearch()).rows.first?.connection)
        #expect(after.streams == 0 && after.messagesReceived == 1)
        #expect(after.octetsReceived == during.octetsReceived)
    }

    @Test("Those who are not connected yet are no clients, and those who are away are") func away() throws {
        _ = broker.open()
        let durable = broker.connect("durable", expiry: 100)
        let transient = broker.connect("transient")
        #expect(try Set(names(ClientSearch())) == ["durable", "transient"])
        let gone = broker.now.wall
        broker.drop(durable)
        broker.drop(transient)
        let found = try find(ClientSearch())
        #expect(found.rows.map(\.client) == ["durable"])
        #expect(found.rows.first?.connection == nil)
        #expect(found.rows.first?.session?.awaySince == gone)
        var filter = ClientFilter()
        filter.isConnected = true
        #expect(try names(ClientSearch(filter)).isEmpty)
        filter.isConnected = false
        #expect(try names(ClientSearch(filter)) == ["durable"])
    }

    @Test("Pages and steps: each client once, and all of them counted") func pages() throws {
        let all = (0..<205).map { "client \($0)" }
        for name in all { broker.connect(name) }
        var seen: [String] = []
        for skip in stride(from: 0, to: 300, by: 50) {
            let found = try find(ClientSearch(skip: skip, limit: 50, counts: true))
            #expect(found.count == 205)
            seen += found.rows.map(\.client)
        }
        #expect(seen.count == 205 && Set(seen) == Set(all))
        seen = []
        var position: Int? = 0
        while let start = position {
            let found = try find(ClientSearch(limit: 50, position: start))
            seen += found.rows.map(\.client)
            position = found.position
        }
        #expect(seen.count == 205 && Set(seen) == Set(all))
    }

    @Test("A search that counts says where the rows behind go on") func countedPosition() throws {
        for number in 0..<20 { broker.connect("client \(number)") }
        let first = try find(ClientSearch(skip: 3, limit: 10, counts: true))
        #expect(first.count == 20 && first.rows.count == 10)
        let rest = try find(ClientSearch(limit: 10, position: try #require(first.position)))
        #expect(rest.rows.count == 7 && rest.position == nil)
        let seen = (first.rows + rest.rows).map(\.client)
        #expect(Set(seen).count == 17)
        #expect(try find(ClientSearch(limit: 20, counts: true)).position == nil)
    }

    @Test("As many sessions as are bounded are looked up at a time") func sessionBound() throws {
        let names = (0..<(Inquiry.maximumSessions + 5)).map { "client \($0)" }
        for name in names { broker.connect(name) }
        guard case .sessions(let sessions) = try ask(.sessions(of: names)) else {
            throw SimulatedClient.Missing(what: "sessions")
        }
        #expect(sessions.count == Inquiry.maximumSessions)
    }

    @Test("A walk by positions finds each client that stays, while others come and go") func change() throws {
        let staying = (0..<60).map { broker.connect("stays \($0)") }
        var coming = (0..<60).map { broker.connect("goes \($0)") }
        var seen: [String] = []
        var position: Int? = 0
        var round = 0
        while let start = position {
            let found = try find(ClientSearch(limit: 7, position: start))
            seen += found.rows.map(\.client)
            position = found.position
            broker.drop(coming.removeFirst())
            coming.append(broker.connect("comes \(round)"))
            round += 1
        }
        let stayed = seen.filter { $0.hasPrefix("stays") }
        #expect(stayed.count == 60 && Set(stayed).count == 60)
        withExtendedLifetime(staying) {}
    }

    @Test("Filters", arguments: [0, 1, 2, 3, 4, 5])
    func filters(_ which: Int) throws {
        broker.connect("truck 1", version: .v3_1_1)
        broker.advance(by: .seconds(10))
        broker.connect("car 1", cleanStart: false, expiry: 10)
        broker.connect("car 2")
        var filter = ClientFilter()
        var wanted: [String] = []
        switch which {
        case 0: (filter.clients, wanted) = (["car 2", "nobody"], ["car 2"])
        case 1: (filter.partOfClient, wanted) = ("r 1", ["car 1"])
        case 2: (filter.version, wanted) = (4, ["truck 1"])
        case 3: (filter.cleanStart, wanted) = (false, ["car 1"])
        case 4: (filter.connectedSince, wanted) = (broker.now.wall, ["car 1", "car 2"])
        default: (filter.listener, wanted) = ("quic", [])
        }
        #expect(try names(ClientSearch(filter)) == wanted)
        #expect(try find(ClientSearch(filter, limit: 0, counts: true)).count == wanted.count)
    }

    @Test("Sorted by a column, from either end") func order() throws {
        for number in 0..<40 {
            let client = broker.connect("client \(number % 10)\(number / 10)")
            for _ in 0..<(number % 7) { client.publish("a", "x") }
        }
        let order = ClientOrder(.messagesReceived, isDescending: true)
        let found = try find(ClientSearch(order: order, skip: 2, limit: 5, counts: true))
        #expect(found.count == 40)
        // The rows that are passed over are known once the rows of all shards are one list.
        #expect(found.rows.count == 7)
        #expect(found.rows.map { $0.connection?.messagesReceived } == [6, 6, 6, 6, 6, 5, 5])
        let last = try find(ClientSearch(order: ClientOrder(.client, isDescending: true), limit: 3))
        #expect(last.rows.map(\.client) == ["client 93", "client 92", "client 91"])
        let first = try find(ClientSearch(order: ClientOrder(.client), limit: 3))
        #expect(first.rows.map(\.client) == ["client 00", "client 01", "client 02"])
    }

    @Test("Messages that are dropped count for their client") func drops() throws {
        let client = broker.connect("car", expiry: 1_000)
        client.subscribe("a", qos: .atMostOnce)
        broker.drop(client)
        broker.connect("sender").publish("a", "x")
        let row = try find(ClientSearch(ClientFilter(isConnected: false))).rows.first
        #expect(row?.session?.dropped == (broker.limits.queuesQoS0 ? 0 : 1))
        #expect(row?.session?.queued == (broker.limits.queuesQoS0 ? 1 : 0))
    }

    @Test("Too many inquiries at a time are refused, and messages go on meanwhile") func bound() throws {
        for number in 0..<100 { broker.connect("client \(number)") }
        let search = Inquiry.clients(ClientSearch(counts: true))
        var taken = 0
        for number in 0..<100 where broker.shards[0].shard.ask(search, number: UInt64(number), now: broker.now) {
            taken += 1
        }
        #expect(taken == Shard.maximumInquiries)
        let client = broker.connect("late")
        client.subscribe("a")
        client.publish("a", "now")
        #expect(client.takePayloads() == ["now"])
        for _ in 0..<1_000 { broker.advance(by: .milliseconds(1)) }
        #expect(broker.shards[0].shard.takeAnswers().count == taken)
    }

    @Test("The session of a client at another shard is asked of its home") func home() throws {
        let broker = SimulatedBroker(shards: 4)
        for shard in 0..<4 {
            broker.connect("client", on: shard, cleanStart: false, expiry: 100).subscribe("a/\(shard)")
        }
        var rows: [ClientRow] = []
        for shard in 0..<4 {
            let isTaken = broker.shards[shard].shard.ask(.clients(ClientSearch()), number: 1, now: broker.now)
            #expect(isTaken)
            for case (_, .clients(let found)) in broker.shards[shard].shard.takeAnswers() { rows += found.rows }
        }
        // One row, whatever the shard that has the session.
        #expect(rows.count == 1)
        let row = try #require(rows.first)
        guard let home = row.home else { return #expect(row.session != nil) }
        let isTaken = broker.shards[home.index].shard.ask(
            .sessions(of: ["client", "nobody"]),
            number: 2,
            now: broker.now
        )
        #expect(isTaken)
        guard case .sessions(let sessions)? = broker.shards[home.index].shard.takeAnswers().first?.answer else {
            throw SimulatedClient.Missing(what: "sessions")
        }
        #expect(sessions.map(\.subscriptions) == [4])
    }
}

extension ClientFilter {
    fileprivate init(isConnected: Bool) {
        self.init()
        self.isConnected = isConnected
    }
}
