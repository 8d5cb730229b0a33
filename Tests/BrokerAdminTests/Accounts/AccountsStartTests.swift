import BrokerCluster
import Foundation
import SecretFixture
import Testing

@testable import BrokerAdmin

@Suite struct AccountsStartTests {
    private static func password(in fixture: AccountsFixture) throws -> String {
        try String(contentsOfFile: fixture.file(PasswordFile.name), encoding: .utf8)
    }

    // MARK: The configured password

    @Test("The configured password is in force at every start, and then the tokens of another one end")
    func configured() async throws {
        try await AccountsFixture.run { fixture in
            let node = node(fixture, password: "abcdefg1")
            #expect(try await node.start() == nil)
            let token = try await node.signIn("admin", "abcdefg1")
            let writes = fixture.store.writes
            // Nothing is written if nothing is changed.
            #expect(try await self.node(fixture, password: "abcdefg1").start() == nil)
            #expect(fixture.store.writes == writes)
            #expect(await node.refusal { try await $0.bearer(token) } == nil)

            let next = self.node(fixture, password: "abcdefg2")
            _ = try await next.start()
            #expect(await next.refusal { try await $0.bearer(token) } == .badToken)
            #expect(await fixture.store.records(of: .token).isEmpty)
            _ = try await node.signIn("admin", "abcdefg2")
            try await next.changePassword(of: "admin", from: "abcdefg2", to: "abcdefg3")
            _ = try await self.node(fixture, password: "abcdefg2").start()
            _ = try await next.signIn("admin", "abcdefg2")
            #expect(!FileManager.default.fileExists(atPath: fixture.file(PasswordFile.name)))
        }
    }

    @Test("The default user is an administrator, and other users stay as they are")
    func role() async throws {
        try await AccountsFixture.run { fixture in
            let node = try await fixture.startedNode()
            _ = try await node.createUser("b", password: "abcdefg1", description: "B", role: .viewer)
            let next = try await fixture.startedNode {
                $0.defaultUser = "b"
                $0.defaultPassword = "abcdefg1"
            }
            #expect(await next.listUsers().map(\.role) == [.administrator, .administrator])
            #expect(await next.listUsers().map(\.description) == ["", "B"])
            _ = try await next.signIn()
        }
    }

    @Test("A record of the default user that cannot be read is replaced")
    func unreadable() async throws {
        try await AccountsFixture.run { fixture in
            try await fixture.store.put("{}", at: MetaKey(.user, "admin"))
            _ = try await fixture.startedNode().signIn()
        }
    }

    @Test("Of two nodes with the same password one writes it")
    func together() async throws {
        try await AccountsFixture.run { fixture in
            let (first, second) = (fixture.node(), fixture.node())
            fixture.store.beforeNextWrite { _ = try? await second.start() }
            _ = try await first.start()
            #expect(await fixture.store.records(of: .user).map(\.revision) == [1])
            _ = try await first.signIn()
        }
    }

