import Foundation
import NIOPosix

extension Accounts {
    /// All users, in the order of their names.
    package func listUsers() async -> [AdminUser] { await users.entries().map(\.value) }

    package func createUser(
        _ name: String,
        password: String,
        description: String,
        role: Role
    ) async throws(AccountRefusal) -> AdminUser {
        guard NameRule.isUser(name, maximum: limits.maximumName) else {
            throw AccountRefusal(.badRequest, "a user name has 1 to \(limits.maximumName) letters, digits and _")
        }
        try check(description: description)
        try check(password: password)
        let names = await users.names()
        guard !names.contains(name) else { throw Self.userExists }
        guard names.count < limits.maximumUsers else {
            throw AccountRefusal(.badRequest, "there are \(limits.maximumUsers) users already, and no more are allowed")
        }
        let user = AdminUser(name: name, description: description, role: role, password: try await hash(password))
        guard try await users.create(user, as: name) != nil else { throw Self.userExists }
        return user
    }

    /// Changes a user. The role of the default user, and one's own, stay: so there is always an administrator.
    ///
    /// - Parameters:
    ///   - role: `nil` leaves it as it is.
    ///   - principal: who asks for it.
    package func changeUser(
        _ name: String,
        description: String,
        role: Role?,
        by principal: Principal
    ) async throws(AccountRefusal) -> AdminUser {
        try check(description: description)
        let isFixed = isDefault(name) || principal.isUser(name)
        var changed: AdminUser?
        let isThere = try await users.change(name) { user throws(AccountRefusal) in
            var user = user
            if isFixed, let role, role != user.role {
                throw AccountRefusal(.notAllowed, "the role of the default user, and one's own, cannot be changed")
            }
            user.description = description
            user.role = role ?? user.role
            changed = user
            return user
        }
        guard isThere, let changed else { throw AccountRefusal(.userNotFound) }
        return changed
    }

    /// Deletes a user, who is not the default user nor the one who asks for it, and ends the user's tokens.
    package func deleteUser(_ name: String, by principal: Principal) async throws(AccountRefusal) {
        guard await users.entry(name) != nil else { throw AccountRefusal(.userNotFound) }
        if isDefault(name) { throw AccountRefusal(.notAllowed, "the default user cannot be deleted") }
        if principal.isUser(name) { throw AccountRefusal(.notAllowed, "nobody can delete the own user") }
        guard try await users.change(name, { _ in nil }) else { throw AccountRefusal(.userNotFound) }
        throttle.succeeded(.user(name))
        throttle.succeeded(.change(name))
        await endTokens(of: name)
    }

    /// Gives a user another password, and ends all tokens of the user.
    package func changePassword(of name: String, from old: String, to new: String) async throws(AccountRefusal) {
        try check(password: new)
        guard let user = await users.entry(name)?.value else { throw AccountRefusal(.userNotFound) }
        let guess = old.utf8.count <= PasswordRule.maximum ? old : ""
        guard try await compare(guess, with: user.password, .change(name), .account) else {
            throw AccountRefusal(.oldPasswordIsAnother)
        }
        let password = try await hash(new)
        let isThere = try await users.change(name) { current throws(AccountRefusal) in
            // Somebody else was quicker.
            guard current.passwordNumber == user.passwordNumber else { throw AccountRefusal(.oldPasswordIsAnother) }
            var changed = current
            changed.set(password)
            return changed
        }
        guard isThere else { throw AccountRefusal(.userNotFound) }
        await endTokens(of: name)
        if isDefault(name) { await removePasswordFile() }
    }

    /// What the file says is the password no more.
    private func removePasswordFile() async {
        let file = PasswordFile(folder: configuration.dataFolder)
        try? await NIOThreadPool.singleton.runIfActive { file.remove() }
    }

    private func isDefault(_ name: String) -> Bool { name == configuration.defaultUser }

    private static var userExists: AccountRefusal {
        AccountRefusal(.badRequest, "there is a user of that name already")
    }

    func check(description: String) throws(AccountRefusal) {
        guard description.utf8.count <= limits.maximumDescription else {
            throw AccountRefusal(.badRequest, "the description has more than \(limits.maximumDescription) octets")
        }
    }

    private func check(password: String) throws(AccountRefusal) {
        if !PasswordRule.allows(password) { throw AccountRefusal(.badRequest, PasswordRule.sentence) }
    }
}

extension Principal {
    fileprivate func isUser(_ name: String) -> Bool { kind == .user && self.name == name }
}
