import BrokerCluster
import Testing

@testable import BrokerAdmin

@Suite struct AccountTableTests {
    private let store = MemoryMeta()

    private func table() -> AccountTable<AdminUser> { AccountTable(store, maximum: 10, attempts: 4) }

    private static func user(_ name: String, _ description: String = "") -> AdminUser {
        AdminUser(name: name, description: description, role: .viewer, password: .of(randomSecret: "x"))
    }

    @Test("Of two nodes that make the same record one does, also where an earlier one was removed")
    func create() async throws {
        let (first, second) = (table(), table())
        #expect(try await first.create(Self.user("a"), as: "a") == 1)
        #expect(try await second.create(Self.user("a"), as: "a") == nil)
        #expect(try await first.change("a") { _ in nil })
        #expect(await first.entry("a") == nil)
        let store = store
        store.beforeNextWrite { _ = try? await store.put("{}", at: MetaKey(.user, "a")) }
        #expect(try await second.create(Self.user("a"), as: "a") == nil)
        _ = try await store.write(nil, at: MetaKey(.user, "a"), expecting: nil)
        #expect(try await second.create(Self.user("a", "again"), as: "a") != nil)
        #expect(await first.entry("a")?.value.description == "again")
    }

    @Test("A change is made to what another node has written meanwhile")
    func change() async throws {
        let (first, second) = (table(), table())
        _ = try await first.create(Self.user("a"), as: "a")
        store.beforeNextWrite { [store] in
            let other = AccountTable<AdminUser>(store, maximum: 10, attempts: 4)
            _ = try? await other.change("a") { user in
                var user = user
                user.role = .publisher
                return user
            }
        }
        let isThere = try await second.change("a") { user in
            var user = user
            user.description = "new"
            return user
        }
        let user = await first.entry("a")?.value
        #expect(isThere && user?.role == .publisher && user?.description == "new")
        #expect(try await !first.change("b") { $0 })
    }

    @Test("Records that cannot be read are passed over, and are not made again")
    func unreadable() async throws {
        for (name, text) in [("a", "{"), ("b", "[]"), ("c", #"{"name":"c","role":"emperor"}"#)] {
            try await store.put(text, at: MetaKey(.user, name))
        }
        let table = table()
        #expect(await table.entries().isEmpty)
        #expect(await table.names() == ["a", "b", "c"])
        #expect(try await table.create(Self.user("a"), as: "a") == nil)
        _ = try await table.put(Self.user("a"), as: "a")
        #expect(await table.entries().map(\.name) == ["a"])
    }

    @Test("More records than are remembered are all read")
    func bound() async throws {
        let table = table()
        let names = (10..<35).map { "u\($0)" }
        for name in names { _ = try await table.create(Self.user(name), as: name) }
        for _ in 0..<2 { #expect(await table.entries().map(\.value.name) == names) }
    }

    @Test("Why nothing was stored becomes a refusal")
    func failures() async throws {
        let table = table()
        for (failure, code) in [
            (MetaFailure.notConnected, AccountRefusal.Code.unavailable), (.noSpace(reason: "full"), .unavailable),
            (.valueTooLong(maximum: 1), .badRequest),
        ] {
            store.fail(failure)
            await #expect { try await table.create(Self.user("a"), as: "a") } throws: {
                ($0 as? AccountRefusal)?.code == code
            }
        }
        // Somebody is always quicker.
        #expect(AccountLimits().attempts == 4)
        let before = store.writes
        defer { #expect(store.writes == before + 4) }
        store.fail(.conflict(revision: 9))
        await #expect { try await table.create(Self.user("a"), as: "a") } throws: {
            ($0 as? AccountRefusal)?.code == .conflict
        }
    }
}
