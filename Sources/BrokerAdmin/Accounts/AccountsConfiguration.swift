package import Secrets

/// What the configuration says of accounts.
package struct AccountsConfiguration: Sendable {
    /// `dashboard.default_username`.
    package var defaultUser = "admin"
    /// `dashboard.default_password`; `nil` if none is configured.
    @Secret package var defaultPassword: String?
    /// `dashboard.token_expired_time`, in milliseconds.
    package var tokenLife = 60 * 60_000
    /// `api_key.bootstrap_file`.
    package var bootstrapFile: String?
    /// The folder for a password that is made.
    package var dataFolder: String
    package var limits = AccountLimits()

    package init(dataFolder: String, defaultPassword: String? = nil) {
        self.dataFolder = dataFolder
        self.defaultPassword = defaultPassword
    }

    /// Says before the start what of this cannot be used, the bootstrap file among it.
    ///
    /// - Throws: `AccountFailure`.
    package func check() throws(AccountFailure) {
        try checkDefaultUser()
        if let bootstrapFile { _ = try BootstrapFile.read(bootstrapFile, limits) }
    }

    func checkDefaultUser() throws(AccountFailure) {
        guard NameRule.isUser(defaultUser, maximum: limits.maximumName) else {
            throw AccountFailure(
                "dashboard.default_username: a user name has 1 to \(limits.maximumName) letters, digits and _"
            )
        }
        guard let defaultPassword, defaultPassword != Self.wellKnownPassword else { return }
        guard PasswordRule.allows(defaultPassword) else {
            throw AccountFailure("dashboard.default_password: \(PasswordRule.sentence)")
        }
    }

    /// The password that many have as EMQX's, and that scanners try.
    static let wellKnownPassword = "public"
}
