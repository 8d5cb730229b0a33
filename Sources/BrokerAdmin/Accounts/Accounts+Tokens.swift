import BrokerCluster

extension Accounts {
    // MARK: In and out

    /// Gives a token to a user who has the right password. A wrong password and an unknown user have the same answer, after the same work.
    ///
    /// - Parameter source: the address of whoever signs in, for the audit log.
    package func signIn(
        _ name: String,
        password: String,
        from source: String
    ) async throws(AccountRefusal) -> SignedIn {
        do throws(AccountRefusal) {
            let user = try await prove(name, password)
            let token = try await issue(to: user)
            let principal = Principal(.user, name: user.name, role: user.role)
            await audit?.record(.signIn(at: now(), from: source, user: user.name, status: 200))
            return SignedIn(token: token, user: principal)
        } catch {
            if error.code == .wrongPassword {
                // Some type the password where the name belongs.
                let known = await users.entry(name)?.name
                await audit?.recordFailure(.signIn(at: now(), from: source, user: known, status: error.status))
            }
            throw error
        }
    }

    private func prove(_ name: String, _ password: String) async throws(AccountRefusal) -> AdminUser {
        let isName = NameRule.isUser(name, maximum: limits.maximumName)
        let user = isName ? await users.entry(name)?.value : nil
        let subject = user.map { GuessThrottle.Subject.user($0.name) } ?? .unknownUser
        // No user has a longer one, and it is not derived for nothing.
        let guess = password.utf8.count <= PasswordRule.maximum ? password : ""
        let isRight = try await compare(guess, with: user?.password ?? nobody, subject, .guest)
        guard let user, isRight else { throw AccountRefusal(.wrongPassword) }
        return user
    }

    /// Ends a token.
    ///
    /// - Parameter user: whose token it has to be.
    package func signOut(_ token: String, user: String) async throws(AccountRefusal) {
        guard let text = TokenText(token) else { throw AccountRefusal(.wrongTokenOrUser) }
        for _ in 0..<limits.attempts {
            guard let entry = await tokens.entry("\(text.place)"), text.isOf(entry.value), entry.value.user == user
            else {
                throw AccountRefusal(.wrongTokenOrUser)
            }
            if try await tokens.replace(entry, by: nil) != nil { return }
            // Its expiry was put off meanwhile.
        }
        throw AccountRefusal(.conflict)
    }

    func verify(token: String) async throws(AccountRefusal) -> Principal {
        guard let text = TokenText(token), let entry = await tokens.entry("\(text.place)"), text.isOf(entry.value)
        else {
            throw AccountRefusal(.badToken)
        }
        let now = now()
        if entry.value.isExpired(at: now) { throw AccountRefusal(.tokenTimeOut) }
        guard let user = await users.entry(entry.value.user)?.value, entry.value.isInForce(for: user, at: now) else {
            throw AccountRefusal(.badToken)
        }
        putOff(entry, now)
        return Principal(.user, name: user.name, role: user.role)
    }

    // MARK: Expiry

    /// Puts the expiry off, once in a tenth of the life, so that requests do not each write. The request does not wait for it.
    private func putOff(_ entry: AccountTable<AccessToken>.Entry, _ now: Int) {
        let expiry = now + configuration.tokenLife
        guard expiry - entry.value.expiresAt >= configuration.tokenLife / 10, extensions[entry.name] == nil else {
            return
        }
        var token = entry.value
        token.expiresAt = expiry
        extensions[entry.name] = Task {
            // If it fails, a later request tries again.
            _ = try? await tokens.replace(entry, by: token)
            extensions[entry.name] = nil
        }
    }

    /// Waits for what requests did not wait for.
    func settle() async {
        while let task = extensions.values.first { await task.value }
    }

    /// Removes tokens that are not in force any more, some of them if there are many. To be called about once a minute.
    ///
    /// - Returns: how many were removed.
    @discardableResult
    package func sweep() async -> Int {
        let now = now()
        let owners = await owners()
        let over = await tokens.entries().filter { !$0.value.isInForce(for: owners[$0.value.user], at: now) }
        var removed = 0
        for entry in over.prefix(limits.sweepMaximum) {
            if (try? await tokens.replace(entry, by: nil)) != nil { removed += 1 }
        }
        return removed
    }

    /// Ends all tokens of a user. They are in force no more already if the user is gone, or has another password.
    func endTokens(of user: String) async {
        for entry in await tokens.entries() where entry.value.user == user {
            _ = try? await tokens.replace(entry, by: nil)
        }
    }

    private func owners() async -> [String: AdminUser] {
        Dictionary(await users.entries().map { ($0.name, $0.value) }) { first, _ in first }
    }

    // MARK: Places

    /// Makes a token, in a place that is free or whose token has to go.
    private func issue(to user: AdminUser) async throws(AccountRefusal) -> String {
        for _ in 0..<limits.attempts {
            let now = now()
            let owners = await owners()
            let entries = await tokens.entries()
            let inForce = entries.filter { $0.value.isInForce(for: owners[$0.value.user], at: now) }
                .sorted { $0.value.issuedAt < $1.value.issuedAt }
            let own = inForce.filter { $0.value.user == user.name }
            let excess = own.count - limits.maximumTokensOfUser
            for entry in own.prefix(max(0, excess)) { _ = try await tokens.replace(entry, by: nil) }

            let free = excess >= 0 ? nil : await freePlace()
            let taken: AccountTable<AccessToken>.Entry? =
                if excess >= 0 {
                    own[excess]
                } else if free == nil {
                    entries.first { !$0.value.isInForce(for: owners[$0.value.user], at: now) } ?? inForce.first
                } else {
                    nil
                }
            guard let place = taken.map({ TokenText.place($0.name) }) ?? free else { continue }

            let text = TokenText(place: place)
            let token = AccessToken(
                hash: text.hash,
                user: user.name,
                passwordNumber: user.passwordNumber,
                issuedAt: now,
                expiresAt: now + configuration.tokenLife
            )
            let revision =
                if let taken {
                    try await tokens.replace(taken, by: token)
                } else {
                    try await tokens.create(token, as: "\(place)")
                }
            if revision != nil { return text.text }
        }
        throw AccountRefusal(.conflict)
    }

    /// Any free place, so that nodes rarely take the same one.
    private func freePlace() async -> Int? {
        let names = await tokens.names()
        return (0..<min(limits.maximumTokens, TokenText.maximumPlaces)).filter { !names.contains("\($0)") }
            .randomElement()
    }
}
