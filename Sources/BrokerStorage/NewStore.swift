internal import Foundation
internal import GRDB
internal import Glibc
package import NIOCore

/// A store that is made of commits, and is there whole or not at all.
package final class NewStore {
    private let folder: String
    private let path: String
    private let temporary: String
    private let lock: StoreLock
    private var queue: DatabaseQueue?
    private var lastNumber: Int64 = 0

    /// - Parameter folder: it is made, for its owner only, if it is not there. A store that is there is left alone.
    /// - Throws: `StoreFailure`.
    package init(folder: String) throws {
        self.folder = folder
        path = folder + "/" + CommitLog.fileName
        temporary = path + ".partial"
        try CommitLog.makeFolder(folder)
        lock = try StoreLock(path: folder + "/" + CommitLog.lockName)
        guard !FileManager.default.fileExists(atPath: path) else {
            throw StoreFailure(.other, "\(path): there is a store already; name another folder, or move it away")
        }
        NewFile.clear(temporary)
        do {
            try NewFile.begin(temporary)
            let queue = try DatabaseQueue(path: temporary)
            self.queue = queue
            try queue.writeWithoutTransaction { database in
                try database.execute(sql: "PRAGMA page_size = \(CommitLog.pageOctets)")
                // Nothing is there to go back to, and all is synced at the end.
                try database.execute(sql: "PRAGMA synchronous = OFF")
                try StoreSchema.current.migrate(database, at: path)
            }
        } catch {
            throw StoreFailure(error, at: path)
        }
    }

    deinit {
        try? queue?.close()
        NewFile.clear(temporary)
    }

    /// - Throws: `StoreFailure`.
    package func append(_ octets: ByteBuffer) throws {
        do {
            lastNumber += 1
            try queue?.write { database in
                try database.cachedStatement(sql: "INSERT INTO commits(number, octets) VALUES(?, ?)")
                    .execute(arguments: [lastNumber, Data(octets.readableBytesView)])
            }
        } catch {
            throw StoreFailure(error, at: path)
        }
    }

    /// Puts the store in its place. Nothing more is to be appended.
    ///
    /// - Throws: `StoreFailure`.
    package func finish() throws {
        do {
            try queue?.close()
            queue = nil
            guard NewFile.sync(temporary) else { throw unsynced(temporary) }
            try FileManager.default.moveItem(atPath: temporary, toPath: path)
            guard NewFile.sync(folder) else { throw unsynced(folder) }
        } catch {
            throw StoreFailure(error, at: path)
        }
        lock.release()
    }

    private func unsynced(_ path: String) -> StoreFailure {
        StoreFailure(.unsynced, "\(path): cannot be synced: \(String(cString: strerror(errno)))")
    }
}
