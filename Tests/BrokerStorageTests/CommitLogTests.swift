import BrokerStorage
import Foundation
import NIOCore
import StoreFixture
import Testing

struct CommitLogTests {
    let folder: TestFolder

    init() throws { folder = try TestFolder() }

    @Test func hasNothingAtFirst() throws {
        let log = try CommitLog.open(folder: folder.path)
        #expect(try log.all() == [])
        #expect(try log.numbers() == nil)
    }

    @Test func givesBackWhatWasAppendedInOrder() throws {
        let log = try CommitLog.open(folder: folder.path)
        try log.append(1...20)
        try log.append(21...22, octets: 500_000)
        #expect(try log.all() == RecoveredCommit.made(1...20) + RecoveredCommit.made(21...22, 500_000))
        #expect(try log.all(from: 19) == RecoveredCommit.made(19...20) + RecoveredCommit.made(21...22, 500_000))
    }

    @Test func isThereAfterClosing() throws {
        let log = try CommitLog.open(folder: folder.path)
        try log.append(1...5)
        try log.close()
        let other = try TestFolder()
        try folder.copyDatabase(to: other)
        #expect(try CommitLog.open(folder: other.path).all() == RecoveredCommit.made(1...5))
    }

    @Test func isThereWithoutClosing() throws {
        let log = try CommitLog.open(folder: folder.path)
        try log.append(1...5)
        let other = try TestFolder()
        try folder.copyDatabase(to: other)
        #expect(try CommitLog.open(folder: other.path).all() == RecoveredCommit.made(1...5))
    }

    @Test func refusesANumberThatIsThere() throws {
        let log = try CommitLog.open(folder: folder.path)
        try log.append(1...1)
        #expect(throws: StoreFailure.self) { try log.append(1...1) }
        #expect(try log.all() == RecoveredCommit.made(1...1))
    }

    @Test func endsWhereTheReaderThrows() throws {
        struct Enough: Error {}
        let log = try CommitLog.open(folder: folder.path)
        try log.append(1...5)
        var count = 0
        #expect(throws: Enough.self) {
            try log.recover { _ in
                count += 1
                if count == 2 { throw Enough() }
            }
        }
        #expect(count == 2)
    }

    @Test func tellsOfCommitsThatAreMissing() throws {
        let log = try CommitLog.open(folder: folder.path)
        try log.append(1...3)
        try log.append(7...8)
        #expect(try log.all() == RecoveredCommit.made(1...3) + [.unreadable(4...6)] + RecoveredCommit.made(7...8))
    }

    // MARK: Trimming

    @Test func trimsSomeAtATime() throws {
        let log = try CommitLog.open(folder: folder.path)
        try log.append(1...200)
        #expect(try log.trim(below: 151))
        let first = try #require(try log.numbers()).lowerBound
        #expect(first > 1 && first < 151)
        while try log.trim(below: 151) {}
        #expect(try log.all() == RecoveredCommit.made(151...200))
        #expect(try !log.trim(below: 151))
    }

    @Test func trimsLargeCommitsFewAtATime() throws {
        let log = try CommitLog.open(folder: folder.path)
        try log.append(1...8, octets: 500_000)
        #expect(try log.trim(below: 8))
        // A little more than 1 MiB.
        #expect(try log.numbers() == 4...8)
    }

    @Test func keepsTheLastCommitSoThatNumbersGoOn() throws {
        let log = try CommitLog.open(folder: folder.path)
        try log.append(1...3)
        #expect(try !log.trim(below: 1_000))
        #expect(try log.numbers() == 3...3)
    }

    @Test func usesTrimmedSpaceAgain() throws {
        let log = try CommitLog.open(folder: folder.path)
        for round in 0..<Int64(40) {
            try log.append((round * 20 + 1)...(round * 20 + 20), octets: 8_192)
            while try log.trim(below: round * 20 + 1) {}
        }
        // Forty rows of three pages each at most, and the pages of the tree.
        #expect(try log.octetCount() < 40 * 3 * 4_096 + 65_536)
        let size = try #require(try FileManager.default.attributesOfItem(atPath: log.path)[.size] as? Int)
        #expect(size < 1_048_576)
    }

    // MARK: Who may open it

    @Test func isOneProcessesAtATime() throws {
        let log = try CommitLog.open(folder: folder.path)
        let failure = #expect(throws: StoreFailure.self) { try CommitLog.open(folder: folder.path) }
        #expect(failure?.kind == .inUse)
        #expect(failure?.description.contains("another process has this store") == true)
        try log.close()
    }

    @Test func refusesWhatIsNoDatabase() throws {
        try folder.write(Data(repeating: 0x55, count: 20_000), to: "commits.db")
        let failure = #expect(throws: StoreFailure.self) { try CommitLog.open(folder: folder.path) }
        #expect(failure?.kind == .damaged)
        #expect(failure?.description.contains("martlet store check --salvage") == true)
    }
}
