import Crypto
import CryptoExtras
import Foundation
import NIOPosix
import Secrets

/// What is kept of a password or a secret, with the parameters that it was made by.
struct PasswordHash: Codable, Equatable, Sendable, SecretValue {
    enum Algorithm: String, Codable, Sendable {
        /// For what people choose, and may be guessed.
        case pbkdf2 = "pbkdf2-hmac-sha256"
        /// For 32 random octets, which nobody guesses: so that they are compared at once, whatever else is being derived.
        case hmac = "hmac-sha256"
    }

    /// PBKDF2 (RFC 8018 §5.2) with HMAC-SHA-256 away from event loops and tasks: of a password, a salt and a number of iterations.
    typealias Derive = @Sendable (_ password: String, _ salt: [UInt8], _ iterations: Int) async throws -> [UInt8]

    let algorithm: Algorithm
    let iterations: Int
    let salt: Data
    let hash: Data

    /// Octets of a salt and of a hash.
    private static let (saltCount, hashCount) = (16, 32)
    /// A record that says more would keep the processor for minutes.
    private static let maximumIterations = 10_000_000

    /// What is kept of a password.
    ///
    /// - Throws: if there is not enough memory, or the process ends.
    static func of(_ password: String, iterations: Int, _ derive: Derive) async throws -> PasswordHash {
        let salt = RandomText.octets(saltCount)
        let hash = try await derive(password, salt, iterations)
        return PasswordHash(algorithm: .pbkdf2, iterations: iterations, salt: Data(salt), hash: Data(hash))
    }

    /// What is kept of a secret of 32 random octets.
    static func of(randomSecret secret: String) -> PasswordHash {
        let salt = RandomText.octets(saltCount)
        return PasswordHash(algorithm: .hmac, iterations: 1, salt: Data(salt), hash: Data(mac(secret, salt: salt)))
    }

    /// What no password has, and takes as long to compare.
    static func ofNobody(iterations: Int) -> PasswordHash {
        PasswordHash(
            algorithm: .pbkdf2,
            iterations: iterations,
            salt: Data(RandomText.octets(saltCount)),
            hash: Data(RandomText.octets(hashCount))
        )
    }

    /// True if a comparison takes so long that it has to be waited for.
    var isCostly: Bool { algorithm == .pbkdf2 }

    /// True if it was made of this password.
    ///
    /// - Throws: as `of`.
    func matches(_ password: String, _ derive: Derive) async throws -> Bool {
        let found: [UInt8]
        switch algorithm {
        case .hmac: found = Self.mac(password, salt: Array(salt))
        case .pbkdf2:
            guard (1...Self.maximumIterations).contains(iterations) else { return false }
            found = try await derive(password, Array(salt), iterations)
        }
        return ConstantTime.isEqual(found, Array(hash))
    }

    private static func mac(_ secret: String, salt: [UInt8]) -> [UInt8] {
        Array(HMAC<SHA256>.authenticationCode(for: Array(secret.utf8), using: SymmetricKey(data: salt)))
    }

    /// Derives on a thread of NIO's pool.
    static let deriveOnPool: Derive = { password, salt, iterations in
        try await NIOThreadPool.singleton.runIfActive {
            try KDF.Insecure.PBKDF2.deriveKey(
                from: Array(password.utf8),
                salt: salt,
                using: .sha256,
                outputByteCount: hashCount,
                // The number that the record says, also if it is less than the library recommends.
                unsafeUncheckedRounds: iterations
            ).withUnsafeBytes { Array($0) }
        }
    }
}
