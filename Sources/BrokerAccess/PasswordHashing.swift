import Crypto
import CryptoExtras
import Foundation

/// How the passwords of a user file are hashed; EMQX's `password_hash_algorithm`.
package struct PasswordHashing: Sendable, Equatable {
    /// A hash function without iterations.
    package enum Digest: Sendable, CaseIterable {
        /// The password itself, which EMQX allows.
        case plain
        /// SHA-1.
        case sha
        case sha256
        case sha512
    }

    /// Whether the salt is hashed before or after the password.
    package enum SaltPosition: Sendable { case prefix, suffix, disable }

    /// The hash function within PBKDF2 (RFC 8018 §5.2), by HMAC.
    package enum MACFunction: Sendable { case sha, sha256, sha384, sha512 }

    /// A hash function with its parameters.
    package enum Algorithm: Sendable, Equatable {
        case digest(Digest, SaltPosition)
        /// `derivedKeyLength` in bytes; nil for as many as the function gives.
        case pbkdf2(MACFunction, iterations: Int, derivedKeyLength: Int?)
    }

    package let algorithm: Algorithm

    package init(_ algorithm: Algorithm) { self.algorithm = algorithm }

    /// True if a hash takes so long that other connections of the event loop would notice. An iteration of PBKDF2 takes about
    /// 0.13 µs with SHA-256 and 0.6 µs with SHA-512, and 210,000 iterations, as recommended for SHA-512, a tenth of a second. A
    /// salted SHA takes half a microsecond.
    package var isCostly: Bool {
        if case .pbkdf2(_, let iterations, _) = algorithm {
            iterations > PasswordHashing.cheapIterations
        } else {
            false
        }
    }

    /// Iterations of PBKDF2 up to which a hash takes less time than a TLS handshake.
    private static let cheapIterations = 500

    /// Bytes of a hash in a user file; `nil` for `plain`, where the password itself is in the file.
    var length: Int? {
        switch algorithm {
        case .digest(.plain, _): nil
        case .digest(.sha, _): Insecure.SHA1.byteCount
        case .digest(.sha256, _): SHA256.byteCount
        case .digest(.sha512, _): SHA512.byteCount
        case .pbkdf2(_, _, let length?): length
        case .pbkdf2(.sha, _, nil): Insecure.SHA1.byteCount
        case .pbkdf2(.sha256, _, nil): SHA256.byteCount
        case .pbkdf2(.sha384, _, nil): SHA384.byteCount
        case .pbkdf2(.sha512, _, nil): SHA512.byteCount
        }
    }

    /// The hash of `password`. User files have it in hexadecimal digits.
    ///
    /// - Throws: if there is not enough memory for PBKDF2.
    package func hash(_ password: [UInt8], salt: [UInt8]) throws -> [UInt8] {
        switch algorithm {
        case .digest(let digest, let position):
            let text =
                switch position {
                case .prefix: salt + password
                case .suffix: password + salt
                case .disable: password
                }
            return switch digest {
            case .plain: text
            case .sha: Array(Insecure.SHA1.hash(data: text))
            case .sha256: Array(SHA256.hash(data: text))
            case .sha512: Array(SHA512.hash(data: text))
            }
        case .pbkdf2(let function, let iterations, _):
            return try KDF.Insecure.PBKDF2.deriveKey(
                from: password,
                salt: salt,
                using: function.hashFunction,
                outputByteCount: length ?? 0,
                // The number by which the file was made, also if it is less than the library recommends.
                unsafeUncheckedRounds: iterations
            ).withUnsafeBytes { Array($0) }
        }
    }

    /// Bytes of the system's random number generator.
    static func randomBytes(_ count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        // Eight at a time: each call asks the kernel.
        while bytes.count < count {
            withUnsafeBytes(of: UInt64.random(in: .min ... .max)) { bytes += $0.prefix(count - bytes.count) }
        }
        return bytes
    }

    /// Makes a salt: 32 hexadecimal digits, as EMQX does, or nothing if the algorithm uses none.
    func makeSalt() -> [UInt8] {
        switch algorithm {
        case .digest(.plain, _), .digest(_, .disable): []
        default: Hexadecimal.digits(PasswordHashing.randomBytes(16))
        }
    }
}

extension PasswordHashing.MACFunction {
    fileprivate var hashFunction: KDF.Insecure.PBKDF2.HashFunction {
        switch self {
        case .sha: .insecureSHA1
        case .sha256: .sha256
        case .sha384: .sha384
        case .sha512: .sha512
        }
    }
}
