import BrokerCluster
import Foundation
import NATSClient
import NATSFixture
import NIOCore
import Testing

/// Lanes in real nats-servers.
@Suite(.serialized) struct LaneStreamsServerTests {
    @Test("Three servers: lanes are taken, fenced, purged, replayed together, and survive the death of a server")
    func wholeLife() async throws {
        try await NATSCluster.with { cluster in
            let one = try await TestLanes(cluster.ports, node: 1)
            let two = try await TestLanes(cluster.ports, node: 2)
            async let first = one.prepare()
            async let second = two.prepare()
            guard case (.success, .success) = (try await first, try await second) else {
                Issue.record("\(try await first), \(try await second)")
                return
            }
            try await fences(one, two)
            try await readsAhead(one, two)
            try await race(one, two)
            try await purges(one, two)
            try await replaysTogether(one, two)
            try await serverKilled(one, two, cluster)
            try await one.stop()
            try await two.stop()
        }
    }

    private func fences(_ one: TestLanes, _ two: TestLanes) async throws {
        let (taken, nothing) = try await one.take(3)
        let term = try taken.get()
        #expect(term.number == 1 && term.previous == nil && nothing.isEmpty)
        #expect(try await one.take(3).0 == .failure(.underWay))
        #expect(try await two.append("x", to: 3) == .failure(.notLed))
        let position = try await one.append("a", to: 3).get()
        #expect(position > term.position)
        let large = ByteBuffer(repeating: 1, count: LaneLimits().maximumBatch)
        #expect(try await one.append(large, to: 3).get() > position)
        var larger = large
        larger.writeInteger(UInt8(0))
        #expect(try await one.append(larger, to: 3) == .failure(.tooLarge(maximum: large.readableBytes)))

        let (other, batches) = try await two.take(3)
        #expect(try other.get().number == 2 && other.get().previous == LaneLeader(node: 1, run: 1_000))
        #expect(batches == [ByteBuffer(string: "a"), large])
        #expect(try await one.append("b", to: 3) == .failure(.fenced(by: LaneLeader(node: 2, run: 2_000))))
        #expect(try await one.append("b", to: 3) == .failure(.notLed))
        #expect(try await one.now { $0.counters.fenced } == 1)
        _ = try await two.append("c", to: 3).get()
        #expect(try await one.take(3).batches.last == ByteBuffer(string: "c"))
        #expect(
            try await two.append("d", to: 3) == .failure(.fenced(by: LaneLeader(node: 1, run: 1_000))),
            "a term record fences as well"
        )
        try await one.now { $0.release(3) }
    }

    /// A lane is taken from a run that appends to it: what that one was told is stored comes in the replay, and nothing else.
    private func readsAhead(_ one: TestLanes, _ two: TestLanes) async throws {
        let lane = 60
        _ = try await one.take(lane).0.get()
        async let stored = appendUntilFenced(one, lane)
        try await Task.sleep(for: .milliseconds(500))
        let (taken, batches) = try await two.take(lane, isServed: true)
        #expect(try taken.get().number == 2)
        let acknowledged = try await stored
        #expect(acknowledged.count > 1 && batches == acknowledged)
        #expect(try await two.take(lane, isServed: true).0 == .failure(.underWay))
        // An empty lane, and several of a stream at once.
        async let empty = one.take(61, isServed: true)
        async let back = one.take(lane, isServed: true)
        #expect(try await empty.0.get().number == 1)
        #expect(try await back.batches == acknowledged)
        for lane in [lane, 61] { try await one.now { $0.release(lane) } }
        try await two.now { $0.release(lane) }
    }

    private func appendUntilFenced(_ lanes: TestLanes, _ lane: Int) async throws -> [ByteBuffer] {
        var stored: [ByteBuffer] = []
        while true {
            let batch = ByteBuffer(string: "\(stored.count)")
            switch try await lanes.append(batch, to: lane) {
            case .success: stored.append(batch)
            case .failure(.fenced): return stored
            case .failure(let failure): throw failure
            }
            // Between two appends there has to be room for a term record.
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    /// Both take lanes at once: of each one leads in the end, and whoever was first or too late is fenced.
    private func race(_ one: TestLanes, _ two: TestLanes) async throws {
        for lane in 4..<14 {
            async let first = one.take(lane)
            async let second = two.take(lane)
            let taken = [try await first.0, try await second.0]
            var stored: [ByteBuffer] = []
            var leaders = 0
            for (lanes, result) in zip([one, two], taken) {
                guard case .success = result else {
                    guard case .failure(.fenced) = result else {
                        Issue.record("\(result)")
                        continue
                    }
                    continue
                }
                switch try await lanes.append("lane \(lane)", to: lane) {
                case .success:
                    leaders += 1
                    stored.append(ByteBuffer(string: "lane \(lane)"))
                case .failure(.fenced): break
                case .failure(let failure): Issue.record("\(failure)")
                }
            }
            #expect(leaders == 1)
            for lanes in [one, two] { try await lanes.now { $0.release(lane) } }
            #expect(try await one.take(lane).batches == stored)
            try await one.now { $0.release(lane) }
        }
    }

    private func purges(_ one: TestLanes, _ two: TestLanes) async throws {
        _ = try await one.take(20).0.get()
        var positions: [LanePosition] = []
        for batch in 0..<30 { positions.append(try await one.append("batch \(batch)", to: 20).get()) }
        let middle = positions[20]
        try await one.now { $0.purge(20, before: LanePosition(sequence: UInt64.max)) }
        try await one.now { $0.purge(20, before: middle) }
        try await waitUntil("the purge") { try await one.now { $0.counters.purged } == 21 }
        let (taken, batches) = try await two.take(20)
        #expect(try taken.get().number == 2)
        #expect(batches == (20..<30).map { ByteBuffer(string: "batch \($0)") })
        try await two.now { $0.release(20) }
        try await one.now { $0.release(20) }
    }

    /// Some thousand batches in lanes of two streams: each lane gives its own, in order.
    private func replaysTogether(_ one: TestLanes, _ two: TestLanes) async throws {
        let lanes = [32, 33, 34, 47, 48, 49]
        try await withThrowingTaskGroup(of: Void.self) { group in
            for lane in lanes {
                group.addTask {
                    _ = try await one.take(lane).0.get()
                    for batch in 0..<600 {
                        let text = "lane \(lane), batch \(batch) " + String(repeating: "x", count: batch * 7 % 900)
                        _ = try await one.append(text, to: lane).get()
                    }
                }
            }
            try await group.waitForAll()
        }
        let all = try await withThrowingTaskGroup(of: (Int, [ByteBuffer]).self) { group in
            for lane in lanes {
                group.addTask {
                    let (taken, batches) = try await two.take(lane)
                    _ = try taken.get()
                    return (lane, batches)
                }
            }
            var all: [Int: [ByteBuffer]] = [:]
            for try await (lane, batches) in group { all[lane] = batches }
            return all
        }
        for lane in lanes {
            let expected = (0..<600).map { batch in
                ByteBuffer(string: "lane \(lane), batch \(batch) " + String(repeating: "x", count: batch * 7 % 900))
            }
            #expect(all[lane] == expected, "lane \(lane)")
        }
        #expect(try await two.now { $0.statuses.map(\.term.lane) } == lanes)
        for lane in lanes { try await two.now { $0.release(lane) } }
    }

    /// The server that leads a stream is killed during appends: each batch is stored once, and the lane says that it was suspended.
    private func serverKilled(_ one: TestLanes, _ two: TestLanes, _ cluster: NATSCluster) async throws {
        let watching = try await TestLanes(cluster.ports, node: 3)
        let leader = try await watching.leader(ofStream: 0)
        let index = try #require(cluster.ports.indices.first { NATSCluster.name($0) == leader })
        let lanes = [0, 1, 2]
        let before = try await one.now { $0.counters.appends }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for lane in lanes {
                group.addTask {
                    _ = try await one.take(lane).0.get()
                    for batch in 0..<200 {
                        _ = try await one.append("lane \(lane), batch \(batch)", to: lane).get()
                    }
                }
            }
            try await waitUntil("some appends") { try await one.now { $0.counters.appends } > before + 150 }
            cluster.signal(index, SIGKILL)
            try await group.waitForAll()
        }
        await cluster.kill(index)
        for lane in lanes {
            let (taken, batches) = try await two.take(lane)
            #expect(try taken.get().number == 2)
            #expect(batches == (0..<200).map { ByteBuffer(string: "lane \(lane), batch \($0)") })
        }
        let lines = try await one.healthLines()
        #expect(lines.contains("0 is suspended") && lines.contains("0 serves"))
        try await watching.stop()
    }

    @Test("One server: what is under way ends when the lane is released, and streams that are unfit are told")
    func oneServer() async throws {
        try await NATSCluster.with(servers: 1) { cluster in
            let lanes = try await TestLanes(cluster.ports, node: 1, replicas: 1)
            guard case .success = try await lanes.prepare() else {
                Issue.record("not prepared")
                return
            }
            _ = try await lanes.take(1).0.get()
            await cluster.kill(0)
            async let append = lanes.append("a", to: 1)
            async let take = lanes.take(2)
            try await waitUntil("the suspension") { try await lanes.healthLines() == ["1 is suspended"] }
            #expect(try await lanes.append("b", to: 1) == .failure(.underWay))
            try await lanes.now { $0.end() }
            #expect(try await append == .failure(.released))
            #expect(try await take.0 == .failure(.released))
            #expect(try await lanes.take(1).0 == .failure(.notReady))
            try cluster.start(0)
            let demanding = try await TestLanes(cluster.ports, node: 2, replicas: 3)
            guard case .failure(.unfit(let complaint)) = try await demanding.prepare() else {
                Issue.record("a stream with too few replicas is taken")
                return
            }
            #expect(complaint == "stream MARTLET_test_L0 has 1 replicas, and 3 are needed")
            try await lanes.stop()
            try await demanding.stop()
        }
    }

    @Test("A message that was taken out of the middle of a lane is damage, and its sentence says which") func damage()
        async throws
    {
        try await NATSCluster.with(servers: 1) { cluster in
            let lanes = try await TestLanes(cluster.ports, node: 1, replicas: 1)
            _ = try await lanes.prepare().get()
            _ = try await lanes.take(1).0.get()
            _ = try await lanes.append("a", to: 1).get()
            // Somebody else writes to the lane as the leader, with a hole.
            let position = try await lanes.append("b", to: 1).get()
            let message = LaneMessage(
                term: 1,
                previous: position.sequence + 5,
                leader: LaneLeader(node: 1, run: 1_000),
                content: .batch(ByteBuffer())
            )
            let subject = LaneSubjects(try #require(ClusterName(TestLanes.cluster))).subject(of: 1)
            _ = try await lanes.publish(Append(to: subject, expecting: position.sequence, message.octets))
            guard case .failure(.damaged(let detail)) = try await lanes.append("c", to: 1) else {
                Issue.record("a foreign message is not noticed")
                return
            }
            #expect(detail.contains("of term 1 behind 1"))
            guard case .failure(.damaged(let other)) = try await lanes.take(1).0 else {
                Issue.record("a hole is not noticed")
                return
            }
            #expect(other.contains("is before it") || other.contains("lacks message"))
            try await lanes.stop()
        }
    }
}
