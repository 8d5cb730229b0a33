package import Foundation
internal import GRDB
internal import Glibc
internal import NIOCore

/// Commits on disk: numbered rows of octets in an SQLite database, which are appended, read in order, and trimmed from the front.
///
/// What a call has appended is on disk when the call returns. One process at a time writes a store, and one thread at a
/// time calls `append`, `trim` and `checkpoint`.
package final class CommitLog: Sendable {
    /// The database file.
    package let path: String
    package let limits: StoreLimits
    let queue: DatabaseQueue
    private let lock: StoreLock

    /// The names of the files in a store's folder. SQLite adds `-wal` and `-shm` to the first while it is in use.
    static let fileName = "commits.db"
    static let lockName = "commits.lock"
    static let reserveName = "commits.reserve"

    /// Octets of a page of SQLite's.
    static let pageOctets = 4_096
    /// Octets that one call frees at least, if there are so many, and rows that it deletes at most.
    static let trimOctets = 1_048_576
    static let trimRows = 64

    /// Opens a store, or makes one.
    ///
    /// What a process that has died wrote and did not sync is in the database afterwards, or is gone for good.
    ///
    /// - Parameter folder: it is made, for its owner only, if it is not there.
    /// - Throws: `StoreFailure`.
    package static func open(folder: String, limits: StoreLimits = StoreLimits()) throws -> CommitLog {
        try CommitLog(folder: folder, limits: limits, schema: .current)
    }

    init(folder: String, limits: StoreLimits, schema: StoreSchema) throws {
        path = folder + "/" + Self.fileName
        self.limits = limits
        try Self.makeFolder(folder)
        lock = try StoreLock(path: folder + "/" + Self.lockName)
        do {
            queue = try DatabaseQueue(path: path, configuration: Self.configuration(limits))
            try queue.writeWithoutTransaction { [path] database in
                try schema.migrate(database, at: path)
                // Another checkpoint writes all of the log once more: a process whose sync failed may have left pages that
                // the kernel takes for written.
                _ = try Row.fetchOne(database, sql: "PRAGMA wal_checkpoint(TRUNCATE)")
                _ = try Self.numbers(database)
            }
        } catch {
            throw StoreFailure(error, at: path)
        }
        guard NewFile.sync(folder) else {
            throw StoreFailure(.unsynced, "\(folder): the folder cannot be synced: \(String(cString: strerror(errno)))")
        }
    }

    /// Appends a commit, which is on disk when the call returns.
    ///
    /// - Parameter number: larger than that of every commit before.
    /// - Throws: `StoreFailure`; nothing is appended then, except where a sync failed, which leaves that open.
    package func append(_ number: Int64, _ octets: Data) throws {
        try write((number, octets), trimmingBelow: nil)
    }

    /// Deletes some of the commits below a number, but never the last one, so that no number is used twice.
    ///
    /// - Returns: whether some are left to delete.
    /// - Throws: `StoreFailure`; nothing is deleted then.
    package func trim(below number: Int64) throws -> Bool { try write(nil, trimmingBelow: number) }

    /// Appends, trims, and changes segments, in one transaction with one sync.
    ///
    /// - Returns: whether commits below the number are left.
    @discardableResult
    func write(
        _ commit: (number: Int64, octets: Data)?,
        _ segments: SegmentChanges = SegmentChanges(),
        trimmingBelow goal: Int64?
    ) throws -> Bool {
        do {
            return try queue.writeWithoutTransaction { database in
                var isLeft = false
                try database.inTransaction(.immediate) {
                    if let goal { isLeft = try Self.trim(database, below: goal, beside: commit?.octets.count ?? 0) }
                    if let commit {
                        try database.cachedStatement(sql: "INSERT INTO commits(number, octets) VALUES(?, ?)")
                            .execute(arguments: [commit.number, commit.octets])
                    }
                    if !segments.isEmpty { try Self.change(segments, in: database) }
                    return .commit
                }
                return isLeft
            }
        } catch {
            throw StoreFailure(error, at: path)
        }
    }

    private static func change(_ segments: SegmentChanges, in database: Database) throws {
        // A number that is not in use any more may be that of a row that was not deleted.
        for (number, octets) in segments.added { try insert(segment: number, octets, orReplace: true, into: database) }
        for number in segments.removed {
            try database.cachedStatement(sql: "DELETE FROM segments WHERE number = ?").execute(arguments: [number])
        }
    }

    static func insert(segment number: Int64, _ octets: ByteBuffer, orReplace: Bool, into database: Database) throws {
        let sql = "INSERT OR \(orReplace ? "REPLACE" : "IGNORE") INTO segments(number, size, octets) VALUES(?, ?, ?)"
        try database.cachedStatement(sql: sql)
            .execute(arguments: [number, octets.readableBytes, Data(octets.readableBytesView)])
    }

    private static func trim(_ database: Database, below goal: Int64, beside added: Int) throws -> Bool {
        let rows = try Row.fetchAll(
            database.cachedStatement(
                sql: """
                    SELECT number, length(octets) FROM commits
                    WHERE number < ? AND number < (SELECT max(number) FROM commits) ORDER BY number LIMIT ?
                    """
            ),
            arguments: [goal, trimRows]
        )
        // More than is added, so that a goal that is behind is reached under load.
        let wanted = max(trimOctets, 2 * added)
        var freed = 0
        var count = 0
        var last: Int64?
        for row in rows where freed < wanted {
            freed += row[1] as Int
            last = row[0]
            count += 1
        }
        guard let last else { return false }
        try database.cachedStatement(sql: "DELETE FROM commits WHERE number <= ?").execute(arguments: [last])
        return count < rows.count || rows.count == trimRows
    }

    /// The numbers of the first and the last commit, or `nil` if there is none.
    ///
    /// - Throws: `StoreFailure`.
    package func numbers() throws -> ClosedRange<Int64>? {
        try read { try Self.numbers($0) }
    }

    static func numbers(_ database: Database) throws -> ClosedRange<Int64>? {
        // Apart, since SQLite looks the ends up only where one is asked for.
        guard let first = try Int64.fetchOne(database, sql: "SELECT min(number) FROM commits"),
            let last = try Int64.fetchOne(database, sql: "SELECT max(number) FROM commits")
        else { return nil }
        return first...max(first, last)
    }

    /// Octets of the database that hold something, by pages. Freed ones are used again; the file never becomes smaller.
    ///
    /// - Throws: `StoreFailure`.
    package func octetCount() throws -> Int {
        try read { database in
            let pages = try Int.fetchOne(database.cachedStatement(sql: "PRAGMA page_count")) ?? 0
            let free = try Int.fetchOne(database.cachedStatement(sql: "PRAGMA freelist_count")) ?? 0
            return (pages - free) * Self.pageOctets
        }
    }

    /// Carries what is in the write-ahead log over into the database file, as far as no reader stands in the way.
    ///
    /// - Returns: pages that are left in the log.
    /// - Throws: `StoreFailure`.
    func checkpoint() throws -> Int {
        do {
            return try queue.writeWithoutTransaction { database in
                let row = try Row.fetchOne(database, sql: "PRAGMA wal_checkpoint(PASSIVE)")
                return row.map { ($0[1] as Int) - ($0[2] as Int) } ?? 0
            }
        } catch {
            throw StoreFailure(error, at: path)
        }
    }

    /// Closes the database, and lets another process have the store.
    package func close() throws {
        do { try queue.close() } catch { throw StoreFailure(error, at: path) }
        lock.release()
    }

    private func read<Value>(_ body: (Database) throws -> Value) throws -> Value {
        do {
            return try queue.writeWithoutTransaction { try body($0) }
        } catch {
            throw StoreFailure(error, at: path)
        }
    }

    private static func configuration(_ limits: StoreLimits) -> GRDB.Configuration {
        var configuration = GRDB.Configuration()
        configuration.label = "martlet.store"
        configuration.foreignKeysEnabled = false
        configuration.busyMode = .timeout(5)
        configuration.prepareDatabase { database in
            // Before the log mode, which writes the first page.
            try database.execute(sql: "PRAGMA page_size = \(pageOctets)")
            guard try String.fetchOne(database, sql: "PRAGMA journal_mode = WAL") == "wal" else {
                throw StoreFailure(.other, "\(limits): the file system cannot hold a write-ahead log")
            }
            // Each commit is synced. The default of WAL mode in GRDB, NORMAL, would lose commits with the power.
            try database.execute(sql: "PRAGMA synchronous = FULL")
            // The writer does it, after it has told of the commit, and learns of failures.
            try database.execute(sql: "PRAGMA wal_autocheckpoint = 0")
            // What a backup has let grow is cut off again.
            try database.execute(sql: "PRAGMA journal_size_limit = \(2 * limits.checkpointPages * pageOctets)")
            try database.execute(sql: "PRAGMA max_page_count = \(max(1, limits.maximumOctets / pageOctets))")
            // Some builds of SQLite write zeros over what is deleted, which doubles the octets of a trim.
            try database.execute(sql: "PRAGMA secure_delete = OFF")
        }
        return configuration
    }

    /// Makes the folder of a store, if it is not there.
    static func makeFolder(_ folder: String) throws {
        do {
            try FileManager.default.createDirectory(
                atPath: folder,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
        } catch {
            throw StoreFailure(.other, "\(folder): the folder cannot be made: \(error.localizedDescription)")
        }
    }
}
