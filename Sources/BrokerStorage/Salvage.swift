internal import Foundation
internal import GRDB
package import NIOCore

/// Writes the commits that can be read out of a damaged database into a new one.
package struct Salvage {
    private let path: String
    private let sound: (ByteBuffer) throws -> ByteBuffer

    /// - Parameters:
    ///   - folder: the folder of a store that no process writes.
    ///   - sound: is given the octets of each commit, and returns what is sound of them.
    package init(folder: String, sound: @escaping (ByteBuffer) throws -> ByteBuffer = { $0 }) {
        path = folder + "/" + CommitLog.fileName
        self.sound = sound
    }

    /// Reads what SQLite can read, and then what else looks like a commit on any page.
    ///
    /// Of a commit that is not where SQLite looks for it, only the form is known to be right: the checksum of its batches tells the rest.
    ///
    /// - Parameters:
    ///   - file: it must not be there; it is there whole or not at all afterwards.
    ///   - progress: is called now and then; what it throws ends the work.
    /// - Returns: what is in the new database, and between which numbers of it commits are missing.
    /// - Throws: `StoreFailure`, or what `progress` throws.
    package func write(to file: String, progress: (StoreProgress) throws -> Void = { _ in }) throws -> StoreReport {
        guard FileManager.default.fileExists(atPath: path) else {
            throw StoreFailure(.other, "\(path): there is no store")
        }
        try NewFile(path: file).make { temporary in
            let made = try DatabaseQueue(path: temporary)
            try made.writeWithoutTransaction { database in
                try database.execute(sql: "PRAGMA page_size = \(CommitLog.pageOctets)")
                try StoreSchema.current.migrate(database, at: temporary)
                try database.inTransaction {
                    let first = try copyRows(into: database)
                    try copyPages(into: database, from: first ?? 1, progress)
                    return .commit
                }
            }
            try made.close()
        }
        return try CommitDatabase(path: file).check()
    }

    /// Copies what SQLite can read.
    ///
    /// - Returns: the number of the first commit, if that can be read: what is found before it was trimmed.
    private func copyRows(into database: Database) throws -> Int64? {
        guard let source = try? CommitDatabase(path: path) else { return nil }
        return try source.queue.unsafeRead { rows in
            var reader = CommitReader(database: rows, path: path, from: 0)
            try reader.read { recovered in
                guard case .commit(let number, let octets) = recovered else { return }
                try insert(number, Data(octets.readableBytesView), into: database)
            }
            copySegments(from: rows, into: database)
            return try? Int64.fetchOne(rows, sql: "SELECT min(number) FROM commits")
        }
    }

    /// Copies the segments that SQLite can read. The messages of the others are lost.
    private func copySegments(from rows: Database, into database: Database) {
        let numbers = (try? Int64.fetchAll(rows, sql: "SELECT number FROM segments")) ?? []
        for number in numbers {
            guard let octets = try? CommitDatabase.segment(number, rows, at: path) else { continue }
            try? CommitLog.insert(segment: number, octets, orReplace: false, into: database)
        }
    }

    private func copyPages(into database: Database, from first: Int64, _ progress: (StoreProgress) throws -> Void)
        throws
    {
        let pages = try PageFile(path: path)
        for number in stride(from: 1, through: pages.pageCount, by: 1) {
            for row in pages.rows(on: number) {
                switch row.table {
                case .commits where row.number >= first: try insert(row.number, row.octets, into: database)
                case .segments:
                    let octets = ByteBuffer(bytes: row.octets)
                    try CommitLog.insert(segment: row.number, octets, orReplace: false, into: database)
                case .commits: continue
                }
            }
            if number % 256 == 0 || number == pages.pageCount {
                try progress(
                    StoreProgress(done: number * CommitLog.pageOctets, total: pages.pageCount * CommitLog.pageOctets)
                )
            }
        }
    }

    private func insert(_ number: Int64, _ octets: Data, into database: Database) throws {
        let octets = try sound(ByteBuffer(bytes: octets))
        try database.cachedStatement(sql: "INSERT OR IGNORE INTO commits(number, octets) VALUES(?, ?)")
            .execute(arguments: [number, Data(octets.readableBytesView)])
    }
}
