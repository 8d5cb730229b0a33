import BrokerCluster
import Foundation
import NIOCore

@testable import BrokerAdmin

/// The records of a cluster, a clock and a data folder, for nodes with accounts.
struct AccountsFixture: Sendable {
    let store = MemoryMeta()
    let clock = TestClock()
    let folder: String

    static let password = "Passw0rd!"
    static let admin = Principal(.user, name: "admin", role: .administrator)

    static func run(_ body: (AccountsFixture) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("accounts-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await body(AccountsFixture(folder: folder))
    }

    /// A node that was not started. The default user `admin` has a password by its configuration.
    func node(
        gate: DerivationGate = DerivationGate(),
        audit: AuditLog? = nil,
        _ change: (inout AccountsConfiguration) -> Void = { _ in }
    ) -> Accounts {
        var configuration = AccountsConfiguration(dataFolder: folder, defaultPassword: Self.password)
        configuration.limits.passwordIterations = 2
        change(&configuration)
        let clock = clock
        return Accounts(store, configuration, audit: audit, now: { clock.now }, derive: gate.derive)
    }

    /// A node that was started.
    func startedNode(
        gate: DerivationGate = DerivationGate(),
        audit: AuditLog? = nil,
        _ change: (inout AccountsConfiguration) -> Void = { _ in }
    ) async throws -> Accounts {
        let node = node(gate: gate, audit: audit, change)
        _ = try await node.start()
        return node
    }

    func file(_ name: String) -> String { folder + "/" + name }

    func write(_ text: String, to name: String) throws -> String {
        try Data(text.utf8).write(to: URL(fileURLWithPath: file(name)))
        return file(name)
    }
}

extension Accounts {
    func signIn(_ name: String = "admin", _ password: String = AccountsFixture.password) async throws -> String {
        try await signIn(name, password: password, from: "192.0.2.1").token
    }

    /// The code of a refusal; `nil` if there is none.
    func refusal<Value>(
        _ body: (Accounts) async throws -> Value
    ) async -> AccountRefusal.Code? {
        do {
            _ = try await body(self)
            return nil
        } catch {
            return (error as? AccountRefusal)?.code
        }
    }

    func bearer(_ token: String) async throws -> Principal { try await verify("Bearer \(token)") }

    func basic(_ key: String, _ secret: String) async throws -> Principal {
        try await verify("Basic \(Data("\(key):\(secret)".utf8).base64EncodedString())")
    }
}

/// Lets others run until something is so.
func waitUntil(_ condition: () async -> Bool) async throws {
    while await !condition() { try await Task.sleep(for: .milliseconds(2)) }
}
