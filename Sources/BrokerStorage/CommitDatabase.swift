internal import Foundation
internal import GRDB
package import NIOCore

/// The database of a store for reading only, also while another process writes it: what `martlet store` works on.
package struct CommitDatabase: Sendable {
    /// The database file.
    package let path: String
    let queue: DatabaseQueue

    /// Opens the database of a store.
    ///
    /// - Parameter folder: the store's.
    /// - Throws: `StoreFailure`, of the kind `damaged` where SQLite cannot read it.
    package init(folder: String) throws { try self.init(path: folder + "/" + CommitLog.fileName) }

    init(path: String) throws {
        self.path = path
        guard FileManager.default.fileExists(atPath: path) else {
            throw StoreFailure(.other, "\(path): there is no store")
        }
        var configuration = GRDB.Configuration()
        configuration.label = "martlet.store.reader"
        configuration.foreignKeysEnabled = false
        configuration.readonly = true
        configuration.busyMode = .timeout(5)
        do {
            queue = try DatabaseQueue(path: path, configuration: configuration)
            try queue.read { database in
                try StoreSchema.current.check(database, at: path)
                _ = try CommitLog.numbers(database)
            }
        } catch {
            throw StoreFailure(error, at: path)
        }
    }

    /// Octets of the database file and of the pages that are only in the write-ahead log.
    func octets(_ database: Database) throws -> Int {
        try (Int.fetchOne(database, sql: "PRAGMA page_count") ?? 0) * CommitLog.pageOctets
    }

    /// Reads all commits as they are now, in order and one in memory at a time, while others may go on writing. Until the reading is
    /// done, the write-ahead log grows by what others write.
    ///
    /// - Parameters:
    ///   - progress: is called now and then.
    ///   - body: gets the octets of each commit. What it throws ends the reading.
    ///   - end: is called behind the last commit with what reads a segment, as it is then.
    /// - Throws: `StoreFailure`, of the kind `damaged` where a commit cannot be read, or what `body` and `end` throw.
    package func read(
        progress: (StoreProgress) -> Void = { _ in },
        _ body: (ByteBuffer) throws -> Void,
        end: (_ segment: (UInt64) throws -> ByteBuffer?) throws -> Void = { _ in }
    ) throws {
        try queue.unsafeRead { database in
            // One transaction, so that no commit that a writer trims is missed.
            do { try database.execute(sql: "BEGIN") } catch { throw StoreFailure(error, at: path) }
            defer { try? database.execute(sql: "ROLLBACK") }
            let total = try octets(database)
            var (count, done) = (0, 0)
            var reader = CommitReader(database: database, path: path, from: 0)
            try reader.read { recovered in
                switch recovered {
                case .unreadable(let numbers):
                    throw StoreFailure(
                        .damaged,
                        "\(path): the commits \(numbers.lowerBound) to \(numbers.upperBound) cannot be read; "
                            + "martlet store check --salvage FILE writes what is readable into a new store"
                    )
                case .commit(_, let octets):
                    try body(octets)
                    count += 1
                    done += octets.readableBytes
                    if count % 256 == 0 { progress(StoreProgress(done: done, total: max(done, total))) }
                }
            }
            progress(StoreProgress(done: total, total: total))
            try end { try Self.segment(Int64(clamping: $0), database, at: path) }
        }
    }

    /// Reads a segment; `nil` if there is none of the number.
    static func segment(_ number: Int64, _ database: Database, at path: String) throws -> ByteBuffer? {
        do {
            return try Data.fetchOne(
                database.cachedStatement(sql: "SELECT octets FROM segments WHERE number = ?"),
                arguments: [number]
            )
            .map { ByteBuffer(bytes: $0) }
        } catch {
            throw StoreFailure(error, at: path)
        }
    }

    /// Copies the database as it is now into a file, while others may go on writing. Until the copying is done, the write-ahead
    /// log grows by what others write.
    ///
    /// - Parameters:
    ///   - file: it must not be there; it is there whole or not at all afterwards.
    ///   - progress: is called for every mebibyte or so; what it throws ends the copying.
    /// - Throws: `StoreFailure`, or what `progress` throws.
    package func backup(to file: String, progress: (StoreProgress) throws -> Void = { _ in }) throws {
        try NewFile(path: file).make { temporary in
            let copy = try DatabaseQueue(path: temporary, configuration: GRDB.Configuration())
            // One transaction around all steps: otherwise each commit of a writer would begin the copy anew.
            try queue.read { database in
                _ = try CommitLog.numbers(database)
                try withoutActuallyEscaping(progress) { progress in
                    try copy.writeWithoutTransaction { destination in
                        try database.backup(to: destination, pagesPerStep: 256) { try progress(StoreProgress($0)) }
                    }
                }
            }
            // A backup is one file.
            try copy.writeWithoutTransaction { _ = try String.fetchOne($0, sql: "PRAGMA journal_mode = DELETE") }
            try copy.close()
        }
    }
}

extension StoreProgress {
    fileprivate init(_ step: DatabaseBackupProgress) {
        self.init(
            done: step.completedPageCount * CommitLog.pageOctets,
            total: step.totalPageCount * CommitLog.pageOctets
        )
    }
}

extension CommitLog {
    /// Copies the database as it is now into a file, on the calling thread and beside a writer; see `CommitDatabase.backup`.
    package func backup(to file: String, progress: (StoreProgress) throws -> Void = { _ in }) throws {
        try CommitDatabase(path: path).backup(to: file, progress: progress)
    }
}
