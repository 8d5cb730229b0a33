import Dispatch
import Foundation
import Logging
import NIOConcurrencyHelpers
import NIOCore
import StoreFixture
import Testing

@testable import BrokerStorage

struct CommitWriterTests {
    let folder: TestFolder

    init() throws { folder = try TestFolder() }

    private func writer(_ limits: StoreLimits = StoreLimits()) throws -> CommitWriter {
        try CommitWriter(CommitLog.open(folder: folder.path, limits: limits), logger: Logger(label: "test"))
    }

    private var recovered: [RecoveredCommit] {
        get throws { try CommitLog.open(folder: folder.path).all() }
    }

    private func batches() throws -> [ProbeBatch] {
        try recovered.flatMap { commit -> [ProbeBatch] in
            guard case .commit(_, let octets) = commit else { return [] }
            return try #require(ProbeBatch.all(in: octets))
        }
    }

    @Test func tellsASourceOfItsCommit() async throws {
        let writer = try writer()
        let told = Recorder()
        let source = writer.source(told.record)
        #expect(writer.submit(Batch(ProbeBatch(1).octets), from: source) == Submission(isTaken: true, admission: .all))
        try await wait(for: "the commit") { told.batches == 1 }
        #expect(told.all == [.committed(number: 1, batches: 1)])
        #expect(writer.counters.commits == 1)
        #expect(writer.queuedOctets == 0)
        writer.close()
        #expect(try recovered == RecoveredCommit.made(1...1))
    }

    @Test func writesWhatItHasTakenBeforeItCloses() throws {
        let writer = try writer()
        let told = Recorder()
        let source = writer.source(told.record)
        for number in 1...100 {
            #expect(writer.submit(Batch(ProbeBatch(Int64(number)).octets), from: source).isTaken)
        }
        writer.close()
        #expect(told.batches == 100)
        #expect(try batches().map(\.sequence) == Array(1...100))
    }

    @Test func goesOnWithTheNextNumber() throws {
        for round in 1...3 {
            let writer = try writer()
            _ = writer.submit(Batch(ProbeBatch(Int64(round)).octets), from: writer.source { _ in })
            writer.close()
        }
        #expect(try recovered == RecoveredCommit.made(1...3))
    }

    /// A source whose first commit blocks the writer, so that the next batches come while it is at work.
    private func blocked(_ writer: CommitWriter) -> DispatchSemaphore {
        let (gate, arrived) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        let isFirst = NIOLockedValueBox(true)
        let source = writer.source { _ in
            guard
                isFirst.withLockedValue({ first in
                    defer { first = false }
                    return first
                })
            else { return }
            arrived.signal()
            gate.wait()
        }
        _ = writer.submit(Batch(ByteBuffer(string: "first")), from: source)
        arrived.wait()
        return gate
    }

    @Test func makesOneCommitOfWhatHasComeAndTellsEachSourceOnce() async throws {
        let writer = try writer()
        let gate = blocked(writer)
        let told = (0..<4).map { _ in Recorder() }
        let sources = told.map { writer.source($0.record) }
        for number in 0..<12 { _ = writer.submit(Batch(ByteBuffer(string: "\(number);")), from: sources[number % 4]) }
        gate.signal()
        try await wait(for: "the commit") { told.allSatisfy { $0.batches == 3 } }
        #expect(told.allSatisfy { $0.all == [.committed(number: 2, batches: 3)] })
        writer.close()
        #expect(try recovered.last == .commit(number: 2, octets: ByteBuffer(string: "0;1;2;3;4;5;6;7;8;9;10;11;")))
    }

    @Test func putsWhatDoesNotFitIntoTheNextCommit() async throws {
        let writer = try writer()
        let gate = blocked(writer)
        let told = Recorder()
        let source = writer.source(told.record)
        for number in 1...3 { _ = writer.submit(Batch(ProbeBatch(Int64(number), 200_000).octets), from: source) }
        gate.signal()
        try await wait(for: "the commits") { told.batches == 3 }
        #expect(told.all == [.committed(number: 2, batches: 2), .committed(number: 3, batches: 1)])
        writer.close()
    }

