internal import GRDB

/// Why a store cannot be opened, read or written, in a sentence that says what to do.
package struct StoreFailure: Error, Sendable, Equatable, CustomStringConvertible {
    package let kind: Kind
    package let description: String

    /// Kinds that a caller tells apart.
    package enum Kind: Sendable, Equatable {
        /// Another process has the store.
        case inUse
        /// A newer version of Martlet wrote the store, or another program did.
        case foreign
        /// SQLite cannot read the database.
        case damaged
        /// The disk or `StoreLimits.maximumOctets` is full.
        case full
        /// The folder, its file system or a file may not be written.
        case readOnly
        /// A sync failed: what is on disk is not known.
        case unsynced
        /// Anything else.
        case other
    }

    init(_ kind: Kind, _ description: String) {
        self.kind = kind
        self.description = description
    }

    /// What an error of SQLite, or of Swift, means for the database file at `path`.
    init(_ error: any Error, at path: String) {
        if let failure = error as? StoreFailure {
            self = failure
            return
        }
        guard let error = error as? DatabaseError else {
            self.init(.other, "\(path): \(error)")
            return
        }
        let said = "SQLite says \(error.extendedResultCode.rawValue), \(error.message ?? "\(error.resultCode)")"
        switch error.extendedResultCode {
        case .SQLITE_IOERR_FSYNC, .SQLITE_IOERR_DIR_FSYNC:
            self.init(.unsynced, "\(path): the disk did not confirm what was written (\(said)); the process must end")
            return
        default: break
        }
        switch error.resultCode {
        case .SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_ERROR:
            self.init(
                .damaged,
                "\(path): the database is damaged (\(said)); restore a backup, or write what is readable into a new one: "
                    + "martlet store check --salvage FILE"
            )
        case .SQLITE_FULL:
            self.init(.full, "\(path): no space is left (\(said)); make space on the disk, or raise store.max_bytes")
        case .SQLITE_READONLY:
            self.init(.readOnly, "\(path): cannot be written (\(said)); make the folder and its files writable")
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            self.init(.inUse, "\(path): another process has the database (\(said)); end that process")
        default:
            self.init(.other, "\(path): \(said)")
        }
    }
}
