internal import Foundation
internal import GRDB
package import NIOCore

/// What is found where commits are read: a commit, or a gap.
package enum RecoveredCommit: Sendable, Equatable {
    /// The octets of a commit. Whether they are those that were written is for the caller's checksum to say.
    case commit(number: Int64, octets: ByteBuffer)
    /// Commits that are not there, or that SQLite cannot read.
    case unreadable(ClosedRange<Int64>)
}

extension CommitLog {
    /// Numbers that are tried one after the other behind damage, where the number of the last commit cannot be read either.
    static let searchedNumbers: Int64 = 1_000_000

    /// Reads the commits in order, one in memory at a time.
    ///
    /// - Parameters:
    ///   - number: the first one to read.
    ///   - body: gets each commit and each gap. What it throws ends the reading.
    /// - Throws: `StoreFailure`, or what `body` throws.
    package func recover(from number: Int64 = 0, _ body: (RecoveredCommit) throws -> Void) throws {
        let path = path
        // Outside a transaction, which SQLite would not end after it has met damage.
        try queue.unsafeRead { database in
            var reader = CommitReader(database: database, path: path, from: number)
            try reader.read(body)
        }
    }
}

/// Reads the rows of a database in order, and steps over those that SQLite cannot read.
struct CommitReader {
    let database: Database
    let path: String
    /// The next number to read.
    private var from: Int64
    /// The number that is expected next, once there was one.
    private var expected: Int64?

    init(database: Database, path: String, from: Int64) {
        self.database = database
        self.path = path
        self.from = from
    }

    mutating func read(_ body: (RecoveredCommit) throws -> Void) throws {
        do {
            while try !readRows(body) {
                guard try readOneBehindDamage(body) else { return }
            }
        } catch let error as Thrown {
            throw error.error
        } catch {
            throw StoreFailure(error, at: path)
        }
    }

    /// What the caller's body threw, which is not an error of reading, whatever it is.
    private struct Thrown: Error {
        let error: any Error
    }

    /// Reads until the end, or until SQLite meets damage.
    ///
    /// - Returns: whether the end was reached.
    private mutating func readRows(_ body: (RecoveredCommit) throws -> Void) throws -> Bool {
        do {
            let rows = try Row.fetchCursor(
                database.cachedStatement(sql: "SELECT number, octets FROM commits WHERE number >= ? ORDER BY number"),
                arguments: [from]
            )
            while let row = try rows.next() { try deliver(row, body) }
            return true
        } catch let error as DatabaseError where error.resultCode == .SQLITE_CORRUPT {
            return false
        }
    }

    /// Looks for the next row that can be read, by its number.
    ///
    /// - Returns: whether there was one.
    private mutating func readOneBehindDamage(_ body: (RecoveredCommit) throws -> Void) throws -> Bool {
        if expected == nil {
            from = max(from, (try? Int64.fetchOne(database, sql: "SELECT min(number) FROM commits")) ?? from)
            expected = from
        }
        let last = try? Int64.fetchOne(database, sql: "SELECT max(number) FROM commits")
        let statement = try database.cachedStatement(sql: "SELECT number, octets FROM commits WHERE number = ?")
        for number in from...max(from, last ?? from + CommitLog.searchedNumbers) {
            do {
                guard let row = try Row.fetchOne(statement, arguments: [number]) else { continue }
                try deliver(row, body)
                return true
            } catch let error as DatabaseError where error.resultCode == .SQLITE_CORRUPT {
                // The next one may be on another page.
            }
        }
        let missing = from...max(from, last ?? from)
        try tell(.unreadable(missing), body)
        return false
    }

    private mutating func deliver(_ row: Row, _ body: (RecoveredCommit) throws -> Void) throws {
        let number: Int64 = row[0]
        if let expected, expected < number { try tell(.unreadable(expected...(number - 1)), body) }
        let octets = try row.withUnsafeData(atIndex: 1) { ByteBuffer(bytes: $0 ?? Data()) }
        (from, expected) = (number + 1, number + 1)
        try tell(.commit(number: number, octets: octets), body)
    }

    private func tell(_ commit: RecoveredCommit, _ body: (RecoveredCommit) throws -> Void) throws {
        do { try body(commit) } catch { throw Thrown(error: error) }
    }
}
