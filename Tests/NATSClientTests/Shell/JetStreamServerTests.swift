import Foundation
import NATSClient
import NATSFixture
import NIOCore
import Testing

/// The client and three real nats-servers with a stream of three replicas.
@Suite(.serialized) struct JetStreamServerTests {
    private static let stream: StreamConfiguration = {
        var stream = StreamConfiguration(name: "MARTLET_test_L0", subjects: ["martlet.test.lane.*"], replicas: 3)
        stream.maximumBytes = 100_000_000
        return stream
    }()

    private func lane(_ number: Int) throws -> Subject { try #require(Subject("martlet.test.lane.\(number)")) }

    private func payload(_ lane: Int, _ batch: Int) -> ByteBuffer {
        ByteBuffer(string: "lane \(lane), batch \(batch) " + String(repeating: "x", count: batch * 37 % 5_000))
    }

    /// Appends batches to a lane, each behind the one before, and returns their sequences.
    private func fill(_ client: TestClient, _ lane: Int, _ count: Int, after first: UInt64 = 0) async throws -> [UInt64]
    {
        var sequences: [UInt64] = []
        for batch in 0..<count {
            let append = Append(to: try self.lane(lane), expecting: sequences.last ?? first, payload(lane, batch))
            guard case .stored(let sequence) = try await client.append(append) else {
                Issue.record("batch \(batch) of lane \(lane) is not stored")
                break
            }
            sequences.append(sequence)
        }
        return sequences
    }

    /// Everything that a replay gives until it is current.
    private func replay(
        _ client: TestClient,
        _ filters: [String],
        _ start: ReplayStart = .first
    ) async throws -> [StoredMessage] {
        try await replay(client, OrderedConsumer(stream: Self.stream.name, filters: filters, start: start))
    }

    private func replay(_ client: TestClient, _ consumer: OrderedConsumer) async throws -> [StoredMessage] {
        try await client.call { client in
            let promise = client.eventLoop.makePromise(of: [StoredMessage].self)
            let box = NIOLoopBoundBox.makeBoxSendingValue([StoredMessage](), eventLoop: client.eventLoop)
            let replay = NIOLoopBoundBox<Replay?>.makeEmptyBox(valueType: Replay.self, eventLoop: client.eventLoop)
            replay.value = client.replay(consumer) { event in
                switch event {
                case .message(let message): box.value.append(message)
                case .current:
                    promise.succeed(box.value)
                    replay.value?.stop()
                case .refused(let error): promise.fail(error)
                }
            }
            return promise.futureResult
        }
    }

    /// What a replay of a lane gives, for as long as the client lives.
    private func watch(_ client: TestClient, _ number: Int) async throws -> NIOLoopBoundBox<[ByteBuffer]> {
        let consumer = OrderedConsumer(stream: Self.stream.name, filters: [try lane(number).description], start: .first)
        return try await client.now { client in
            let box = NIOLoopBoundBox.makeBoxSendingValue([ByteBuffer](), eventLoop: client.eventLoop)
            _ = client.replay(consumer) { event in
                if case .message(let message) = event { box.value.append(message.publication.payload) }
            }
            return box
        }
    }

    @Test("A stream keeps what is appended on condition, fences, replays, purges, and survives the death of its leader")
    func wholeLife() async throws {
        try await NATSCluster.with { cluster in
            let client = try await TestClient(cluster.ports)
            try await client.wait(for: "ready")
            let info = try await client.ask(.create(Self.stream))
            #expect(
                info.config.replicas == 3 && info.config.deniesDelete && !info.config.allowsDirect
                    && info.config.discard == .new
            )
            #expect(try await client.ask(.update(Self.stream)).config == info.config)

            try await appends(client)
            try await probes(client)
            try await replays(client)
            try await purges(client)
            try await bucket(client)
            try await leaderKilled(client, cluster)
            try await client.stop()
        }
    }

