import Crypto
import Foundation

/// Authenticates clients by password, and by user name or client identifier, with a file of users.
package struct PasswordAuthentication: Sendable {
    /// The field of CONNECT that is compared with the file; EMQX's `user_id_type`.
    package enum UserIdentifier: Sendable { case userName, clientIdentifier }

    private let users: UserFile
    private let identifiedBy: UserIdentifier
    /// The user that a password is compared with if the file does not have the client's, so that the time of an answer does not tell
    /// whether a user exists. The hash is random, and no password has it.
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

    /// True if `verdict` takes too long for an event loop (`PasswordHashing.isCostly`). With a salted SHA it takes little more
    /// than a microsecond.
    package var isCostly: Bool { users.hashing.isCostly }

    /// Compares the client's password with the file.
    ///
    /// - Parameter password: `nil` if CONNECT has none; a user of the file is denied then.
    /// - Returns: `.ignore` if the file does not have the client, or CONNECT has no user name to look for.
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

    /// Compares in a time that does not depend on where the first difference is.
    private static func isEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        guard left.count == right.count else { return false }
        var difference: UInt8 = 0
        for index in left.indices { difference |= left[index] ^ right[index] }
        return difference == 0
    }
}
