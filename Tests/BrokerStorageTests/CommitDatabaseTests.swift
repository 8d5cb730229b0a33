import Foundation
import StoreFixture
import Testing

@testable import BrokerStorage

struct CommitDatabaseTests {
    let folder: TestFolder

    init() throws { folder = try TestFolder() }

    /// Opens a backup as a store.
    private func restored(_ file: String) throws -> CommitLog {
        let other = try TestFolder()
        try FileManager.default.moveItem(atPath: file, toPath: other.file("commits.db"))
        return try CommitLog.open(folder: other.path)
    }

    @Test func backsUpAStoreThatIsOpen() throws {
        let log = try CommitLog.open(folder: folder.path)
        try log.append(1...300, octets: 20_000)
        var steps: [StoreProgress] = []
        try log.backup(to: folder.file("backup")) { steps.append($0) }
        #expect(steps.count > 4)
        #expect(steps.last.map { $0.done == $0.total } == true)
        #expect(steps.map(\.done) == steps.map(\.done).sorted())
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        #expect(names.filter { $0.hasPrefix("backup") } == ["backup"])
        #expect(try restored(folder.file("backup")).all() == RecoveredCommit.made(1...300, 20_000))
    }

    @Test func backsUpOneInstantWhileOthersWrite() throws {
        let log = try CommitLog.open(folder: folder.path)
        try log.append(1...300, octets: 20_000)
        var next: Int64 = 301
        var steps = 0
        try log.backup(to: folder.file("backup")) { _ in
            steps += 1
            try log.append(next...next, octets: 20_000)
            _ = try log.trim(below: next - 200)
            next += 1
        }
        // No step was taken twice, which a copy that begins anew would do for ever.
        #expect(steps < 20)
        #expect(try restored(folder.file("backup")).all() == RecoveredCommit.made(1...300, 20_000))
        #expect(try log.numbers()?.upperBound == next - 1)
    }

    @Test func leavesNothingOfABackupThatWasEnded() throws {
        struct Enough: Error {}
        let log = try CommitLog.open(folder: folder.path)
        try log.append(1...300, octets: 20_000)
        #expect(throws: Enough.self) { try log.backup(to: folder.file("backup")) { _ in throw Enough() } }
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        #expect(names.filter { $0.hasPrefix("backup") } == [])
    }

    @Test func overwritesNothing() throws {
        let log = try CommitLog.open(folder: folder.path)
        try folder.write(Data([1]), to: "backup")
        let failure = #expect(throws: StoreFailure.self) { try log.backup(to: folder.file("backup")) }
        #expect(failure?.description.contains("is there already") == true)
        #expect(try folder.octets(of: "backup") == Data([1]))
    }

    @Test func checksASoundStoreBesideItsWriter() throws {
        let log = try CommitLog.open(folder: folder.path)
        try log.append(1...50, octets: 20_000)
        let report = try CommitDatabase(folder: folder.path).check()
        #expect(report == StoreReport(commits: 50, octets: 1_000_000, numbers: 1...50, unreadable: [], problems: []))
        #expect(report.isSound)
    }

    @Test func saysThatThereIsNoStore() {
        let failure = #expect(throws: StoreFailure.self) { try CommitDatabase(folder: folder.path) }
        #expect(failure?.description.contains("there is no store") == true)
    }
}