    private func appends(_ client: TestClient) async throws {
        let sequences = try await fill(client, 1, 20)
        #expect(sequences == sequences.sorted() && sequences.count == 20)
        let stale = Append(to: try lane(1), expecting: sequences[18], ByteBuffer(string: "stale"))
        #expect(try await client.append(stale) == .sequenceIsAnother)
        let again = Append(to: try lane(1), expecting: sequences[18], payload(1, 19))
        #expect(try await client.append(again) == .sequenceIsAnother, "the same append is stored once")
        let last = try await client.ask(.last(of: try lane(1), in: Self.stream.name))
        #expect(last.sequence == sequences[19] && last.payload == payload(1, 19))
        let tooLarge = Append(to: try lane(1), expecting: sequences[19], ByteBuffer(repeating: 0, count: 1 << 20))
        guard case .refused = try await client.append(tooLarge) else {
            Issue.record("a message over the maximum payload is not refused")
            return
        }
        let nowhere = try #require(Subject("martlet.nowhere"))
        let unheard = try await client.call { $0.append(Append(to: nowhere, expecting: 0, ByteBuffer())) }
        #expect(unheard == .noAnswer(.noResponders))
    }

    /// An answer may come too late, and a second attempt finds another sequence then: that decides nothing, and nothing is stored twice.
    private func probes(_ client: TestClient) async throws {
        let other = try await TestClient(try await client.now { $0.configuration.servers.map(\.port) })
        try await other.wait(for: "ready")
        var results: [ProbeResult] = []
        for number in 100..<110 {
            let subject = try lane(number)
            results.append(try await client.call { $0.probe(subject, until: .now() + .seconds(60)) })
            #expect(try await replay(client, [subject.description]).count == 1)
        }
        // The same from two clients, which may be at two servers.
        for number in 110..<130 {
            let subject = try lane(number)
            async let first = client.append(Append(to: subject, expecting: 0, ByteBuffer(string: "one")))
            async let second = other.append(Append(to: subject, expecting: 0, ByteBuffer(string: "other")))
            results.append(ProbeResult([try await first, try await second]))
            #expect(try await replay(client, [subject.description]).count == 1)
        }
        #expect(!results.contains(.notFenced) && results.contains(.fenced))
        try await other.stop()
    }

