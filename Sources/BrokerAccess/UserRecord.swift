import Secrets

/// One user of a file, as texts by the name of their column.
struct UserRecord {
    let place: UserFileError.Place
    @Secret private(set) var values: [String: String]

    static func columns(for content: UserFile.Content) -> [String] {
        switch content {
        case .hashes: ["user_id", "password_hash", "salt", "is_superuser", "namespace"]
        case .passwords: ["user_id", "password", "is_superuser", "namespace"]
        }
    }

    /// Makes a user of the texts, with a hash and a salt.
    ///
    /// - Returns: the user, and the identifier by which the file knows it.
    func user(
        content: UserFile.Content,
        hashing: PasswordHashing,
        file: String
    ) throws(UserFileError) -> (identifier: [UInt8], user: UserFile.User) {
        func failure(_ message: String) -> UserFileError { UserFileError(file: file, place: place, message: message) }

        guard let identifier = values["user_id"], !identifier.isEmpty else { throw failure("user_id is missing") }
        for (column, value) in values where value.utf8.count > UserFile.maximumFieldBytes {
            throw failure("\(column) is longer than \(UserFile.maximumFieldBytes) bytes")
        }
        if let namespace = values["namespace"], !namespace.isEmpty {
            throw failure("namespace must be empty: all users are in one")
        }
        let isSuperuser: Bool
        switch values["is_superuser"] ?? "" {
        case "true": isSuperuser = true
        case "false", "": isSuperuser = false
        default: throw failure("is_superuser is neither true nor false")
        }
        let salt: [UInt8]
        let hash: [UInt8]
        switch content {
        case .hashes:
            salt = Array((values["salt"] ?? "").utf8)
            guard let text = values["password_hash"], !text.isEmpty else {
                throw failure("password_hash is missing; a file of passwords needs bootstrap_type = plain")
            }
            if let length = hashing.length {
                guard let bytes = Hexadecimal.bytes(text.utf8), bytes.count == length else {
                    throw failure("password_hash is not \(length * 2) hexadecimal digits, as the algorithm gives them")
                }
                hash = bytes
            } else {
                hash = Array(text.utf8)
            }
        case .passwords:
            guard let password = values["password"], !password.isEmpty else {
                throw failure("password is missing; a file of hashes needs bootstrap_type = hash")
            }
            salt = hashing.makeSalt()
            do {
                hash = try hashing.hash(Array(password.utf8), salt: salt)
            } catch {
                throw failure("the password cannot be hashed: \(error)")
            }
        }
        let user = UserFile.User(digest: UserFile.digest(of: hash), salt: salt, isSuperuser: isSuperuser)
        return (Array(identifier.utf8), user)
    }
}
