import BrokerCluster
import Testing

@testable import BrokerAdmin

@Suite struct AccountsUsersTests {
    private static let viewer = Principal(.user, name: "viewer", role: .viewer)

    @Test("Users are made, changed and deleted, and other nodes see it")
    func life() async throws {
        try await AccountsFixture.run { fixture in
            let (first, second) = (try await fixture.startedNode(), try await fixture.startedNode())
            _ = try await first.createUser("b", password: "abcdefg1", description: "B", role: .viewer)
            #expect(await second.listUsers().map(\.name) == ["admin", "b"])
            let token = try await second.signIn("b", "abcdefg1")
            #expect(try await first.bearer(token).role == .viewer)
            let changed = try await first.changeUser("b", description: "C", role: .publisher, by: AccountsFixture.admin)
            #expect(changed.description == "C" && changed.role == .publisher)
            // At once, with the token that there is.
            #expect(try await second.bearer(token).role == .publisher)
            _ = try await first.changeUser("b", description: "D", role: nil, by: AccountsFixture.admin)
            #expect(await second.listUsers().last?.role == .publisher)

            try await first.deleteUser("b", by: AccountsFixture.admin)
            #expect(await second.refusal { try await $0.bearer(token) } == .badToken)
            #expect(await fixture.store.records(of: .token).isEmpty)
            #expect(await second.refusal { try await $0.signIn("b", "abcdefg1") } == .wrongPassword)
            #expect(await first.refusal { try await $0.deleteUser("b", by: AccountsFixture.admin) } == .userNotFound)
            let gone = await first.refusal {
                try await $0.changeUser("b", description: "", role: nil, by: AccountsFixture.admin)
            }
            #expect(gone == .userNotFound)
            // Of the same name, and another user.
            _ = try await second.createUser("b", password: "abcdefg1", description: "", role: .viewer)
            #expect(await first.refusal { try await $0.bearer(token) } == .badToken)
        }
    }

    @Test(
        "What cannot be a user is refused",
        arguments: [
            ("a b", "abcdefg1", 0), ("", "abcdefg1", 0), ("b", "short1", 0), ("b", "abcdefgh", 0),
            ("admin", "abcdefg1", 0),
            ("b", "abcdefg1", 1_025),
        ]
    )
    func invalid(name: String, password: String, description: Int) async throws {
        try await AccountsFixture.run { fixture in
            let node = try await fixture.startedNode()
            let refusal = await node.refusal {
                try await $0.createUser(
                    name,
                    password: password,
                    description: String(repeating: "x", count: description),
                    role: .viewer
                )
            }
            #expect(refusal == .badRequest)
            #expect(await node.listUsers().count == 1)
        }
    }

    @Test("There are 1,000 users at most")
    func bound() async throws {
        try await AccountsFixture.run { fixture in
            #expect(AccountLimits().maximumUsers == 1_000)
            let node = try await fixture.startedNode { $0.limits.maximumUsers = 2 }
            _ = try await node.createUser("b", password: "abcdefg1", description: "", role: .viewer)
            let refusal = await node.refusal {
                try await $0.createUser("c", password: "abcdefg1", description: "", role: .viewer)
            }
            #expect(refusal == .badRequest)
        }
    }

    @Test("The default user and oneself stay, and stay what they are")
    func fixed() async throws {
        try await AccountsFixture.run { fixture in
            let node = try await fixture.startedNode()
            _ = try await node.createUser("b", password: "abcdefg1", description: "", role: .administrator)
            let other = Principal(.user, name: "b", role: .administrator)
            #expect(await node.refusal { try await $0.deleteUser("admin", by: other) } == .notAllowed)
            #expect(await node.refusal { try await $0.deleteUser("b", by: other) } == .notAllowed)
            for name in ["admin", "b"] {
                let refusal = await node.refusal {
                    try await $0.changeUser(name, description: "", role: .viewer, by: other)
                }
                #expect(refusal == .notAllowed)
                let changed = try await node.changeUser(name, description: "x", role: .administrator, by: other)
                #expect(changed.description == "x")
            }
            // An API key of the same name is somebody else.
            try await node.deleteUser("b", by: Principal(.apiKey, name: "b", role: .administrator))
        }
    }

    @Test("A password is changed with the old one, and ends all tokens of the user and no others")
    func password() async throws {
        try await AccountsFixture.run { fixture in
            let (first, second) = (try await fixture.startedNode(), try await fixture.startedNode())
            _ = try await first.createUser("b", password: "abcdefg1", description: "", role: .viewer)
            let tokens = [try await first.signIn("b", "abcdefg1"), try await second.signIn("b", "abcdefg1")]
            let other = try await second.signIn()
            for (old, new, code) in [
                ("abcdefg2", "abcdefg3", AccountRefusal.Code.oldPasswordIsAnother), ("abcdefg1", "short1", .badRequest),
                ("abcdefg1", "abcdefgé1", .badRequest),
            ] {
                #expect(await first.refusal { try await $0.changePassword(of: "b", from: old, to: new) } == code)
            }
            let unknown = await first.refusal { try await $0.changePassword(of: "c", from: "abcdefg1", to: "abcdefg3") }
            #expect(unknown == .userNotFound)
            for token in tokens { #expect(await first.refusal { try await $0.bearer(token) } == nil) }

            try await first.changePassword(of: "b", from: "abcdefg1", to: "abcdefg3")
            for token in tokens { #expect(await second.refusal { try await $0.bearer(token) } == .badToken) }
            #expect(await second.refusal { try await $0.bearer(other) } == nil)
            #expect(await fixture.store.records(of: .token).count == 1)
            #expect(await second.refusal { try await $0.signIn("b", "abcdefg1") } == .wrongPassword)
            _ = try await second.signIn("b", "abcdefg3")
        }
    }

    @Test("What is kept of a password is made by as many iterations as the bound says")
    func iterations() async throws {
        try await AccountsFixture.run { fixture in
            let node = try await fixture.startedNode { $0.limits.passwordIterations = 3 }
            let user = try await node.createUser("b", password: "abcdefg1", description: "", role: .viewer)
            #expect(user.password.algorithm == .pbkdf2 && user.password.iterations == 3)
            #expect(await fixture.store.text(of: .user).contains("\"iterations\":3"))
            // Another number later leaves it as it is.
            _ = try await fixture.startedNode().signIn("b", "abcdefg1")
        }
    }

    @Test("Tokens of an earlier password do not count, also where they could not be removed")
    func leftOver() async throws {
        try await AccountsFixture.run { fixture in
            let node = try await fixture.startedNode()
            let token = try await node.signIn()
            let record = try #require(await fixture.store.records(of: .token).first)
            try await node.changePassword(of: "admin", from: AccountsFixture.password, to: "abcdefg1")
            _ = try await fixture.store.write(record.value, at: record.key, expecting: nil)
            #expect(await node.refusal { try await $0.bearer(token) } == .badToken)
            #expect(await node.sweep() == 1)
        }
    }

    @Test("Of two who change a password at once one does")
    func race() async throws {
        try await AccountsFixture.run { fixture in
            let (first, second) = (try await fixture.startedNode(), try await fixture.startedNode())
            fixture.store.beforeNextWrite {
                try? await second.changePassword(of: "admin", from: AccountsFixture.password, to: "abcdefg2")
            }
            let refusal = await first.refusal {
                try await $0.changePassword(of: "admin", from: AccountsFixture.password, to: "abcdefg1")
            }
            #expect(refusal == .oldPasswordIsAnother)
            _ = try await first.signIn("admin", "abcdefg2")
        }
    }
}