    @Test func keepsTheOrderOfEachOfManyThreads() async throws {
        let writer = try writer()
        let told = (0..<6).map { _ in Recorder() }
        let sources = told.map { writer.source($0.record) }
        await withTaskGroup { group in
            for (index, source) in sources.enumerated() {
                group.addTask {
                    for sequence in 1...300 {
                        let batch = ProbeBatch(source: UInt8(index), sequence: UInt64(sequence), count: 500)
                        _ = writer.submit(Batch(batch.octets), from: source)
                    }
                }
            }
        }
        writer.close()
        #expect(told.allSatisfy { $0.batches == 300 })
        let found = try batches()
        for index in 0..<6 {
            #expect(found.filter { $0.source == index }.map(\.sequence) == Array(1...300))
        }
    }

    @Test func saysWhenTheQueueIsFullAndWhenItIsNoMore() async throws {
        var limits = StoreLimits()
        limits.maximumQueuedOctets = 10_000
        let writer = try writer(limits)
        let gate = blocked(writer)
        let told = Recorder()
        let source = writer.source(told.record)
        for number in 1...9 { #expect(writer.submit(Batch(ProbeBatch(Int64(number)).octets), from: source).isTaken) }
        let refused = writer.submit(Batch(ProbeBatch(10, 2_000).octets), from: source)
        #expect(refused == Submission(isTaken: false, admission: .drainingOnly(.memory)))
        #expect(writer.submit(Batch(ProbeBatch(10).octets, .draining), from: source).isTaken)
        #expect(writer.admission == .drainingOnly(.memory))
        gate.signal()
        try await wait(for: "admission") { writer.admission == .all && told.batches == 10 }
        #expect(writer.submit(Batch(ProbeBatch(11).octets), from: source).isTaken)
        writer.close()
        #expect(writer.counters.batchesRefusedForMemory == 1)
    }

    @Test func trimsWhenItIsIdle() async throws {
        let writer = try writer()
        let told = Recorder()
        let source = writer.source(told.record)
        for number in 1...200 {
            _ = writer.submit(Batch(ProbeBatch(Int64(number)).octets), from: source)
            try await wait(for: "commit \(number)") { told.batches == number }
        }
        writer.trim(below: 190)
        try await wait(for: "trims") { writer.counters.trims >= 3 }
        writer.close()
        #expect(try CommitLog.open(folder: folder.path).numbers() == 190...200)
    }

    // MARK: The bound of the database

    /// A megabyte, of which a quarter is the reserve.
    private var small: StoreLimits {
        var limits = StoreLimits()
        limits.maximumOctets = 1_048_576
        limits.reserve = 262_144
        limits.maximumQueuedOctets = 65_536
        limits.maximumCommitOctets = 16_384
        return limits
    }

    @Test func drainsAFullStoreFromTheReserve() async throws {
        let writer = try writer(small)
        let told = Recorder()
        let source = writer.source(told.record)
        var taken: Int64 = 0
        while taken < 1_000 {
            let submission = writer.submit(Batch(ProbeBatch(taken + 1, 8_000).octets), from: source)
            guard submission.isTaken else {
                if submission.admission == .drainingOnly(.space) { break }
                try await Task.sleep(for: .milliseconds(1))
                continue
            }
            taken += 1
            try await wait(for: "commit \(taken)") { told.batches == taken }
        }
        #expect(taken > 50 && taken < 98)
        #expect(writer.health.name == "full")
        #expect(writer.health.description.contains("store.max_bytes"))

        // What empties the store is taken, also behind the last ordinary batch.
        for number in 1...10 {
            #expect(writer.submit(Batch(ProbeBatch(taken + Int64(number)).octets, .draining), from: source).isTaken)
        }
        try await wait(for: "draining") { told.batches == Int(taken) + 10 }

        writer.trim(below: told.last - 20)
        try await wait(for: "space") { writer.admission == .all }
        #expect(writer.health == .well)
        #expect(writer.submit(Batch(ProbeBatch(taken + 11, 8_000).octets), from: source).isTaken)
        writer.close()
        #expect(told.batches == Int(taken) + 11)
        let changes = told.all.filter { if case .admission = $0 { true } else { false } }
        #expect(changes == [.admission(.drainingOnly(.space)), .admission(.all)])
        #expect(writer.counters.batchesRefusedForSpace == 1)
    }
}
