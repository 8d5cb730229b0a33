import Foundation
import NIOCore
import StoreFixture
import Testing

@testable import BrokerStorage

/// Damage in the middle of a database: what is refused, what is read, and what is salvaged.
struct SalvageTests {
    let folder: TestFolder
    private static let commits: ClosedRange<Int64> = 1...300

    /// A closed store of 300 commits: small ones, many to a page, and ones that go on over several pages.
    init() throws {
        folder = try TestFolder()
        let log = try CommitLog.open(folder: folder.path)
        for number in Self.commits { try log.append(number, Data(Self.batch(number).octets.readableBytesView)) }
        try log.close()
    }

    private static func batch(_ number: Int64) -> ProbeBatch { ProbeBatch(number, number % 3 == 0 ? 9_000 : 300) }

    /// Puts octets over those of the database file.
    private func damage(at offset: Int, _ octets: [UInt8]) throws {
        var file = try folder.octets(of: "commits.db")
        file.replaceSubrange(offset..<(offset + octets.count), with: octets)
        try folder.write(file, to: "commits.db")
    }

    private func salvage() throws -> (report: StoreReport, commits: [RecoveredCommit]) {
        let report = try Salvage(folder: folder.path).write(to: folder.file("salvaged"))
        let other = try TestFolder()
        try FileManager.default.moveItem(atPath: folder.file("salvaged"), toPath: other.file("commits.db"))
        return (report, try CommitLog.open(folder: other.path).all())
    }

    /// The numbers of the commits whose octets are those that were written.
    private func sound(_ commits: [RecoveredCommit]) -> [Int64] {
        commits.compactMap { commit in
            guard case .commit(let number, let octets) = commit, octets == Self.batch(number).octets else { return nil }
            return number
        }
    }

    @Test func copiesASoundStore() throws {
        let (report, commits) = try salvage()
        #expect(report.isSound && report.commits == 300)
        #expect(sound(commits) == Array(Self.commits))
    }

    @Test func leavesOutWhatIsNotSound() throws {
        /// The first octets of every third commit.
        func sound(_ octets: ByteBuffer) -> ByteBuffer {
            octets.readableBytes > 1_000 ? octets.getSlice(at: 0, length: 100) ?? octets : octets
        }
        let report = try CommitDatabase(folder: folder.path).check(isSound: { $0 == sound($0) })
        #expect(!report.isSound && report.damaged == Self.commits.filter { $0 % 3 == 0 })
        let salvaged = try Salvage(folder: folder.path, sound: sound).write(to: folder.file("salvaged"))
        #expect(salvaged.isSound && salvaged.commits == 300)
        let again = try CommitDatabase(path: folder.file("salvaged")).check(isSound: { $0 == sound($0) })
        #expect(again.isSound)
    }

    @Test func takesWhatIsOnlyInTheWriteAheadLog() throws {
        let other = try TestFolder()
        let log = try CommitLog.open(folder: other.path)
        try log.append(1...20)
        let pages = try PageFile(path: other.file("commits.db"))
        let found = (1...pages.pageCount).flatMap { pages.rows(on: $0) }.map(\.number)
        #expect(found.sorted() == Array(1...20))
    }

    @Test func refusesAFileWithoutItsFirstPageAndSalvagesAllOfIt() throws {
        try damage(at: 0, Array(repeating: 0x2a, count: 4_096))
        let failure = #expect(throws: StoreFailure.self) { try CommitLog.open(folder: folder.path) }
        #expect(failure?.kind == .damaged)
        #expect(failure?.description.contains("martlet store check --salvage") == true)
        #expect(sound(try salvage().commits) == Array(Self.commits))
    }

    @Test func salvagesWithoutTheRootOfTheTable() throws {
        try damage(at: 4_096, Array(repeating: 0, count: 4_096))
        #expect(throws: StoreFailure.self) { try CommitLog.open(folder: folder.path) }
        #expect(sound(try salvage().commits) == Array(Self.commits))
    }

    @Test func stepsOverALeafThatCannotBeRead() throws {
        // A leaf page with small rows, whose kind becomes one that there is not.
        let pages = try PageFile(path: folder.file("commits.db"))
        let leaf = try #require((3...pages.pageCount).dropFirst(20).first { pages.rows(on: $0).count > 3 })
        let lost = pages.rows(on: leaf).map(\.number).sorted()
        try damage(at: (leaf - 1) * 4_096, [0xff])

        let log = try CommitLog.open(folder: folder.path)
        let found = try log.all()
        #expect(found.contains(.unreadable(lost[0]...lost[lost.count - 1])))
        #expect(sound(found) == Self.commits.filter { !lost.contains($0) })
        try log.close()

        let report = try CommitDatabase(folder: folder.path).check()
        #expect(!report.isSound && !report.problems.isEmpty)
        #expect(report.unreadable == [lost[0]...lost[lost.count - 1]])
        #expect(sound(try salvage().commits) == sound(found))
    }

    @Test func neverGivesOtherOctetsForAsManyCommitsAsWereHit() throws {
        let whole = try folder.octets(of: "commits.db")
        for seed in UInt64(0)..<40 {
            var generator = SplitMix(state: seed)
            try folder.write(whole, to: "commits.db")
            for rest in ["commits.db-wal", "commits.db-shm"] {
                try? FileManager.default.removeItem(atPath: folder.file(rest))
            }
            for _ in 0..<Int.random(in: 1...20, using: &generator) {
                let offset = Int.random(in: 8_192..<whole.count, using: &generator)
                try damage(at: offset, [UInt8.random(in: 0...255, using: &generator)])
            }
            // Refused or read, but never a crash; what is wrong is seen by the checksum, and most is right.
            if let log = try? CommitLog.open(folder: folder.path) {
                var found: [RecoveredCommit] = []
                do { try log.recover { found.append($0) } } catch is StoreFailure {}
                #expect(sound(found).count > 200, "seed \(seed)")
                try? log.close()
            }
            #expect(sound(try salvage().commits).count > 200, "seed \(seed)")
        }
    }
}
