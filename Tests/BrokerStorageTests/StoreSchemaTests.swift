import Foundation
import GRDB
import Testing

@testable import BrokerStorage

struct StoreSchemaTests {
    let folder: TestFolder

    init() throws { folder = try TestFolder() }

    /// A version that comes after a schema: it adds a table.
    private func later(than schema: StoreSchema) -> StoreSchema {
        StoreSchema(
            migrations: schema.migrations + [{ try $0.execute(sql: "CREATE TABLE lanes(lane INTEGER PRIMARY KEY)") }]
        )
    }

    private func tables(_ log: CommitLog) throws -> [String] {
        try log.queue.read { try String.fetchAll($0, sql: "SELECT name FROM sqlite_schema ORDER BY name") }
    }

    @Test func bringsEachVersionUpToDate() throws {
        for version in 1..<StoreSchema.current.version {
            let folder = try TestFolder()
            let earlier = StoreSchema(migrations: Array(StoreSchema.current.migrations.prefix(version)))
            do {
                let log = try CommitLog(folder: folder.path, limits: StoreLimits(), schema: earlier)
                try log.append(1...3)
                try log.close()
            }
            let log = try CommitLog.open(folder: folder.path)
            #expect(try tables(log) == ["commits", "segments"])
            #expect(try log.all() == RecoveredCommit.made(1...3))
        }
    }

    @Test func bringsAnEarlierVersionUpToDate() throws {
        do {
            let log = try CommitLog.open(folder: folder.path)
            try log.append(1...3)
            try log.close()
        }
        let log = try CommitLog(folder: folder.path, limits: StoreLimits(), schema: later(than: .current))
        #expect(try tables(log) == ["commits", "lanes", "segments"])
        #expect(try log.all() == RecoveredCommit.made(1...3))
    }

    @Test func makesALaterVersionFromNothing() throws {
        let log = try CommitLog(folder: folder.path, limits: StoreLimits(), schema: later(than: .current))
        #expect(try tables(log) == ["commits", "lanes", "segments"])
    }

    @Test func refusesAnEarlierProgram() throws {
        do {
            try CommitLog(folder: folder.path, limits: StoreLimits(), schema: later(than: .current)).close()
        }
        let failure = #expect(throws: StoreFailure.self) { try CommitLog.open(folder: folder.path) }
        #expect(failure?.kind == .foreign)
        #expect(
            failure?.description.contains("was written by a newer Martlet (version \(StoreSchema.current.version + 1)")
                == true
        )
    }

    @Test func leavesTheVersionWhereAMigrationFails() throws {
        struct Broken: Error {}
        do { try CommitLog.open(folder: folder.path).close() }
        let broken = StoreSchema(migrations: later(than: .current).migrations + [{ _ in throw Broken() }])
        #expect(throws: StoreFailure.self) {
            try CommitLog(folder: folder.path, limits: StoreLimits(), schema: broken)
        }
        #expect(try tables(CommitLog.open(folder: folder.path)) == ["commits", "segments"])
    }

    @Test func refusesADatabaseOfAnotherProgram() throws {
        try DatabaseQueue(path: folder.file("commits.db")).write { try $0.execute(sql: "CREATE TABLE notes(text)") }
        let failure = #expect(throws: StoreFailure.self) { try CommitLog.open(folder: folder.path) }
        #expect(failure?.kind == .foreign)
        #expect(failure?.description.contains("another program") == true)
    }

    @Test func hasTheSettingsOfDurability() throws {
        let log = try CommitLog.open(folder: folder.path)
        let settings = try log.queue.writeWithoutTransaction { database in
            try ["journal_mode", "synchronous", "page_size", "secure_delete", "wal_autocheckpoint"].map {
                try String.fetchOne(database, sql: "PRAGMA \($0)")
            }
        }
        #expect(settings == ["wal", "2", "4096", "0", "0"])
    }
}
