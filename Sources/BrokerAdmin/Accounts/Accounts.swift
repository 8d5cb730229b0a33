package import BrokerCluster

/// The accounts of a broker: who may use the REST interface and the dashboard, and by what they prove it.
///
/// Users, API keys and tokens are records of the cluster, so that each node takes what another one gave. What guesses cost is bounded: one password is
/// derived at a time. Tokens, and the secrets of keys that the broker made, need no derivation, and so no guesses of others keep them waiting.
package actor Accounts {
    let configuration: AccountsConfiguration
    let limits: AccountLimits
    let audit: AuditLog?
    /// Milliseconds since 1970.
    let now: @Sendable () -> Int
    let derive: PasswordHash.Derive
    /// What the password of a user is compared with who does not exist.
    let nobody: PasswordHash

    let users: AccountTable<AdminUser>
    let keys: AccountTable<APIKey>
    let tokens: AccountTable<AccessToken>

    var throttle: GuessThrottle
    var verified: VerifiedSecrets
    var queue: DerivationQueue
    /// Names of API keys by what requests say; what is found by it is looked at again.
    var keyNames: [String: String] = [:]
    /// Tokens whose expiry is being put off, by their places.
    var extensions: [String: Task<Void, Never>] = [:]
    /// Of the password `public`, while the default user has it by the configuration.
    var wellKnownPassword: UInt64?

    /// - Parameters:
    ///   - audit: is told who signs in, and who fails to. Whoever serves the requests tells it of the rest.
    ///   - now: milliseconds since 1970.
    package init(
        _ store: any MetaStore,
        _ configuration: AccountsConfiguration,
        audit: AuditLog? = nil,
        now: @escaping @Sendable () -> Int
    ) {
        self.init(store, configuration, audit: audit, now: now, derive: PasswordHash.deriveOnPool)
    }

    init(
        _ store: any MetaStore,
        _ configuration: AccountsConfiguration,
        audit: AuditLog?,
        now: @escaping @Sendable () -> Int,
        derive: @escaping PasswordHash.Derive
    ) {
        let limits = configuration.limits
        self.configuration = configuration
        self.limits = limits
        self.audit = audit
        self.now = now
        self.derive = derive
        nobody = PasswordHash.ofNobody(iterations: limits.passwordIterations)
        users = AccountTable(store, maximum: limits.maximumUsers, attempts: limits.attempts)
        keys = AccountTable(store, maximum: limits.maximumKeys + limits.maximumBootstrapKeys, attempts: limits.attempts)
        tokens = AccountTable(store, maximum: limits.maximumTokens, attempts: limits.attempts)
        throttle = GuessThrottle(limits)
        verified = VerifiedSecrets(maximum: limits.maximumVerifiedSecrets)
        queue = DerivationQueue(maximum: limits.maximumWaiting)
    }

    /// True while the default user has the password `public`, because the configuration says so.
    package var hasWellKnownPassword: Bool {
        get async {
            guard let wellKnownPassword else { return false }
            return await users.entry(configuration.defaultUser)?.value.passwordNumber == wellKnownPassword
        }
    }

    // MARK: Requests

    /// Says who makes a request, if the request may be made.
    ///
    /// - Parameters:
    ///   - authorization: the value of the header `Authorization`, if there is one.
    ///   - method: such as `GET`.
    ///   - path: below `/api/v5`, without a query.
    package func authorize(
        _ authorization: String?,
        method: String,
        path: String
    ) async throws(AccountRefusal) -> Principal {
        let principal = try await verify(authorization)
        if let refusal = AccessRule.refusal(of: principal, method: method, path: path) { throw refusal }
        return principal
    }

    /// Says who makes a request.
    ///
    /// - Parameter authorization: the value of the header `Authorization`, if there is one.
    package func verify(_ authorization: String?) async throws(AccountRefusal) -> Principal {
        guard let authorization, authorization.utf8.count <= limits.maximumAuthorization,
            let proof = AuthorizationHeader(authorization)
        else { throw AccountRefusal(.badHeader) }
        switch proof {
        case .basic(let key, let secret): return try await verify(key: key, secret: secret)
        case .bearer(let token): return try await verify(token: token)
        }
    }
}