    @Test(
        "A password or a name that nobody can have is an error that names the key, and not the password",
        arguments: [
            (Marker.text + "é", "admin", "dashboard.default_password"),
            (Marker.text, "a b", "dashboard.default_username"),
        ]
    )
    func invalid(password: String, name: String, key: String) async throws {
        try await AccountsFixture.run { fixture in
            let node = fixture.node {
                $0.defaultPassword = password
                $0.defaultUser = name
            }
            await #expect {
                try await node.start()
            } throws: { error in
                "\(error)".hasPrefix(key + ": ") && !Marker.isIn("\(error)")
            }
        }
    }

    // MARK: public

    @Test("The well-known password is allowed if it is configured, and is warned of until it is another")
    func wellKnown() async throws {
        try await AccountsFixture.run { fixture in
            let node = node(fixture, password: "public")
            #expect(await !node.hasWellKnownPassword)
            _ = try await node.start()
            #expect(await node.hasWellKnownPassword)
            _ = try await node.signIn("admin", "public")
            let second = self.node(fixture, password: "public")
            _ = try await second.start()
            #expect(await second.hasWellKnownPassword)
            try await node.changePassword(of: "admin", from: "public", to: "abcdefg1")
            #expect(await !node.hasWellKnownPassword)
            #expect(await !second.hasWellKnownPassword)
            #expect(
                await node.refusal { try await $0.changePassword(of: "admin", from: "abcdefg1", to: "public") }
                    == .badRequest
            )
        }
    }

    @Test("Other passwords are not warned of")
    func others() async throws {
        try await AccountsFixture.run { fixture in
            let node = try await fixture.startedNode()
            #expect(await !node.hasWellKnownPassword)
        }
    }

    // MARK: A password that is made

    @Test("Where no password is configured and nobody is there, one is made and is in a file for its owner alone")
    func made() async throws {
        try await AccountsFixture.run { fixture in
            let node = node(fixture, password: nil)
            let first = try #require(try await node.start())
            #expect(first.user == "admin" && first.file == fixture.file(PasswordFile.name))
            #expect(first.password.wholeMatch(of: /[0-9A-Za-z]{20}/) != nil)
            #expect(try Self.password(in: fixture) == first.password + "\n")
            let attributes = try FileManager.default.attributesOfItem(atPath: first.file)
            #expect(attributes[.posixPermissions] as? Int == 0o600)
            for text in Marker.descriptions(of: first) { #expect(!text.contains(first.password)) }
            _ = try await node.signIn("admin", first.password)

            // At the next start there is somebody.
            #expect(try await self.node(fixture, password: nil).start() == nil)
            #expect(try Self.password(in: fixture) == first.password + "\n")
            // With another password the file is of no use.
            try await node.changePassword(of: "admin", from: first.password, to: "abcdefg1")
            #expect(!FileManager.default.fileExists(atPath: first.file))
        }
    }

    @Test("Of nodes that start together one makes a password, and the others none")
    func race() async throws {
        try await AccountsFixture.run { fixture in
            let other = fixture.file("other")
            try FileManager.default.createDirectory(atPath: other, withIntermediateDirectories: true)
            let first = node(fixture, password: nil)
            let second = fixture.node {
                $0.defaultPassword = nil
                $0.dataFolder = other
            }
            let box = PasswordBox()
            fixture.store.beforeNextWrite { await box.set(try? await second.start()) }
            #expect(try await first.start() == nil)
            let made = try #require(await box.password)
            #expect(!FileManager.default.fileExists(atPath: fixture.file(PasswordFile.name)))
            #expect(FileManager.default.fileExists(atPath: other + "/" + PasswordFile.name))
            _ = try await first.signIn("admin", made.password)
        }
    }

    @Test("A file of a start that did not come to its end is replaced, and one behind a link is not written")
    func leftOver() async throws {
        try await AccountsFixture.run { fixture in
            let target = try fixture.write("mine", to: "target")
            try FileManager.default.createSymbolicLink(
                atPath: fixture.file(PasswordFile.name),
                withDestinationPath: target
            )
            let first = try #require(try await node(fixture, password: nil).start())
            #expect(try Self.password(in: fixture) == first.password + "\n")
            #expect(try String(contentsOfFile: target, encoding: .utf8) == "mine")
        }
    }

    @Test("Where the password cannot be written or stored there is no user with it, and the next start makes one")
    func unwritable() async throws {
        try await AccountsFixture.run { fixture in
            let nowhere = fixture.node {
                $0.defaultPassword = nil
                $0.dataFolder = fixture.file("none")
            }
            await #expect(throws: AccountFailure.self) { try await nowhere.start() }
            #expect(await fixture.store.records(of: .user).isEmpty)
            fixture.store.fail(.notReady)
            await #expect(throws: AccountFailure.self) { try await node(fixture, password: nil).start() }
            fixture.store.fail(nil)
            _ = try #require(try await node(fixture, password: nil).start())
        }
    }

    // MARK: The bootstrap file

    @Test("Keys of the bootstrap file are there after a start, and are not written again")
    func bootstrap() async throws {
        try await AccountsFixture.run { fixture in
            let path = try fixture.write("a:1\nb:2:viewer\n", to: "keys")
            let node = try await fixture.startedNode { $0.bootstrapFile = path }
            #expect(try await node.basic("a", "1").role == .administrator)
            let viewer = try await node.basic("b", "2")
            #expect(viewer.role == .viewer && viewer.name.hasPrefix("from_bootstrap_file_"))
            #expect(await node.listKeys().allSatisfy { $0.expiresAt == nil && $0.isEnabled })
            let writes = fixture.store.writes
            _ = try await fixture.startedNode { $0.bootstrapFile = path }
            #expect(fixture.store.writes == writes)
        }
    }

    @Test("The file counts at each start: what it says replaces the same key, and other keys stay")
    func overwrites() async throws {
        try await AccountsFixture.run { fixture in
            let path = try fixture.write("a:1\nb:2\n", to: "keys")
            let node = try await fixture.startedNode { $0.bootstrapFile = path }
            let name = try await node.basic("a", "1").name
            _ = try await node.changeKey(name, APIKeyChange(isEnabled: false, expiry: .at(1)))
            _ = try fixture.write("a:3:publisher\n", to: "keys")
            let next = try await fixture.startedNode { $0.bootstrapFile = path }
            #expect(try await next.basic("a", "3") == Principal(.apiKey, name: name, role: .publisher))
            #expect(await next.refusal { try await $0.basic("a", "1") } == .wrongSecret)
            #expect(try await next.basic("b", "2").role == .administrator)
            #expect(try await next.key(name).expiresAt == nil)
        }
    }

    @Test("A key of another name is replaced by that of the file")
    func sameKey() async throws {
        try await AccountsFixture.run { fixture in
            let node = try await fixture.startedNode()
            let new = try await node.createKey("k", description: "", isEnabled: true, expiresAt: nil, role: .viewer)
            let path = try fixture.write("\(new.key.key):1\n", to: "keys")
            let next = try await fixture.startedNode { $0.bootstrapFile = path }
            #expect(await next.listKeys().count == 1)
            #expect(await next.refusal { try await $0.basic(new.key.key, new.secret) } == .wrongSecret)
            #expect(try await next.basic(new.key.key, "1").role == .administrator)
        }
    }

    @Test("Of two nodes with the same file one writes a key, and both take it without a derivation")
    func sameFile() async throws {
        try await AccountsFixture.run { fixture in
            let path = try fixture.write("a:1\n", to: "keys")
            let gate = DerivationGate()
            let (first, second) = (
                fixture.node(gate: gate) { $0.bootstrapFile = path }, fixture.node { $0.bootstrapFile = path }
            )
            _ = try await fixture.startedNode()
            fixture.store.beforeNextWrite { _ = try? await second.start() }
            _ = try await first.start()
            #expect(await fixture.store.records(of: .apiKey).map(\.revision) == [2])
            let before = gate.count
            _ = try await first.basic("a", "1")
            #expect(gate.count == before)
        }
    }

    @Test("An invalid line stops the start")
    func invalidFile() async throws {
        try await AccountsFixture.run { fixture in
            let path = try fixture.write("a:1\n\(Marker.text)\n", to: "keys")
            let node = fixture.node { $0.bootstrapFile = path }
            await #expect {
                try await node.start()
            } throws: { error in
                "\(error)".hasPrefix("api_key.bootstrap_file: \(path):2: ") && !Marker.isIn("\(error)")
            }
            #expect(await fixture.store.records(of: .apiKey).isEmpty)
        }
    }

    private func node(_ fixture: AccountsFixture, password: String?) -> Accounts {
        fixture.node { $0.defaultPassword = password }
    }
}

private actor PasswordBox {
    private(set) var password: FirstPassword?

    func set(_ password: FirstPassword?) { self.password = password }
}
