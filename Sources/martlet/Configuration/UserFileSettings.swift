import BrokerAccess
import BrokerConfiguration

/// An element of `authentication`: a file of users and how their passwords are hashed.
struct UserFileSettings {
    /// EMQX's `mechanism` of an authenticator, of which there is one.
    enum Mechanism { case passwordBased }
    /// EMQX's `backend` of an authenticator, of which there is one.
    enum Backend { case builtInDatabase }

    var isEnabled = true
    var mechanism = Mechanism.passwordBased
    var backend = Backend.builtInDatabase
    var identifier = PasswordAuthentication.UserIdentifier.userName
    var passwordHash = PasswordHashSettings()
    var path = ""
    var content = UserFile.Content.passwords

    static var section: Section<Self> {
        Section([
            .value("enable", \.isEnabled, .boolean, "Whether this element is asked.", .atStart),
            .value(
                "mechanism",
                \.mechanism,
                .choice(["password_based": .passwordBased]),
                isRequired: true,
                "How clients prove their identity.",
                .atStart
            ),
            .value(
                "backend",
                \.backend,
                .choice(["built_in_database": .builtInDatabase]),
                isRequired: true,
                "Where the users are kept.",
                .atStart
            ),
            .value(
                "user_id_type",
                \.identifier,
                .choice(["username": .userName, "clientid": .clientIdentifier]),
                "By what users are known.",
                .atStart
            ),
            .section("password_hash_algorithm", \.passwordHash, PasswordHashSettings.section),
            .value(
                "bootstrap_file",
                \.path,
                .path,
                isRequired: true,
                "The file of users, CSV or JSON, relative to the working directory.",
                .atStart
            ),
            .value(
                "bootstrap_type",
                \.content,
                .choice(["plain": .passwords, "hash": .hashes]),
                "Whether the file holds passwords or their hashes.",
                .atStart
            ),
        ])
    }
}

/// `password_hash_algorithm`.
struct PasswordHashSettings {
    /// `nil` for PBKDF2.
    var digest: PasswordHashing.Digest? = .sha256
    var saltPosition = PasswordHashing.SaltPosition.prefix
    /// The function within PBKDF2, which needs it.
    var macFunction: PasswordHashing.MACFunction?
    /// Iterations of PBKDF2, which needs them.
    var iterations: Int?
    /// Octets that PBKDF2 derives; `nil` for as many as the function gives.
    var derivedKeyLength: Int?

    var hashing: PasswordHashing {
        guard let digest else {
            return PasswordHashing(
                .pbkdf2(macFunction ?? .sha256, iterations: iterations ?? 1, derivedKeyLength: derivedKeyLength)
            )
        }
        return PasswordHashing(.digest(digest, saltPosition))
    }

    static var section: Section<Self> { Section(fields, complete: complete) }

    private static var fields: [Field<Self>] {
        [
            .value(
                "name",
                \.digest,
                .choice(["plain": .plain, "sha": .sha, "sha256": .sha256, "sha512": .sha512, "pbkdf2": nil]),
                "How passwords are hashed.",
                .atStart
            ),
            .value(
                "salt_position",
                \.saltPosition,
                .choice(["prefix": .prefix, "suffix": .suffix, "disable": .disable]),
                "Where the salt stands beside the password; not for `pbkdf2`.",
                .atStart
            ),
            .value(
                "mac_fun",
                \.macFunction,
                .choice(["sha": .sha, "sha256": .sha256, "sha384": .sha384, "sha512": .sha512]),
                "The function within `pbkdf2`, which needs it.",
                .atStart
            ),
            .value(
                "iterations",
                \.iterations,
                .integer(1...10_000_000),
                "Iterations of `pbkdf2`, which needs them.",
                .atStart
            ),
            .value(
                "dk_length",
                \.derivedKeyLength,
                .integer(1...1024),
                "Octets that `pbkdf2` derives; as many as the function gives when not set.",
                .atStart
            ),
        ]
    }

    private static func complete(_ hash: inout Self, at path: [String], in reading: inout SchemaReading) {
        let isPBKDF2 = hash.digest == nil
        let ofPBKDF2 = ["mac_fun", "iterations", "dk_length"]
        for field in fields where ofPBKDF2.contains(field.name) {
            let origin = reading.origin(at: path + [field.name])
            if let origin, !isPBKDF2 {
                reading.add(
                    ConfigurationProblem(
                        origin: origin,
                        key: HOCONText.path(path + [field.name]),
                        message: "belongs to pbkdf2, which is not the algorithm",
                        allowed: "nothing here, or name = pbkdf2"
                    )
                )
            } else if isPBKDF2, origin == nil, field.name != "dk_length" {
                reading.add(
                    ConfigurationProblem(
                        origin: reading.origin(at: path + ["name"]) ?? .builtIn,
                        key: HOCONText.path(path + [field.name]),
                        message: "is missing, and pbkdf2 needs it",
                        allowed: field.allowed
                    )
                )
            }
        }
    }
}
