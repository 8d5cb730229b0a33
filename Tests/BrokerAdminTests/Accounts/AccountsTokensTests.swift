import BrokerCluster
import Foundation
import NIOCore
import Testing

@testable import BrokerAdmin

@Suite struct AccountsTokensTests {
    @Test("A token of one node is answered by another, until the user signs out")
    func nodes() async throws {
        try await AccountsFixture.run { fixture in
            let (first, second) = (try await fixture.startedNode(), try await fixture.startedNode())
            let token = try await first.signIn()
            #expect(token.utf8.count == 46)
            #expect(try await second.bearer(token) == AccountsFixture.admin)
            #expect(await second.refusal { try await $0.signOut(token, user: "other") } == .wrongTokenOrUser)
            try await second.signOut(token, user: "admin")
            #expect(await first.refusal { try await $0.bearer(token) } == .badToken)
            #expect(await first.refusal { try await $0.signOut(token, user: "admin") } == .wrongTokenOrUser)
        }
    }

    @Test("A wrong password, an unknown user and a name that cannot be one have the same answer after the same work")
    func sameAnswer() async throws {
        try await AccountsFixture.run { fixture in
            let gate = DerivationGate()
            let node = try await fixture.startedNode(gate: gate)
            let long = String(repeating: "x", count: 100_000)
            for (name, password) in [
                ("admin", "wrong"), ("nobody", AccountsFixture.password), ("no name", "x"), ("", ""), ("admin", long),
            ] {
                let before = gate.count
                await #expect(throws: AccountRefusal(.wrongPassword)) { try await node.signIn(name, password) }
                #expect(gate.count == before + 1)
            }
            #expect(gate.passwords.allSatisfy { $0.utf8.count <= 64 })
            #expect(await node.refusal { try await $0.signIn() } == nil)
        }
    }

    @Test("What is no token is refused", arguments: ["", "x", "....", String(repeating: "A", count: 46), "é"])
    func malformed(token: String) async throws {
        try await AccountsFixture.run { fixture in
            let node = try await fixture.startedNode()
            let real = try await node.signIn()
            #expect(await node.refusal { try await $0.bearer(token) } == (token.isEmpty ? .badHeader : .badToken))
            #expect(await node.refusal { try await $0.signOut(token, user: "admin") } == .wrongTokenOrUser)
            let other = String(real.dropLast()) + (real.last == "A" ? "E" : "A")
            #expect(await node.refusal { try await $0.bearer(other) } == .badToken)
            #expect(await node.refusal { try await $0.bearer(real) } == nil)
        }
    }

    @Test("A token that is not used expires after the configured time")
    func expires() async throws {
        try await AccountsFixture.run { fixture in
            #expect(AccountsConfiguration(dataFolder: "").tokenLife == 60 * 60_000)
            let node = try await fixture.startedNode { $0.tokenLife = 1_000 }
            let token = try await node.signIn()
            fixture.clock.advance(999)
            #expect(await node.refusal { try await $0.bearer(token) } == nil)
            await node.settle()
            fixture.clock.advance(999)
            #expect(await node.refusal { try await $0.bearer(token) } == nil)
            await node.settle()
            fixture.clock.advance(1_000)
            #expect(await node.refusal { try await $0.bearer(token) } == .tokenTimeOut)
        }
    }

    @Test("Requests put the expiry off once in a tenth of the life, and do not fail if that fails")
    func writes() async throws {
        try await AccountsFixture.run { fixture in
            let node = try await fixture.startedNode { $0.tokenLife = 1_000 }
            let token = try await node.signIn()
            let before = fixture.store.writes
            for _ in 0..<99 {
                fixture.clock.advance(1)
                _ = try await node.bearer(token)
                await node.settle()
            }
            #expect(fixture.store.writes == before)
            fixture.store.fail(.notConnected)
            fixture.clock.advance(1)
            _ = try await node.bearer(token)
            await node.settle()
            fixture.store.fail(nil)
            _ = try await node.bearer(token)
            await node.settle()
            _ = try await node.bearer(token)
            await node.settle()
            #expect(fixture.store.writes == before + 2)
        }
    }

    @Test("An expiry that is put off does not bring back a token that was ended")
    func ended() async throws {
        try await AccountsFixture.run { fixture in
            let node = try await fixture.startedNode()
            let token = try await node.signIn()
            fixture.clock.advance(10 * 60_000)
            let store = fixture.store
            store.beforeNextWrite {
                for record in await store.records(of: .token) {
                    _ = try? await store.write(nil, at: record.key, expecting: record.revision)
                }
            }
            _ = try await node.bearer(token)
            await node.settle()
            #expect(await store.records(of: .token).isEmpty)
        }
    }

