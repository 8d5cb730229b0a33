import Crypto
import Foundation
import Secrets

/// The users of a bootstrap file of EMQX: CSV with a line of column names, or a JSON array of objects with the same
/// keys.
///
/// `user_id`, `password_hash`, `salt`, `is_superuser` when the file holds hashes; `user_id`, `password`, `is_superuser`
/// when it holds passwords, which are hashed with a new salt while they are read and not kept.
package struct UserFile: Sendable {
    /// What the file holds; EMQX's `bootstrap_type`.
    package enum Content: Sendable { case hashes, passwords }

    /// The format, by the extension of the file's name.
    package enum Format: String, Sendable, CaseIterable { case csv, json }

    /// Bytes of a file: 32 MiB, some 250,000 users with salted SHA-256.
    package static let maximumBytes = 32 << 20
    /// Bytes of one field: the longest that MQTT carries (§1.5.4, §1.5.6).
    package static let maximumFieldBytes = 65_535

    /// What is kept of a user: nothing from which the password could be read.
    struct User: Sendable, SecretValue {
        /// The SHA-256 digest of the hash, which has the same length for all algorithms and hides the password of `plain`.
        var digest: [UInt8]
        var salt: [UInt8]
        var isSuperuser: Bool
    }

    package let hashing: PasswordHashing
    /// By the bytes of the identifier: two Unicode forms of one character are two users.
    private var users: [[UInt8]: User] = [:]

    package var count: Int { users.count }

    subscript(identifier: String) -> User? { users[Array(identifier.utf8)] }

    static func digest(of hash: [UInt8]) -> [UInt8] { Array(SHA256.hash(data: hash)) }

    /// Reads the file at `path`.
    ///
    /// - Throws: `UserFileError`, which names the line or entry.
    package init(path: String, content: Content, hashing: PasswordHashing) throws(UserFileError) {
        guard let format = Format(rawValue: (path as NSString).pathExtension.lowercased()) else {
            throw UserFileError(file: path, place: nil, message: "the name of a user file ends in .csv or .json")
        }
        let bytes: [UInt8]
        do {
            let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
            defer { try? file.close() }
            bytes = try file.read(upToCount: UserFile.maximumBytes + 1).map { Array($0) } ?? []
        } catch {
            let reason = error as NSError
            let cause = (reason.userInfo[NSUnderlyingErrorKey] as? NSError)?.code ?? Int(errno)
            throw UserFileError(
                file: path,
                place: nil,
                message: "cannot be read: \(String(cString: strerror(Int32(cause))))"
            )
        }
        try self.init(parsing: bytes, format: format, named: path, content: content, hashing: hashing)
    }

    /// Reads `bytes` as a file called `name`.
    package init(
        parsing bytes: [UInt8],
        format: Format,
        named name: String,
        content: Content,
        hashing: PasswordHashing
    ) throws(UserFileError) {
        self.hashing = hashing
        if bytes.count > UserFile.maximumBytes {
            throw UserFileError(file: name, place: nil, message: "is larger than \(UserFile.maximumBytes) bytes")
        }
        var places: [[UInt8]: UserFileError.Place] = [:]
        // User by user, so that a large file is in memory once.
        let add = { (record: UserRecord, users: inout [[UInt8]: User]) throws(UserFileError) in
            let (identifier, user) = try record.user(content: content, hashing: hashing, file: name)
            if let first = places.updateValue(record.place, forKey: identifier) {
                throw UserFileError(
                    file: name,
                    place: record.place,
                    message: "the same user_id stands in \(first) already"
                )
            }
            users[identifier] = user
        }
        switch format {
        case .csv:
            var rows = try CSVRows(bytes, file: name, columns: UserRecord.columns(for: content))
            while let record = try rows.next() { try add(record, &users) }
        case .json:
            for record in try UserRecord.json(bytes, file: name, content: content) { try add(record, &users) }
        }
    }
}

/// Why a user file cannot be used. The text never contains a password or a hash.
package struct UserFileError: Error, Equatable, CustomStringConvertible {
    /// The place of the mistake in the file.
    package enum Place: Sendable, Equatable, CustomStringConvertible {
        /// A line of a CSV file, 1 and up.
        case line(Int)
        /// An element of a JSON array, 1 and up.
        case entry(Int)

        package var description: String {
            switch self {
            case .line(let number): "line \(number)"
            case .entry(let number): "entry \(number)"
            }
        }
    }

    package let file: String
    package let place: Place?
    package let message: String

    package var description: String {
        switch place {
        case .line(let number): "\(file):\(number): \(message)"
        case .entry: "\(file): \(place?.description ?? ""): \(message)"
        case nil: "\(file): \(message)"
        }
    }
}
