internal import Foundation
internal import GRDB
package import NIOCore

/// Reads the segments of a store, beside its writer and from any thread.
package final class SegmentReader: Sendable {
    private let path: String
    private let queue: DatabaseQueue

    /// - Throws: `StoreFailure`.
    package convenience init(_ log: CommitLog) throws { try self.init(CommitDatabase(path: log.path)) }

    package init(_ database: CommitDatabase) {
        path = database.path
        queue = database.queue
    }

    /// Reads a segment; `nil` if there is none of the number. Blocks.
    ///
    /// - Throws: `StoreFailure`.
    package func read(_ number: UInt64) throws -> ByteBuffer? {
        try queue.read { try CommitDatabase.segment(Int64(clamping: number), $0, at: path) }
    }
}

extension CommitLog {
    /// Deletes the segments that nothing in the log names.
    ///
    /// - Throws: `StoreFailure`.
    package func removeSegments(except needed: Set<UInt64>) throws {
        do {
            try queue.writeWithoutTransaction { database in
                let numbers = try Int64.fetchAll(database, sql: "SELECT number FROM segments")
                let needless = numbers.filter { UInt64(exactly: $0).map { !needed.contains($0) } ?? true }
                if needless.isEmpty { return }
                try database.inTransaction(.immediate) {
                    for number in needless {
                        try database.cachedStatement(sql: "DELETE FROM segments WHERE number = ?")
                            .execute(arguments: [number])
                    }
                    return .commit
                }
            }
        } catch {
            throw StoreFailure(error, at: path)
        }
    }
}
