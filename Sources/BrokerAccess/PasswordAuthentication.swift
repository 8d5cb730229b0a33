import Crypto
import Foundation

/// Authentication by user name, or client identifier, and password against a file of users.
package struct PasswordAuthentication: Sendable {
    /// By what users are known; EMQX's `user_id_type`.
    package enum UserIdentifier: Sendable { case userName, clientIdentifier }

    private let users: UserFile
    private let identifiedBy: UserIdentifier
    /// Stands in for a user that does not exist, so that an unknown user costs as much time as a wrong password. Its
    /// hash is random, and nothing hashes to it.
    private let nobody: UserFile.User

    package init(users: UserFile, identifiedBy: UserIdentifier) {
        self.users = users
        self.identifiedBy = identifiedBy
        self.nobody = UserFile.User(
            digest: PasswordHashing.randomBytes(SHA256.byteCount),
            salt: users.hashing.makeSalt(),
            isSuperuser: false
        )
    }

    /// Whether `verdict` takes so long that it should not run on an event loop, as PBKDF2 does
    /// (`PasswordHashing.isCostly`). With a salted SHA it takes little more than a microsecond.
    package var isCostly: Bool { users.hashing.isCostly }

    /// Whether the client is one of the users. It waits for nothing, but see `isCostly`.
    ///
    /// - Parameter password: nil when CONNECT has none; then a user that exists is denied.
    /// - Returns: `.ignore` for a client that is not in the file, or that does not name itself.
    package func verdict(userName: String?, clientIdentifier: String, password: [UInt8]?) -> AuthenticationVerdict {
        let identifier: String
        switch identifiedBy {
        case .userName:
            guard let userName else { return .ignore }
            identifier = userName
        case .clientIdentifier:
            identifier = clientIdentifier
        }
        let found = users[identifier]
        let user = found ?? nobody
        guard let hash = try? users.hashing.hash(password ?? [], salt: user.salt) else { return .deny }
        let isRight = PasswordAuthentication.isEqual(UserFile.digest(of: hash), user.digest)
        guard found != nil else { return .ignore }
        return isRight && password != nil ? .allow(isSuperuser: user.isSuperuser) : .deny
    }

    /// Compares in a time that does not tell where the difference is.
    private static func isEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        guard left.count == right.count else { return false }
        var difference: UInt8 = 0
        for index in left.indices { difference |= left[index] ^ right[index] }
        return difference == 0
    }
}
