/// One element of `authentication`: a file of users and how their passwords are hashed.
package struct AuthenticationConfiguration: ConfigurationSection {
    package enum UserIdentifier: String, CaseIterable, Sendable { case username, clientid }
    package enum BootstrapType: String, CaseIterable, Sendable { case plain, hash }
    enum Mechanism: String, CaseIterable, Sendable { case passwordBased = "password_based" }
    enum Backend: String, CaseIterable, Sendable { case builtInDatabase = "built_in_database" }

    /// Default true.
    package var isEnabled = true
    private var mechanism = Mechanism.passwordBased
    private var backend = Backend.builtInDatabase
    /// Whether users are known by their user name, the default, or by their client identifier.
    package var userIdentifier = UserIdentifier.username
    package var passwordHash = PasswordHashConfiguration()
    /// The file of users. Required.
    package var bootstrapFile = ""
    /// Whether the file holds passwords, the default, or their hashes.
    package var bootstrapType = BootstrapType.plain

    package init() {}

    package static var fields: [Field<Self>] {
        [
            .value("enable", \.isEnabled, .boolean, "Whether this element is asked."),
            .value("mechanism", \.mechanism, .choice, isRequired: true, "How clients prove who they are."),
            .value("backend", \.backend, .choice, isRequired: true, "Where the users are kept."),
            .value("user_id_type", \.userIdentifier, .choice, "By what users are known."),
            .section("password_hash_algorithm", \.passwordHash),
            .value(
                "bootstrap_file",
                \.bootstrapFile,
                .path,
                isRequired: true,
                "The file of users, CSV or JSON; relative to the working directory."
            ),
            .value("bootstrap_type", \.bootstrapType, .choice, "Whether the file holds passwords or their hashes."),
        ]
    }
}

/// `password_hash_algorithm`.
package struct PasswordHashConfiguration: ConfigurationSection {
    package enum Algorithm: String, CaseIterable, Sendable { case plain, sha, sha256, sha512, pbkdf2 }
    package enum SaltPosition: String, CaseIterable, Sendable { case prefix, suffix, disable }
    package enum MACFunction: String, CaseIterable, Sendable { case sha, sha256, sha384, sha512 }

    /// Default `sha256`.
    package var algorithm = Algorithm.sha256
    /// Where the salt stands beside the password; not for PBKDF2. Default `prefix`.
    package var saltPosition = SaltPosition.prefix
    /// The function within PBKDF2, which needs it. Default: not set.
    package var macFunction: MACFunction?
    /// Iterations of PBKDF2, which needs them. Default: not set; 1 to 10,000,000.
    package var iterations: Int?
    /// Bytes that PBKDF2 derives. Default: not set, as many as the function gives; 1 to 1024.
    package var derivedKeyLength: Int?

    package init() {}

    package static var fields: [Field<Self>] {
        [
            .value("name", \.algorithm, .choice, "How passwords are hashed."),
            .value(
                "salt_position",
                \.saltPosition,
                .choice,
                "Where the salt stands beside the password; not for pbkdf2."
            ),
            .value("mac_fun", \.macFunction, .choice, "The function within pbkdf2, which needs it."),
            .value("iterations", \.iterations, .integer(1...10_000_000), "Iterations of pbkdf2, which needs them."),
            .value(
                "dk_length",
                \.derivedKeyLength,
                .integer(1...1024),
                "Bytes that pbkdf2 derives; as many as the function gives when it is not set."
            ),
        ]
    }

    package mutating func settle(at path: [String], in reading: inout SchemaReading) {
        let isPBKDF2 = algorithm == .pbkdf2
        for (key, isSet) in [
            ("mac_fun", macFunction != nil), ("iterations", iterations != nil), ("dk_length", derivedKeyLength != nil),
        ] {
            if isSet && !isPBKDF2, let origin = reading.origin(at: path + [key]) {
                reading.add(
                    ConfigurationProblem(
                        origin: origin,
                        key: HOCONText.path(path + [key]),
                        message: "belongs to pbkdf2, and the algorithm is \(algorithm.rawValue)",
                        allowed: "nothing here, or name = pbkdf2"
                    )
                )
            } else if isPBKDF2 && reading.origin(at: path + [key]) == nil && key != "dk_length" {
                reading.add(
                    ConfigurationProblem(
                        origin: reading.origin(at: path + ["name"]) ?? .builtIn,
                        key: HOCONText.path(path + [key]),
                        message: "is missing, and pbkdf2 needs it",
                        allowed: Self.fields.first { $0.name == key }?.allowed
                    )
                )
            }
        }
    }
}