    @Test("A user has 50 tokens, and all users 1,000; the oldest goes for a further one")
    func bounds() async throws {
        try await AccountsFixture.run { fixture in
            #expect(AccountLimits().maximumTokens == 1_000 && AccountLimits().maximumTokensOfUser == 50)
            let node = try await fixture.startedNode {
                $0.limits.maximumTokens = 4
                $0.limits.maximumTokensOfUser = 2
            }
            var tokens: [String: [String]] = [:]
            for name in ["a", "b", "c"] {
                _ = try await node.createUser(name, password: AccountsFixture.password, description: "", role: .viewer)
            }
            func signIn(_ name: String) async throws {
                fixture.clock.advance(1)
                tokens[name, default: []].append(try await node.signIn(name))
            }
            func live(_ name: String) async -> [Bool] {
                var live: [Bool] = []
                for token in tokens[name, default: []] {
                    live.append(await node.refusal { try await $0.bearer(token) } == nil)
                }
                return live
            }
            for name in ["a", "b", "a", "b", "a"] { try await signIn(name) }
            #expect(await live("a") == [false, true, true])
            #expect(await live("b") == [true, true])
            try await signIn("c")
            #expect(await live("b") == [false, true])
            #expect(await live("a") == [false, true, true])
            #expect(await live("c") == [true])
            #expect(await fixture.store.records(of: .token).count == 4)
            // Names are as many as there are places, so that marks of removed records are as many.
            #expect(await fixture.store.records(of: .token).allSatisfy { (0..<4).contains(Int($0.key.text) ?? -1) })
        }
    }

    @Test("Tokens beyond the bound, such as nodes give at the same time, go with the next one")
    func excess() async throws {
        try await AccountsFixture.run { fixture in
            let node = try await fixture.startedNode()
            var tokens: [String] = []
            for _ in 0..<4 {
                fixture.clock.advance(1)
                tokens.append(try await node.signIn())
            }
            fixture.clock.advance(1)
            tokens.append(try await fixture.startedNode { $0.limits.maximumTokensOfUser = 2 }.signIn())
            for (token, isLive) in zip(tokens, [false, false, false, true, true]) {
                #expect(await node.refusal { try await $0.bearer(token) } == (isLive ? nil : .badToken))
            }
            #expect(await fixture.store.records(of: .token).count == 2)
        }
    }

    @Test("The place of a token that is over is taken before one that is in force")
    func reuse() async throws {
        try await AccountsFixture.run { fixture in
            let node = try await fixture.startedNode {
                $0.limits.maximumTokens = 2
                $0.tokenLife = 1_000
            }
            _ = try await node.createUser("b", password: AccountsFixture.password, description: "", role: .viewer)
            let first = try await node.signIn()
            let second = try await node.signIn("b")
            fixture.clock.advance(900)
            _ = try await node.bearer(first)
            await node.settle()
            fixture.clock.advance(100)
            let third = try await node.signIn()
            #expect(await node.refusal { try await $0.bearer(first) } == nil)
            #expect(await node.refusal { try await $0.bearer(second) } == .badToken)
            #expect(await node.refusal { try await $0.bearer(third) } == nil)
        }
    }

    @Test("Of two nodes that take the same place both give a token")
    func samePlace() async throws {
        try await AccountsFixture.run { fixture in
            let judge = try await fixture.startedNode()
            let first = try await fixture.startedNode { $0.limits.maximumTokens = 2 }
            let second = try await fixture.startedNode { $0.limits.maximumTokens = 2 }
            let other = TokenBox()
            let taken = try await first.signIn()
            // One place is free, and the other node takes it first.
            fixture.store.beforeNextWrite { await other.set(try? await second.signIn()) }
            fixture.clock.advance(1)
            let third = try await first.signIn()
            let theirs = try #require(await other.token)
            #expect(await judge.refusal { try await $0.bearer(third) } == nil)
            #expect(await judge.refusal { try await $0.bearer(theirs) } == nil)
            #expect(await judge.refusal { try await $0.bearer(taken) } == .badToken)
        }
    }

    @Test("A sweep removes what is over, some at a time, and nothing that is in force")
    func sweeps() async throws {
        try await AccountsFixture.run { fixture in
            #expect(AccountLimits().sweepMaximum == 100)
            let node = try await fixture.startedNode { $0.limits.sweepMaximum = 2 }
            for _ in 0..<3 { _ = try await node.signIn() }
            #expect(await node.sweep() == 0)
            fixture.clock.advance(60 * 60_000)
            let token = try await node.signIn()
            #expect(await node.sweep() == 2)
            #expect(await node.sweep() == 1)
            #expect(await node.sweep() == 0)
            #expect(await node.refusal { try await $0.bearer(token) } == nil)
            // Places that were used before are used again.
            _ = try await node.signIn()
        }
    }

    @Test("Where nothing can be stored nobody can sign in, and whoever is signed in stays so")
    func outage() async throws {
        try await AccountsFixture.run { fixture in
            let node = try await fixture.startedNode()
            let token = try await node.signIn()
            fixture.store.fail(.notConnected)
            #expect(await node.refusal { try await $0.signIn() } == .unavailable)
            #expect(await node.refusal { try await $0.bearer(token) } == nil)
        }
    }

    @Test("A record that nobody of ours has written does no harm", arguments: ["70000", "-1", "x", "0"])
    func foreign(place: String) async throws {
        try await AccountsFixture.run { fixture in
            let node = try await fixture.startedNode { $0.limits.maximumTokens = 1 }
            let json = #"{"hash":"","user":"admin","password_number":1,"issued_at":0,"expires_at":1}"#
            try await fixture.store.put(json, at: MetaKey(.token, place))
            let token = try await node.signIn()
            #expect(await node.refusal { try await $0.bearer(token) } == nil)
        }
    }
}

private actor TokenBox {
    private(set) var token: String?

    func set(_ token: String?) { self.token = token }
}
