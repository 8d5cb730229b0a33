internal import GRDB

/// The tables of a store and their versions. A version is kept in the `user_version` of SQLite's header.
struct StoreSchema: Sendable {
    /// One for each version but the first state, an empty database: it makes its version of the one before.
    var migrations: [@Sendable (Database) throws -> Void]

    var version: Int { migrations.count }

    /// `application_id` of SQLite's header, "MRTL".
    static let application = 0x4d52_544c

    static let current = StoreSchema(migrations: [
        { try $0.execute(sql: "CREATE TABLE commits(number INTEGER PRIMARY KEY, octets BLOB NOT NULL)") },
        // Parts of long queues, which are on disk beside the log. With their size, so that no row looks like one of a commit.
        {
            try $0.execute(
                sql: "CREATE TABLE segments(number INTEGER PRIMARY KEY, size INTEGER NOT NULL, octets BLOB NOT NULL)"
            )
        },
    ])

    /// Brings a database to this version, in one transaction.
    ///
    /// - Throws: `StoreFailure` of the kind `foreign` where the database is of a later version or of another program.
    func migrate(_ database: Database, at path: String) throws {
        guard try found(in: database, at: path) < version else { return }
        try database.inTransaction(.immediate) {
            for migration in migrations[try found(in: database, at: path)...] { try migration(database) }
            try database.execute(sql: "PRAGMA application_id = \(Self.application)")
            try database.execute(sql: "PRAGMA user_version = \(version)")
            return .commit
        }
    }

    /// Makes sure that a database is of this version and no other.
    func check(_ database: Database, at path: String) throws {
        let found = try found(in: database, at: path)
        guard found == version else {
            throw StoreFailure(
                .foreign,
                "\(path): has version \(found) of the store, and this is version \(version); start the broker once"
            )
        }
    }

    private func found(in database: Database, at path: String) throws -> Int {
        let found = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
        let application = try Int.fetchOne(database, sql: "PRAGMA application_id") ?? 0
        let isEmpty = try Int.fetchOne(database, sql: "SELECT count(*) FROM sqlite_schema") == 0
        guard application == Self.application || (isEmpty && found == 0 && application == 0) else {
            throw StoreFailure(.foreign, "\(path): is a database of another program; move it away")
        }
        guard found <= version else {
            throw StoreFailure(
                .foreign,
                "\(path): was written by a newer Martlet (version \(found) of the store, this one reads up to \(version)); "
                    + "run that one, or restore a backup of before"
            )
        }
        return found
    }
}
