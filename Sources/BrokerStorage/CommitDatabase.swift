internal import Foundation
internal import GRDB

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

    /// Copies the database as it is now into a file, while others may go on writing. Until it is done, their write-ahead log grows by
    /// what they write.
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

/// A file that is made under another name first.
struct NewFile {
    let path: String

    /// - Parameter body: makes the file at the path it is given, and syncs it.
    /// - Throws: `StoreFailure`, or what `body` throws.
    func make(_ body: (String) throws -> Void) throws {
        guard !FileManager.default.fileExists(atPath: path) else {
            throw StoreFailure(.other, "\(path): is there already; name another file")
        }
        let temporary = path + ".partial"
        let rests = ["", "-journal", "-wal", "-shm"].map { temporary + $0 }
        func clear() { for rest in rests { try? FileManager.default.removeItem(atPath: rest) } }
        clear()
        do {
            try body(temporary)
            try FileManager.default.moveItem(atPath: temporary, toPath: path)
        } catch {
            clear()
            throw error is CocoaError
                ? StoreFailure(.other, "\(path): cannot be made: \(error.localizedDescription)")
                : error is DatabaseError ? StoreFailure(error, at: path) : error
        }
    }
}

extension CommitLog {
    /// Copies the database as it is now into a file, on the calling thread and beside a writer; see `CommitDatabase.backup`.
    package func backup(to file: String, progress: (StoreProgress) throws -> Void = { _ in }) throws {
        try CommitDatabase(path: path).backup(to: file, progress: progress)
    }
}
