import BrokerStorage
import Foundation
import NIOCore
import StoreFixture

/// A folder for a store that is deleted with the last reference.
final class TestFolder: Sendable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appending(path: "store-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String) -> String { path + "/" + name }

    func octets(of name: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: file(name))) }

    func write(_ octets: Data, to name: String) throws { try octets.write(to: URL(fileURLWithPath: file(name))) }

    /// Copies the files of a database, as a crash of the machine would leave them.
    func copyDatabase(to other: TestFolder) throws {
        for name in ["commits.db", "commits.db-wal"] where FileManager.default.fileExists(atPath: file(name)) {
            try other.write(octets(of: name), to: name)
        }
    }
}

extension CommitLog {
    /// Everything that is in the log, in order.
    func all(from number: Int64 = 0) throws -> [RecoveredCommit] {
        var found: [RecoveredCommit] = []
        try recover(from: number) { found.append($0) }
        return found
    }

    /// Appends commits with one batch each, whose sequence number is the commit's.
    func append(_ numbers: ClosedRange<Int64>, octets: Int = 1_000) throws {
        for number in numbers { try append(number, Data(ProbeBatch(number, octets).octets.readableBytesView)) }
    }
}

extension ProbeBatch {
    init(_ number: Int64, _ octets: Int = 1_000) {
        self.init(source: 0, sequence: UInt64(number), count: octets)
    }
}

extension RecoveredCommit {
    /// The commit that `CommitLog.append(_:octets:)` of the kit makes.
    static func made(_ number: Int64, _ octets: Int = 1_000) -> RecoveredCommit {
        .commit(number: number, octets: ProbeBatch(number, octets).octets)
    }

    static func made(_ numbers: ClosedRange<Int64>, _ octets: Int = 1_000) -> [RecoveredCommit] {
        numbers.map { made($0, octets) }
    }
}
