import Testing

@testable import BrokerAccess

@Suite struct PasswordAuthenticationTests {
    private static let sha256 = PasswordHashing(.digest(.sha256, .prefix))

    /// The password of `public` with a salt of 32 digits, hashed by another implementation (Python's hashlib).
    private static let hashes = """
        user_id,password_hash,salt,is_superuser
        first,e65593f8a9bef9c2b4b888dcb6631ec85fbfc0e5ffb3318a3e2993096282dcdf,000102030405060708090a0b0c0d0e0f,true
        second,E65593F8A9BEF9C2B4B888DCB6631EC85FBFC0E5FFB3318A3E2993096282DCDF,000102030405060708090a0b0c0d0e0f,false

        """

    private func authentication(
        _ text: String,
        _ content: UserFile.Content = .hashes,
        _ hashing: PasswordHashing = sha256,
        by identifier: PasswordAuthentication.UserIdentifier = .userName
    ) throws -> PasswordAuthentication {
        let users = try UserFile(
            parsing: Array(text.utf8),
            format: .csv,
            named: "users.csv",
            content: content,
            hashing: hashing
        )
        return PasswordAuthentication(users: users, identifiedBy: identifier)
    }

    private func password(_ text: String) -> [UInt8] { Array(text.utf8) }

    @Test func rightPasswordIsAllowed() throws {
        let authentication = try authentication(Self.hashes)
        let verdict = { (name: String) in
            authentication.verdict(userName: name, clientIdentifier: "c", password: Array("public".utf8))
        }
        #expect(verdict("first") == .allow(isSuperuser: true))
        #expect(verdict("second") == .allow(isSuperuser: false))
    }

    @Test func wrongOrMissingPasswordIsDenied() throws {
        let authentication = try authentication(Self.hashes)
        for wrong in ["", "Public", "public ", "publi"] {
            let verdict = authentication.verdict(userName: "first", clientIdentifier: "c", password: password(wrong))
            #expect(verdict == .deny)
        }
        #expect(authentication.verdict(userName: "first", clientIdentifier: "c", password: nil) == .deny)
    }

    @Test func unknownOrUnnamedClientIsLeftToOthers() throws {
        let authentication = try authentication(Self.hashes)
        let right = password("public")
        #expect(authentication.verdict(userName: "third", clientIdentifier: "first", password: right) == .ignore)
        #expect(authentication.verdict(userName: "third", clientIdentifier: "first", password: nil) == .ignore)
        #expect(authentication.verdict(userName: nil, clientIdentifier: "first", password: right) == .ignore)
        #expect(authentication.verdict(userName: "", clientIdentifier: "first", password: right) == .ignore)
    }

    @Test func clientsMayBeKnownByTheirIdentifier() throws {
        let authentication = try authentication(Self.hashes, by: .clientIdentifier)
        let right = password("public")
        #expect(
            authentication.verdict(userName: nil, clientIdentifier: "first", password: right)
                == .allow(isSuperuser: true)
        )
        #expect(authentication.verdict(userName: "first", clientIdentifier: "other", password: right) == .ignore)
    }

    /// Every algorithm hashes what it reads and then knows the password again.
    @Test(arguments: [
        PasswordHashing(.digest(.plain, .disable)), PasswordHashing(.digest(.plain, .prefix)),
        PasswordHashing(.digest(.sha, .suffix)), sha256, PasswordHashing(.digest(.sha256, .disable)),
        PasswordHashing(.digest(.sha512, .suffix)),
        PasswordHashing(.pbkdf2(.sha512, iterations: 2, derivedKeyLength: 24)),
    ])
    func passwordsAreHashedWhileRead(hashing: PasswordHashing) throws {
        let authentication = try authentication(
            "user_id,password,is_superuser\nann,se cret,true\n",
            .passwords,
            hashing
        )
        let verdict = { (text: String) in
            authentication.verdict(userName: "ann", clientIdentifier: "c", password: Array(text.utf8))
        }
        #expect(verdict("se cret") == .allow(isSuperuser: true))
        #expect(verdict("secret") == .deny)
        #expect(verdict("SE CRET") == .deny)
    }

    @Test func saltsAreNewForEachUser() throws {
        let users = try UserFile(
            parsing: Array("user_id,password\na,same\nb,same\n".utf8),
            format: .csv,
            named: "users.csv",
            content: .passwords,
            hashing: Self.sha256
        )
        let first = try #require(users["a"])
        let second = try #require(users["b"])
        #expect(first.salt.count == 32 && first.salt != second.salt)
        #expect(first.digest != second.digest)
    }

    /// Unicode's equivalence of composed and decomposed characters must not make two users one.
    @Test func identifiersAreComparedByTheirBytes() throws {
        let authentication = try authentication("user_id,password\ncaf\u{E9},one\n", .passwords)
        let one = password("one")
        #expect(
            authentication.verdict(userName: "caf\u{E9}", clientIdentifier: "c", password: one)
                == .allow(isSuperuser: false)
        )
        #expect(authentication.verdict(userName: "cafe\u{301}", clientIdentifier: "c", password: one) == .ignore)
    }
}
