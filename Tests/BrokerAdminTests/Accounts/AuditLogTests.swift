import Foundation
import Testing

@testable import BrokerAdmin

@Suite struct AuditLogTests {
    private static func entry(_ number: Int, _ operation: String = "PUT /x") -> AuditEntry {
        AuditEntry(time: number, source: "192.0.2.1", by: AccountsFixture.admin, operation: operation, status: 200)
    }

    private static func failure(at time: Int) -> AuditEntry { .signIn(at: time, from: "a", user: nil, status: 401) }

    @Test("Entries are there after a restart, the newest first, in a file for its owner alone")
    func kept() async throws {
        try await AccountsFixture.run { fixture in
            let log = await AuditLog(folder: fixture.folder)
            let key = Principal(.apiKey, name: "k", role: .publisher)
            await log.record(Self.entry(1))
            await log.record(AuditEntry(time: 2, source: "::1", by: key, operation: "POST /publish", status: 202))
            await log.record(AuditEntry(time: 3, source: "\"\n", by: nil, operation: "DELETE /a", status: 401))
            await log.flush()
            let again = await AuditLog(folder: fixture.folder)
            let entries = await again.newest(10)
            #expect(await log.newest(10) == entries)
            #expect(entries.map(\.time) == [3, 2, 1])
            #expect(entries[1].kind == .apiKey && entries[1].name == "k" && entries[1].status == 202)
            #expect(await again.newest(1, offset: 1).map(\.time) == [2])
            #expect(await again.newest(-1, offset: -1).isEmpty)
            let attributes = try FileManager.default.attributesOfItem(atPath: fixture.file("audit.log"))
            #expect(attributes[.posixPermissions] as? Int == 0o600)
        }
    }

    @Test("The oldest entry goes beyond the bound")
    func ring() async throws {
        try await AccountsFixture.run { fixture in
            var limits = AuditLimits()
            #expect(limits.maximumEntries == 5_000 && limits.maximumFile == 4 << 20)
            limits.maximumEntries = 3
            let log = await AuditLog(folder: fixture.folder, limits: limits)
            for number in 1...5 { await log.record(Self.entry(number)) }
            #expect(await log.newest(10).map(\.time) == [5, 4, 3])
            await log.flush()
            #expect(await AuditLog(folder: fixture.folder, limits: limits).newest(10).map(\.time) == [5, 4, 3])
        }
    }

    @Test("Failed attempts to sign in take the place of one another only, and are counted beyond ten a minute")
    func failures() async throws {
        try await AccountsFixture.run { fixture in
            var limits = AuditLimits()
            #expect(limits.maximumFailures == 1_000 && limits.failuresPerMinute == 10)
            limits.maximumFailures = 2
            limits.failuresPerMinute = 3
            let log = await AuditLog(folder: fixture.folder, limits: limits)
            await log.record(Self.entry(0))
            for time in 1...5 { await log.recordFailure(Self.failure(at: time)) }
            #expect(await log.newest(10).map(\.time) == [3, 2, 0])
            await log.recordFailure(Self.failure(at: 60_001))
            #expect(await log.newest(10).map(\.time) == [60_001, 3, 0])
            #expect(await log.newest(2).map(\.leftOut) == [2, nil])
        }
    }

    @Test("Texts are cut")
    func cut() async throws {
        try await AccountsFixture.run { fixture in
            let log = await AuditLog(folder: fixture.folder)
            await log.record(Self.entry(1, "GET /" + String(repeating: "x", count: 1_000)))
            #expect(await log.newest(1).first?.operation.count == 512)
        }
    }

    @Test("The file becomes the earlier one when it is full, and both are read")
    func rotation() async throws {
        try await AccountsFixture.run { fixture in
            var limits = AuditLimits()
            limits.maximumFile = 300
            let log = await AuditLog(folder: fixture.folder, limits: limits)
            for number in 1...10 {
                await log.record(Self.entry(number))
                await log.flush()
            }
            let sizes = try ["audit.log", "audit.log.1"].map {
                try FileManager.default.attributesOfItem(atPath: fixture.file($0))[.size] as? Int ?? 0
            }
            #expect(sizes.allSatisfy { (1...300).contains($0) })
            #expect(try FileManager.default.contentsOfDirectory(atPath: fixture.folder).count == 2)
            let times = await AuditLog(folder: fixture.folder, limits: limits).newest(20).map(\.time)
            #expect(times.count > 3 && times == Array(stride(from: 10, to: 10 - times.count, by: -1)))
        }
    }

    @Test("Broken lines are skipped, and the next entry begins a line of its own")
    func broken() async throws {
        try await AccountsFixture.run { fixture in
            let whole = String(decoding: try JSONEncoder().encode(Self.entry(1)), as: UTF8.self)
            _ = try fixture.write("\(whole)\n{\n\n\u{0}\n\(whole.dropLast(4))", to: "audit.log")
            let log = await AuditLog(folder: fixture.folder)
            #expect(await log.newest(10).map(\.time) == [1])
            #expect(await log.counters.brokenLines == 3)
            await log.record(Self.entry(2))
            await log.flush()
            #expect(await AuditLog(folder: fixture.folder).newest(10).map(\.time) == [2, 1])
        }
    }

    @Test("A disk that fails costs no entry in memory, and is counted")
    func disk() async throws {
        try await AccountsFixture.run { fixture in
            let log = await AuditLog(folder: fixture.file("none"))
            await log.record(Self.entry(1))
            await log.flush()
            let counters = await log.counters
            #expect(await log.count == 1)
            #expect(counters.diskErrors == 1 && counters.unwritten == 1)
            try FileManager.default.createDirectory(atPath: fixture.file("none"), withIntermediateDirectories: true)
            await log.record(Self.entry(2))
            await log.flush()
            #expect(await AuditLog(folder: fixture.file("none")).newest(10).map(\.time) == [2])
        }
    }

    @Test("What waits for the disk is bounded")
    func pending() async throws {
        try await AccountsFixture.run { fixture in
            var limits = AuditLimits()
            #expect(limits.maximumPending == 1 << 20)
            limits.maximumPending = 10
            let log = await AuditLog(folder: fixture.folder, limits: limits)
            await log.record(Self.entry(1))
            await log.flush()
            let counters = await log.counters
            #expect(await log.count == 1)
            #expect(counters.diskErrors == 0 && counters.unwritten == 1)
        }
    }
}
