import BrokerAccess
import BrokerConfiguration
import Testing

@testable import martlet

@Suite struct UserFileSettingsTests {
    private static func hashing(_ keys: String) throws -> PasswordHashing? {
        let text = "authentication { mechanism = password_based, backend = built_in_database, bootstrap_file = u\n"
        return try load(text + "password_hash_algorithm { \(keys) } }").configuration.userFiles.first?.passwordHash
            .hashing
    }

    @Test func algorithmsAreThoseOfTheFile() throws {
        #expect(try Self.hashing("") == PasswordHashing(.digest(.sha256, .prefix)))
        #expect(try Self.hashing("name = sha512, salt_position = suffix") == PasswordHashing(.digest(.sha512, .suffix)))
        #expect(
            try Self.hashing("name = pbkdf2, mac_fun = sha512, iterations = 1000, dk_length = 32")
                == PasswordHashing(.pbkdf2(.sha512, iterations: 1000, derivedKeyLength: 32))
        )
    }

    @Test func elementsAreSetByNumberFromEveryLayer() throws {
        let loaded = try load(
            nil,
            environment: [
                "EMQX_AUTHENTICATION__1__MECHANISM": "password_based",
                "EMQX_AUTHENTICATION__1__BACKEND": "built_in_database",
                "MARTLET_AUTHENTICATION__1__BOOTSTRAP_FILE": "users.csv",
            ],
            settings: ["authentication.1.user_id_type": "clientid"]
        )
        let file = loaded.configuration.userFiles.first
        #expect(file?.path == "users.csv" && file?.identifier == .clientIdentifier && file?.content == .passwords)
    }
}