    private func replays(_ client: TestClient) async throws {
        _ = try await fill(client, 2, 40)
        let both = try await replay(client, ["martlet.test.lane.1", "martlet.test.lane.2"])
        #expect(both.map(\.sequence) == both.map(\.sequence).sorted() && both.count == 60)
        for (number, count) in [(1, 20), (2, 40)] {
            let subject = try lane(number).octets
            let payloads = both.filter { $0.publication.subject == subject }.map(\.publication.payload)
            #expect(payloads == (0..<count).map { payload(number, $0) })
        }
        let tail = try await replay(client, ["martlet.test.lane.2"], .sequence(both[both.count - 5].sequence))
        #expect(tail.map(\.sequence) == both.suffix(5).map(\.sequence))
        let nothing = try await replay(client, ["martlet.test.lane.99"])
        #expect(nothing.isEmpty)
        // Many more octets than one window of flow control.
        let large = ByteBuffer(repeating: 7, count: 400_000)
        var expected: UInt64 = 0
        for _ in 0..<30 {
            guard
                case .stored(let sequence) = try await client.append(
                    Append(to: try lane(3), expecting: expected, large)
                )
            else {
                Issue.record("not stored")
                return
            }
            expected = sequence
        }
        #expect(try await replay(client, ["martlet.test.lane.3"]).count { $0.publication.payload == large } == 30)
        await #expect(throws: JetStreamError.self) {
            try await replay(client, OrderedConsumer(stream: "NONE", filters: [], start: .first))
        }
    }

    private func purges(_ client: TestClient) async throws {
        let before = try await replay(client, ["martlet.test.lane.2"])
        let purged = try await client.ask(.purge(try lane(2), in: Self.stream.name, before: before[30].sequence))
        #expect(purged.purged == 30)
        let after = try await replay(client, ["martlet.test.lane.2"])
        #expect(after.map(\.sequence) == before.suffix(10).map(\.sequence))
        #expect(try await replay(client, ["martlet.test.lane.1"]).count == 20, "another lane keeps its own")
    }

    private func bucket(_ client: TestClient) async throws {
        let bucket = try #require(KeyValueBucket(name: "members"))
        _ = try await client.ask(.create(bucket.configuration(replicas: 3)))
        let key = try #require(bucket.subject(of: "node.1"))
        guard
            case .stored(let first) = try await client.append(
                bucket.put(ByteBuffer(string: "a"), for: key, expecting: 0)
            )
        else {
            Issue.record("a key cannot be created")
            return
        }
        #expect(
            try await client.append(bucket.put(ByteBuffer(string: "b"), for: key, expecting: 0)) == .sequenceIsAnother
        )
        guard
            case .stored(let second) = try await client.append(
                bucket.put(ByteBuffer(string: "c"), for: key, expecting: first)
            )
        else {
            Issue.record("a key cannot be updated")
            return
        }
        #expect(try await client.ask(.last(of: key, in: bucket.stream)).payload == ByteBuffer(string: "c"))
        let values = try await replay(client, bucket.watch())
        #expect(values.map(\.publication.payload) == [ByteBuffer(string: "c")])
        guard case .stored = try await client.append(bucket.delete(key, expecting: second)) else {
            Issue.record("a key cannot be deleted")
            return
        }
        let last = try await client.ask(.last(of: key, in: bucket.stream))
        #expect(KeyValueBucket.isDeleted(last.headers))
        let absent = try #require(bucket.subject(of: "node.2"))
        await #expect { try await client.ask(.last(of: absent, in: bucket.stream)) } throws: { error in
            if case .refused(let error)? = error as? JetStreamFailure {
                error.errorCode == JetStreamError.noMessage
            } else {
                false
            }
        }
    }

    /// The leader is killed while a lane is written: what is appended is stored once, whether an attempt was answered or not.
    private func leaderKilled(_ client: TestClient, _ cluster: NATSCluster) async throws {
        let info = try await client.ask(.info(of: Self.stream.name))
        let leader = try #require(cluster.ports.indices.first { NATSCluster.name($0) == info.cluster?.leader })
        let watched = try await watch(client, 4)
        var sequences = try await fill(client, 4, 5)
        for batch in 5..<25 {
            let append = Append(to: try lane(4), expecting: try #require(sequences.last), payload(4, batch))
            async let answer = client.append(append)
            if batch == 10 { cluster.signal(leader, SIGKILL) }
            switch try await answer {
            case .stored(let sequence): sequences.append(sequence)
            case .sequenceIsAnother:
                // An attempt without an answer was stored: the last message is this one.
                let last = try await client.ask(.last(of: try lane(4), in: Self.stream.name))
                #expect(last.payload == payload(4, batch))
                sequences.append(last.sequence)
            case let answer: Issue.record("\(answer)")
            }
        }
        await cluster.kill(leader)
        #expect(try await client.ask(.info(of: Self.stream.name)).cluster?.leader != NATSCluster.name(leader))
        let stored = try await replay(client, ["martlet.test.lane.4"])
        #expect(stored.map(\.sequence) == sequences)
        #expect(stored.map(\.publication.payload) == (0..<25).map { payload(4, $0) }, "each once, in order")
        // The replay that began before, whatever became of its consumer.
        try await poll("the watched lane") { try await client.now { _ in watched.value.count } >= 25 }
        let seen = try await client.now { _ in watched.value }
        #expect(seen == stored.map(\.publication.payload))

        try cluster.start(leader)
        try await poll("the killed server's replica") {
            let replicas = try await client.ask(.info(of: Self.stream.name)).cluster?.replicas ?? []
            return replicas.count == 2 && replicas.allSatisfy { $0.current && $0.offline != true }
        }
    }

    @Test("A client leaves a server that is about to stop for another one") func lameDuck() async throws {
        try await NATSCluster.with { cluster in
            let client = try await TestClient(cluster.ports)
            try await client.wait(for: "ready")
            let name = try #require(try await client.now { $0.serverInfo?.name })
            let index = try #require(cluster.ports.indices.first { NATSCluster.name($0) == name })
            cluster.signal(index, SIGUSR2)
            try await client.wait(for: "disconnected: the NATS server is about to stop")
            try await client.wait(for: "ready", times: 2)
            #expect(try await client.now { $0.serverInfo?.name } != name)
            try await client.stop()
        }
    }
}
