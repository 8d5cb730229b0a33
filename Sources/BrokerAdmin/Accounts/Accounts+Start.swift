import BrokerCluster
import Foundation
import NIOPosix

extension Accounts {
    /// Brings the accounts to what the configuration says: the default user, and the keys of the bootstrap file. To be called at each start, once the
    /// records of the cluster are known, before requests are served.
    ///
    /// It derives a password for each key of the file, which takes some 80 ms of one core each.
    ///
    /// - Returns: the password that was made, if one was.
    /// - Throws: `AccountFailure`.
    package func start() async throws(AccountFailure) -> FirstPassword? {
        let first = try await setDefaultUser()
        try await bootstrap()
        return first
    }

    // MARK: The default user

    private func setDefaultUser() async throws(AccountFailure) -> FirstPassword? {
        try configuration.checkDefaultUser()
        let name = configuration.defaultUser
        guard let password = configuration.defaultPassword else {
            return await users.names().isEmpty ? try await makeFirstUser(name) : nil
        }
        let isWellKnown = password == AccountsConfiguration.wellKnownPassword
        do throws(AccountRefusal) {
            let number = try await put(name, password)
            wellKnownPassword = isWellKnown ? number : nil
        } catch {
            throw AccountFailure("dashboard.default_password: the user cannot be stored: \(error.message)")
        }
        return nil
    }

    /// Sees to it that a user has a password, and is an administrator.
    ///
    /// - Returns: the number of the password.
    private func put(_ name: String, _ password: String) async throws(AccountRefusal) -> UInt64 {
        for _ in 0..<limits.attempts {
            let entry = await users.entry(name)
            if let entry, try await isRight(password, entry.value.password) {
                if entry.value.role == .administrator { return entry.value.passwordNumber }
                var user = entry.value
                user.role = .administrator
                if try await users.replace(entry, by: user) != nil { return user.passwordNumber }
                continue
            }
            let hash = try await hash(password)
            if let entry {
                var user = entry.value
                user.set(hash)
                user.role = .administrator
                guard try await users.replace(entry, by: user) != nil else { continue }
                await endTokens(of: name)
                return user.passwordNumber
            }
            let user = AdminUser(name: name, description: "", role: .administrator, password: hash)
            // Another node may be at it as well; what it has written is looked at then.
            if try await users.create(user, as: name) != nil { return user.passwordNumber }
            if await users.entry(name) == nil {
                // A record that this version cannot read.
                _ = try await users.put(user, as: name)
                return user.passwordNumber
            }
        }
        throw AccountRefusal(.conflict)
    }

    private func isRight(_ password: String, _ hash: PasswordHash) async throws(AccountRefusal) -> Bool {
        try await enter(.account)
        defer { leave() }
        return try await matches(password, hash)
    }

    /// Makes the first user with a password of its own. The file is there before the record, so that no password gets lost.
    private func makeFirstUser(_ name: String) async throws(AccountFailure) -> FirstPassword? {
        var password = ""
        while !PasswordRule.allows(password) { password = RandomText.letters(20) }
        let file = PasswordFile(folder: configuration.dataFolder)
        let user: AdminUser
        do throws(AccountRefusal) {
            let hash = try await hash(password)
            user = AdminUser(name: name, description: "", role: .administrator, password: hash)
        } catch {
            throw AccountFailure("dashboard.default_password: one cannot be made: \(error.message)")
        }
        try await onPool { [password] () throws(AccountFailure) in try file.write(password) }
        do throws(AccountRefusal) {
            if try await users.create(user, as: name) != nil {
                return FirstPassword(user: name, password: password, file: file.path)
            }
            // Another node was quicker, and has told its password.
            try? await onPool { () throws(AccountFailure) in file.remove() }
            return nil
        } catch {
            // It may be stored nevertheless: then the file has the password.
            throw AccountFailure(
                "dashboard.default_password: the user \(name), whose password is in \(file.path), cannot be stored: \(error.message)"
            )
        }
    }

    // MARK: The bootstrap file

    private func bootstrap() async throws(AccountFailure) {
        guard let path = configuration.bootstrapFile else { return }
        let limits = limits
        let file = try await onPool { () throws(AccountFailure) in try BootstrapFile.read(path, limits) }
        for key in file.keys {
            do throws(AccountRefusal) {
                try await put(key)
            } catch {
                throw AccountFailure("api_key.bootstrap_file: a key of \(path) cannot be stored: \(error.message)")
            }
        }
    }

    /// Sees to it that there is an API key as the file says, and no other one of the same key.
    private func put(_ wanted: BootstrapFile.Key) async throws(AccountRefusal) {
        let name = wanted.name
        for entry in await keys.entries() where entry.value.key == wanted.key && entry.name != name {
            _ = try await keys.change(entry.name) { _ in nil }
        }
        for _ in 0..<limits.attempts {
            let entry = await keys.entry(name)
            if let entry, entry.value.isAsBootstrapped(wanted), try await isRight(wanted.secret, entry.value.secret) {
                return verified.insert(wanted.secret, of: name, revision: entry.revision)
            }
            let key = APIKey(
                name: name,
                key: wanted.key,
                description: "from the bootstrap file",
                isEnabled: true,
                expiresAt: nil,
                createdAt: now(),
                role: wanted.role,
                secret: try await hash(wanted.secret)
            )
            var revision: UInt64?
            if let entry {
                revision = try await keys.replace(entry, by: key)
            } else {
                revision = try await keys.create(key, as: name)
                // A record that this version cannot read.
                if revision == nil, await keys.entry(name) == nil { revision = try await keys.put(key, as: name) }
            }
            if let revision { return verified.insert(wanted.secret, of: name, revision: revision) }
            // Another node was at it as well; what it has written is looked at now.
        }
        throw AccountRefusal(.conflict)
    }

    private func onPool<Value: Sendable>(
        _ body: @escaping @Sendable () throws(AccountFailure) -> Value
    ) async throws(AccountFailure) -> Value {
        do {
            return try await NIOThreadPool.singleton.runIfActive { try body() }
        } catch let failure as AccountFailure {
            throw failure
        } catch {
            throw AccountFailure("accounts: the process is ending")
        }
    }
}

extension APIKey {
    fileprivate func isAsBootstrapped(_ wanted: BootstrapFile.Key) -> Bool {
        key == wanted.key && isEnabled && expiresAt == nil && role == wanted.role
    }
}
