import BrokerCluster
import NIOConcurrencyHelpers
import Testing

@testable import BrokerAdmin

@Suite(.timeLimit(.minutes(1))) struct AccountsThrottleTests {
    private static func fail(_ name: String, _ count: Int, _ node: Accounts) async -> [AccountRefusal.Code?] {
        var codes: [AccountRefusal.Code?] = []
        for _ in 0..<count { codes.append(await node.refusal { try await $0.signIn(name, "wrong") }) }
        return codes
    }

    @Test("One password is derived at a time, and so many wait; whoever comes then is told when to try again")
    func queue() async throws {
        try await AccountsFixture.run { fixture in
            #expect(AccountLimits().maximumWaiting == 16 && AccountLimits().queueRetry == 2)
            let gate = DerivationGate()
            let node = try await fixture.startedNode(gate: gate) { $0.limits.maximumWaiting = 3 }
            let before = gate.count
            gate.close()
            try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<4 { group.addTask { try await node.signIn() } }
                try await waitUntil { await node.queue.count == 3 && gate.count == before + 1 }
                await #expect(throws: AccountRefusal.tooMany(2)) { try await node.signIn() }
                gate.open()
                var tokens: Set<String> = []
                for try await token in group { tokens.insert(token) }
                #expect(tokens.count == 4)
            }
            #expect(gate.most == 1 && gate.count == before + 4)
            _ = try await node.signIn()
        }
    }

    @Test("A token, a key, and what a user who is signed in does, go on while guesses fill the queue")
    func others() async throws {
        try await AccountsFixture.run { fixture in
            let gate = DerivationGate()
            let path = try fixture.write("boot:abc\n", to: "keys")
            let node = try await fixture.startedNode(gate: gate) {
                $0.limits.maximumWaiting = 1
                $0.bootstrapFile = path
            }
            let token = try await node.signIn()
            let key = try await node.createKey("k", description: "", isEnabled: true, expiresAt: nil, role: .viewer)
            let before = gate.count
            gate.close()
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<2 { group.addTask { _ = try? await node.signIn("nobody", "x") } }
                try? await waitUntil { await node.queue.count == 1 }
                #expect(await node.refusal { try await $0.signIn() } == .tooManyRequests)
                #expect(await node.refusal { try await $0.bearer(token) } == nil)
                #expect(await node.refusal { try await $0.basic(key.key.key, key.secret) } == nil)
                #expect(await node.refusal { try await $0.basic("boot", "abc") } == nil)
                group.addTask {
                    try? await node.changePassword(of: "admin", from: AccountsFixture.password, to: "abcdefg1")
                }
                try? await waitUntil { await node.queue.count == 2 }
                gate.open()
            }
            // It went before the guess that had waited longer.
            #expect(gate.passwords[(before + 1)...].first == AccountsFixture.password)
            _ = try await node.signIn("admin", "abcdefg1")
        }
    }

    @Test(
        "After five failures one attempt in ten seconds is answered, and the right password in its turn clears the count"
    )
    func slows() async throws {
        try await AccountsFixture.run { fixture in
            let gate = DerivationGate()
            let node = try await fixture.startedNode(gate: gate)
            #expect(await Self.fail("admin", 5, node) == Array(repeating: .wrongPassword, count: 5))
            let derived = gate.count
            await #expect(throws: AccountRefusal.tooMany(10)) { try await node.signIn() }
            #expect(gate.count == derived)
            fixture.clock.advance(10_000)
            #expect(await Self.fail("admin", 2, node) == [.wrongPassword, .tooManyRequests])
            fixture.clock.advance(10_000)
            _ = try await node.signIn()
            #expect(await Self.fail("admin", 5, node) == Array(repeating: .wrongPassword, count: 5))
            // A token that there is does not notice.
            fixture.clock.advance(10_000)
            let token = try await node.signIn()
            _ = await Self.fail("admin", 6, node)
            #expect(await node.refusal { try await $0.bearer(token) } == nil)
            // Nor do others.
            _ = try await node.createUser("b", password: "abcdefg1", description: "", role: .viewer)
            _ = try await node.signIn("b", "abcdefg1")
        }
    }

    @Test("Guesses that are made at once are no more than those that are made in turn")
    func atOnce() async throws {
        try await AccountsFixture.run { fixture in
            let gate = DerivationGate()
            let node = try await fixture.startedNode(gate: gate)
            let before = gate.count
            gate.close()
            let codes = NIOLockedValueBox<[AccountRefusal.Code?]>([])
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<12 {
                    group.addTask {
                        let code = await node.refusal { try await $0.signIn("admin", "wrong") }
                        codes.withLockedValue { $0.append(code) }
                    }
                }
                try await waitUntil { await node.queue.count == 11 }
                gate.open()
                try await group.waitForAll()
            }
            #expect(gate.count == before + 5)
            #expect(codes.withLockedValue { $0.count { $0 == .tooManyRequests } } == 7)
        }
    }

    @Test("Names that do not exist are counted together, so that guessing them costs no memory")
    func unknownNames() async throws {
        try await AccountsFixture.run { fixture in
            let node = try await fixture.startedNode()
            for number in 0..<5 { #expect(await Self.fail("nobody\(number)", 1, node) == [.wrongPassword]) }
            #expect(await Self.fail("nobody5", 1, node) == [.tooManyRequests])
            #expect(await node.throttle.count == 1)
            _ = try await node.signIn()
        }
    }

    @Test(
        "Wrong secrets are counted by key, unknown keys together; the right secret of a key that the broker made is always taken"
    )
    func keys() async throws {
        try await AccountsFixture.run { fixture in
            let node = try await fixture.startedNode()
            let key = try await node.createKey("k", description: "", isEnabled: true, expiresAt: nil, role: .viewer)
            func guess(_ key: String) async -> AccountRefusal.Code? {
                await node.refusal { try await $0.basic(key, "wrong") }
            }
            for number in 0..<5 {
                #expect(await guess(key.key.key) == .wrongSecret)
                #expect(await guess("unknown\(number)") == .wrongSecret)
            }
            #expect(await guess(key.key.key) == .tooManyRequests)
            #expect(await guess("unknown5") == .tooManyRequests)
            #expect(await node.throttle.count == 2)
            #expect(await node.refusal { try await $0.basic(key.key.key, key.secret) } == nil)
            #expect(await guess(key.key.key) == .wrongSecret)
            fixture.clock.advance(10_000)
            #expect(await guess("unknown5") == .wrongSecret)
            #expect(await guess("unknown5") == .tooManyRequests)
        }
    }

    @Test("Secrets of the bootstrap file are guessed as slowly, and whoever was right before goes on")
    func bootstrapped() async throws {
        try await AccountsFixture.run { fixture in
            let path = try fixture.write("boot:abc\n", to: "keys")
            let first = try await fixture.startedNode { $0.bootstrapFile = path }
            let gate = DerivationGate()
            let second = try await fixture.startedNode(gate: gate)
            let before = gate.count
            for node in [first, second] {
                for _ in 0..<5 { #expect(await node.refusal { try await $0.basic("boot", "x") } == .wrongSecret) }
                #expect(await node.refusal { try await $0.basic("boot", "x") } == .tooManyRequests)
            }
            #expect(gate.count == before + 5)
            #expect(await first.refusal { try await $0.basic("boot", "abc") } == nil)
            // This node has not seen the right one yet, which has to wait for its turn.
            #expect(await second.refusal { try await $0.basic("boot", "abc") } == .tooManyRequests)
            fixture.clock.advance(10_000)
            #expect(await second.refusal { try await $0.basic("boot", "abc") } == nil)
        }
    }

    @Test("Old passwords are guessed as slowly, without regard to who fails to sign in")
    func oldPasswords() async throws {
        try await AccountsFixture.run { fixture in
            let node = try await fixture.startedNode()
            _ = await Self.fail("admin", 6, node)
            func change(_ old: String) async -> AccountRefusal.Code? {
                await node.refusal { try await $0.changePassword(of: "admin", from: old, to: "abcdefg1") }
            }
            for _ in 0..<5 { #expect(await change("wrong") == .oldPasswordIsAnother) }
            #expect(await change(AccountsFixture.password) == .tooManyRequests)
            fixture.clock.advance(10_000)
            #expect(await change(AccountsFixture.password) == nil)
        }
    }
}
