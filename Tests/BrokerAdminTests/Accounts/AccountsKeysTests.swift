import BrokerCluster
import Foundation
import Testing

@testable import BrokerAdmin

@Suite struct AccountsKeysTests {
    private static func key(
        _ name: String,
        isEnabled: Bool = true,
        expiresAt: Int? = nil,
        role: Role = .administrator,
        _ node: Accounts
    ) async throws -> NewAPIKey {
        try await node.createKey(name, description: "d", isEnabled: isEnabled, expiresAt: expiresAt, role: role)
    }

    @Test("A key of one node is taken by another, without a derivation, and its secret is in no list")
    func nodes() async throws {
        try await AccountsFixture.run { fixture in
            let gate = DerivationGate()
            let (first, second) = (try await fixture.startedNode(), try await fixture.startedNode(gate: gate))
            let new = try await Self.key("k", role: .viewer, first)
            #expect(new.key.key.wholeMatch(of: /[0-9a-f]{16}/) != nil)
            #expect(new.secret.wholeMatch(of: /[0-9A-Za-z]{43}/) != nil)
            #expect(new.key.createdAt == fixture.clock.now && new.key.description == "d")
            let derived = gate.count
            #expect(try await second.basic(new.key.key, new.secret) == Principal(.apiKey, name: "k", role: .viewer))
            #expect(gate.count == derived)
            #expect(await second.listKeys() == [new.key])
            #expect(try await second.key("k") == new.key)
            #expect(await second.refusal { try await $0.key("l") } == .notFound)
            for (key, secret) in [
                (new.key.key, ""), (new.key.key, new.secret + "x"), ("k", new.secret), ("", new.secret),
            ] {
                #expect(await second.refusal { try await $0.basic(key, secret) } == .wrongSecret)
            }
        }
    }

    @Test("A key that is disabled, has expired or is deleted is refused, at other nodes as well")
    func ends() async throws {
        try await AccountsFixture.run { fixture in
            let (first, second) = (try await fixture.startedNode(), try await fixture.startedNode())
            let new = try await Self.key("k", expiresAt: fixture.clock.now + 1_000, first)
            func refusal() async -> AccountRefusal.Code? {
                await second.refusal { try await $0.basic(new.key.key, new.secret) }
            }
            #expect(await refusal() == nil)
            fixture.clock.advance(1_000)
            #expect(await refusal() == .wrongSecret)
            #expect(new.key.isExpired(at: fixture.clock.now) && !new.key.isExpired(at: fixture.clock.now - 1))
            _ = try await first.changeKey("k", APIKeyChange(expiry: .at(fixture.clock.now + 1)))
            #expect(await refusal() == nil)
            let changed = try await first.changeKey("k", APIKeyChange(description: "e", expiry: .never, role: .viewer))
            #expect(
                changed.expiresAt == nil && changed.description == "e" && changed.role == .viewer && changed.isEnabled
            )
            fixture.clock.advance(10_000)
            #expect(await refusal() == nil)
            _ = try await first.changeKey("k", APIKeyChange(isEnabled: false))
            // Nobody has guessed, however often.
            for _ in 0..<10 { #expect(await refusal() == .wrongSecret) }
            _ = try await first.changeKey("k", APIKeyChange(isEnabled: true))
            #expect(await refusal() == nil)
            try await first.deleteKey("k")
            #expect(await refusal() == .wrongSecret)
            #expect(await first.refusal { try await $0.deleteKey("k") } == .notFound)
            #expect(await first.refusal { try await $0.changeKey("k", APIKeyChange()) } == .notFound)
            // Of the same name, and another key.
            let again = try await Self.key("k", first)
            #expect(await refusal() == .wrongSecret)
            #expect(try await second.basic(again.key.key, again.secret).name == "k")
        }
    }

    @Test("What cannot be a key is refused", arguments: ["", "9k", "k k", "taken"])
    func invalid(name: String) async throws {
        try await AccountsFixture.run { fixture in
            let node = try await fixture.startedNode()
            _ = try await Self.key("taken", node)
            #expect(await node.refusal { try await Self.key(name, $0) } == .badRequest)
            let long = String(repeating: "x", count: 1_025)
            let refusal = await node.refusal {
                try await $0.createKey("k", description: long, isEnabled: true, expiresAt: nil, role: .viewer)
            }
            #expect(refusal == .badRequest)
            let change = await node.refusal { try await $0.changeKey("taken", APIKeyChange(description: long)) }
            #expect(change == .badRequest)
            #expect(await node.listKeys().count == 1)
        }
    }

    @Test("There are 100 keys at most")
    func bound() async throws {
        try await AccountsFixture.run { fixture in
            #expect(AccountLimits().maximumKeys == 100)
            let node = try await fixture.startedNode { $0.limits.maximumKeys = 2 }
            for name in ["a", "b"] { _ = try await Self.key(name, node) }
            #expect(await node.refusal { try await Self.key("c", $0) } == .badRequest)
            try await node.deleteKey("a")
            _ = try await Self.key("c", node)
        }
    }

    @Test("A secret of the bootstrap file is derived once at a node without the file, until the key is changed")
    func remembered() async throws {
        try await AccountsFixture.run { fixture in
            let path = try fixture.write("boot:abc\n", to: "keys")
            let gate = DerivationGate()
            let first = try await fixture.startedNode { $0.bootstrapFile = path }
            let second = try await fixture.startedNode(gate: gate)
            let before = gate.count
            for _ in 0..<3 { #expect(try await second.basic("boot", "abc").role == .administrator) }
            #expect(gate.count == before + 1)
            #expect(await second.refusal { try await $0.basic("boot", "abd") } == .wrongSecret)
            #expect(gate.count == before + 2)
            let name = try #require(await first.listKeys().first?.name)
            _ = try await first.changeKey(name, APIKeyChange(role: .viewer))
            #expect(try await second.basic("boot", "abc").role == .viewer)
            #expect(gate.count == before + 3)
            try await first.deleteKey(name)
            #expect(await second.refusal { try await $0.basic("boot", "abc") } == .wrongSecret)
            #expect(gate.count == before + 3)
        }
    }
}
