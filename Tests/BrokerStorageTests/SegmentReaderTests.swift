import Foundation
import Logging
import NIOCore
import Testing

@testable import BrokerStorage

/// Segments of queues: rows beside the log that a commit writes and deletes.
struct SegmentReaderTests {
    let folder: TestFolder

    init() throws { folder = try TestFolder() }

    private func octets(_ number: Int64) -> ByteBuffer { ByteBuffer(repeating: UInt8(number), count: 100_000) }

    @Test func readsWhatIsCommittedBesideTheWriter() async throws {
        let log = try CommitLog.open(folder: folder.path)
        let writer = try CommitWriter(log, logger: Logger(label: "test"))
        let told = Recorder()
        let source = writer.source(told.record)
        let reader = try SegmentReader(log)
        #expect(try reader.read(1) == nil)
        let first = SegmentChanges(added: [(1, octets(1)), (2, octets(2))])
        #expect(writer.submit(Batch(ByteBuffer(string: "a"), segments: first), from: source).isTaken)
        try await wait(for: "the commit") { told.batches == 1 }
        #expect(try reader.read(1) == octets(1))
        #expect(try reader.read(2) == octets(2))
        let second = SegmentChanges(added: [(3, octets(3))], removed: [1])
        #expect(writer.submit(Batch(ByteBuffer(string: "b"), segments: second), from: source).isTaken)
        try await wait(for: "the commit") { told.batches == 2 }
        #expect(try [1, 2, 3].map { try reader.read($0) } == [nil, octets(2), octets(3)])
        writer.close()
    }

    @Test func countsAsMuchAsTheyHave() {
        var state = WriterState(limits: StoreLimits())
        let batch = Batch(ByteBuffer(string: "a"), segments: SegmentChanges(added: [(1, octets(1))], removed: [7]))
        #expect(state.submit(batch, from: 0).isTaken)
        #expect(state.waitingOctets == 100_001)
    }

    @Test func deletesWhatNobodyNeeds() throws {
        let log = try CommitLog.open(folder: folder.path)
        let changes = SegmentChanges(added: (1...4).map { ($0, octets($0)) })
        try log.write((1, Data([1])), changes, trimmingBelow: nil)
        try log.removeSegments(except: [2, 4, 9])
        let reader = try SegmentReader(log)
        #expect(try (1...4).map { try reader.read($0) != nil } == [false, true, false, true])
        // A number may be used again.
        try log.write((2, Data([1])), SegmentChanges(added: [(2, octets(7))]), trimmingBelow: nil)
        #expect(try reader.read(2) == octets(7))
    }

    @Test func isPartOfBackupAndSalvage() throws {
        do {
            let log = try CommitLog.open(folder: folder.path)
            try log.write((1, Data([1])), SegmentChanges(added: [(5, octets(5))]), trimmingBelow: nil)
            try log.backup(to: folder.file("backup"))
            try log.close()
        }
        _ = try Salvage(folder: folder.path).write(to: folder.file("salvaged"))
        for file in ["backup", "salvaged"] {
            #expect(try SegmentReader(CommitDatabase(path: folder.file(file))).read(5) == octets(5))
        }
    }

    @Test func isSalvagedFromPagesWithoutBeingTakenForACommit() throws {
        do {
            let log = try CommitLog.open(folder: folder.path)
            for number in 1...20 as ClosedRange<Int64> {
                let changes = SegmentChanges(added: [
                    (number * 64, octets(number)), (number * 64 + 1, ByteBuffer(string: "s")),
                ])
                try log.write((number, Data(repeating: UInt8(number), count: 300)), changes, trimmingBelow: nil)
            }
            try log.close()
        }
        // Without its first page SQLite does not know the database.
        var file = try folder.octets(of: "commits.db")
        file.replaceSubrange(0..<100, with: [UInt8](repeating: 0, count: 100))
        try folder.write(file, to: "commits.db")
        let report = try Salvage(folder: folder.path).write(to: folder.file("salvaged"))
        #expect(report.commits == 20 && report.numbers == 1...20)
        #expect(report.segments == 40 && report.isSound)
        let reader = try SegmentReader(CommitDatabase(path: folder.file("salvaged")))
        for number in 1...20 as ClosedRange<UInt64> {
            #expect(try reader.read(number * 64) == octets(Int64(number)))
            #expect(try reader.read(number * 64 + 1) == ByteBuffer(string: "s"))
        }
    }

    @Test func isLookedAtByACheck() throws {
        let log = try CommitLog.open(folder: folder.path)
        let changes = SegmentChanges(added: [(5, octets(5)), (6, ByteBuffer(string: "damaged"))])
        try log.write((1, Data([1])), changes, trimmingBelow: nil)
        let report = try CommitDatabase(folder: folder.path).check { $0 != ByteBuffer(string: "damaged") }
        #expect(report.segments == 1 && report.damagedSegments == 1 && !report.isSound)
    }

    @Test func isReadAsOfTheSameInstantAsTheCommits() throws {
        let log = try CommitLog.open(folder: folder.path)
        try log.write((1, Data([1])), SegmentChanges(added: [(5, octets(5))]), trimmingBelow: nil)
        var found: ByteBuffer?
        try CommitDatabase(folder: folder.path).read { _ in
            try log.write((2, Data([2])), SegmentChanges(removed: [5]), trimmingBelow: nil)
        } end: { segment in
            found = try segment(5)
        }
        #expect(found == octets(5))
    }
}
