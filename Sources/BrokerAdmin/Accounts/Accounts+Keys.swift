import Foundation

extension Accounts {
    // MARK: Requests with a key

    /// Secrets that the broker made are compared at once, whatever others guess; others are remembered once they were right.
    func verify(key: String, secret: String) async throws(AccountRefusal) -> Principal {
        guard let entry = await find(key) else { throw wrongSecret(.unknownKey) }
        let value = entry.value
        // Nothing that could be guessed is told.
        if !value.isEnabled || value.isExpired(at: now()) { throw AccountRefusal(.wrongSecret) }
        let principal = Principal(.apiKey, name: value.name, role: value.role)
        let subject = GuessThrottle.Subject.apiKey(value.name)
        if !value.secret.isCostly {
            guard try await matches(secret, value.secret) else { throw wrongSecret(subject) }
            throttle.succeeded(subject)
        } else if !verified.contains(secret, of: value.name, revision: entry.revision) {
            guard secret.utf8.count <= limits.maximumBootstrapSecret else { throw wrongSecret(subject) }
            guard try await compare(secret, with: value.secret, subject, .apiKey) else {
                throw AccountRefusal(.wrongSecret)
            }
            verified.insert(secret, of: value.name, revision: entry.revision)
        }
        return principal
    }

    /// The answer to a wrong secret that took no derivation.
    private func wrongSecret(_ subject: GuessThrottle.Subject) -> AccountRefusal {
        if let seconds = throttle.take(subject, now: now()) { return .tooMany(seconds) }
        throttle.failed(subject, now: now())
        return AccountRefusal(.wrongSecret)
    }

    /// The API key that a request names.
    private func find(_ key: String) async -> AccountTable<APIKey>.Entry? {
        if let name = keyNames[key], let entry = await keys.entry(name), entry.value.key == key { return entry }
        let entries = await keys.entries()
        keyNames = Dictionary(entries.map { ($0.value.key, $0.name) }) { first, _ in first }
        return entries.first { $0.value.key == key }
    }

    // MARK: Changes

    /// All API keys, in the order of their names.
    package func listKeys() async -> [APIKey] { await keys.entries().map(\.value) }

    package func key(_ name: String) async throws(AccountRefusal) -> APIKey {
        guard let entry = await keys.entry(name) else { throw AccountRefusal(.notFound) }
        return entry.value
    }

    /// Makes an API key.
    ///
    /// - Parameter expiresAt: milliseconds since 1970; `nil` for never.
    /// - Returns: the key with its secret, which nobody can read afterwards.
    package func createKey(
        _ name: String,
        description: String,
        isEnabled: Bool,
        expiresAt: Int?,
        role: Role
    ) async throws(AccountRefusal) -> NewAPIKey {
        guard NameRule.isKey(name, maximum: limits.maximumName) else {
            throw AccountRefusal(
                .badRequest,
                "the name of an API key has 1 to \(limits.maximumName) letters, digits, _ and -, of which the first is a letter"
            )
        }
        try check(description: description)
        let names = await keys.names()
        guard !names.contains(name) else { throw Self.keyExists }
        guard names.count < limits.maximumKeys else {
            throw AccountRefusal(.badRequest, "there are \(limits.maximumKeys) API keys, and no more are allowed")
        }
        let secret = RandomText.base62(RandomText.octets(32))
        let key = APIKey(
            name: name,
            key: RandomText.hexadecimal(RandomText.octets(8)),
            description: description,
            isEnabled: isEnabled,
            expiresAt: expiresAt,
            createdAt: now(),
            role: role,
            secret: .of(randomSecret: secret)
        )
        guard try await keys.create(key, as: name) != nil else { throw Self.keyExists }
        return NewAPIKey(key: key, secret: secret)
    }

    package func changeKey(_ name: String, _ change: APIKeyChange) async throws(AccountRefusal) -> APIKey {
        if let description = change.description { try check(description: description) }
        var changed: APIKey?
        let isThere = try await keys.change(name) { key throws(AccountRefusal) in
            var key = key
            key.description = change.description ?? key.description
            key.isEnabled = change.isEnabled ?? key.isEnabled
            key.role = change.role ?? key.role
            switch change.expiry {
            case .never: key.expiresAt = nil
            case .at(let time): key.expiresAt = time
            case nil: break
            }
            changed = key
            return key
        }
        guard isThere, let changed else { throw AccountRefusal(.notFound) }
        verified.remove(name)
        return changed
    }

    package func deleteKey(_ name: String) async throws(AccountRefusal) {
        guard try await keys.change(name, { _ in nil }) else { throw AccountRefusal(.notFound) }
        verified.remove(name)
        throttle.succeeded(.apiKey(name))
    }

    private static var keyExists: AccountRefusal {
        AccountRefusal(.badRequest, "there is an API key of that name already")
    }
}
