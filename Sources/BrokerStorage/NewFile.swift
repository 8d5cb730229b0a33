internal import Foundation
internal import GRDB
internal import Glibc

/// A file for its owner only that is made under another name first, so that it is there whole or not at all.
package struct NewFile {
    let path: String

    package init(path: String) { self.path = path }

    /// - Parameter body: makes the file at the path it is given, where an empty file is, and syncs it.
    /// - Throws: `StoreFailure`, or what `body` throws.
    package func make(_ body: (String) throws -> Void) throws {
        guard !FileManager.default.fileExists(atPath: path) else {
            throw StoreFailure(.other, "\(path): is there already; name another file")
        }
        let temporary = path + ".partial"
        Self.clear(temporary)
        do {
            try Self.begin(temporary)
            try body(temporary)
            try FileManager.default.moveItem(atPath: temporary, toPath: path)
        } catch {
            Self.clear(temporary)
            throw error is CocoaError
                ? StoreFailure(.other, "\(path): cannot be made: \(error.localizedDescription)")
                : error is DatabaseError ? StoreFailure(error, at: path) : error
        }
    }

    /// Removes a file, and what SQLite keeps beside it.
    static func clear(_ path: String) {
        for rest in ["", "-journal", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + rest) }
    }

    /// Makes an empty file that only its owner may read: a store has what clients have said.
    static func begin(_ path: String) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw StoreFailure(.other, "\(path): cannot be made: \(String(cString: strerror(errno)))")
        }
        close(descriptor)
    }

    /// Syncs a file or a folder.
    static func sync(_ path: String) -> Bool {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return fsync(descriptor) == 0
    }
}
