import Crypto
import Foundation
import Secrets

/// The Ed25519 key of a user of NATS ("nkey"), as a text of its seed says it: `SU` and 56 further letters and digits.
package struct UserKey: SecretValue, Equatable, Sendable {
    private let key: Curve25519.Signing.PrivateKey

    /// The octets of a text: two of its kind, the seed, and two of its checksum.
    private static let encodedCount = 2 + seedCount + 2
    private static let seedCount = 32
    /// The letters `S` and `U`, as five bits each at the beginning of base32.
    private static let (seedPrefix, userPrefix): (UInt8, UInt8) = (18 << 3, 20 << 3)

    /// `nil` for what is not the seed of a user's key.
    package init?(seed text: some StringProtocol) {
        guard let octets = Base32.octets(of: text), octets.count == Self.encodedCount else { return nil }
        let (body, checksum) = (octets.dropLast(2), octets.suffix(2))
        guard checksum.elementsEqual(Self.checksum(of: body)) else { return nil }
        guard octets[0] & 0xF8 == Self.seedPrefix, (octets[0] & 7) << 5 | octets[1] >> 3 == Self.userPrefix else {
            return nil
        }
        guard let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: Array(body.dropFirst(2))) else {
            return nil
        }
        self.key = key
    }

    /// The text of the public key, which begins with `U`.
    package var publicText: String {
        let body = [Self.userPrefix] + key.publicKey.rawRepresentation
        return Base32.text(of: body + Self.checksum(of: body))
    }

    /// The signature of a server's nonce, in base64 for URLs without padding; `nil` if there is no randomness for it.
    func signature(of nonce: String) -> String? {
        guard let signature = try? key.signature(for: Data(nonce.utf8)) else { return nil }
        return signature.base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing(
            "=",
            with: ""
        )
    }

    /// CRC-16 with the polynomial 0x1021 (XMODEM), the low octet first.
    private static func checksum(of octets: some Sequence<UInt8>) -> [UInt8] {
        let checksum = octets.reduce(UInt16(0)) { sum, octet in
            (0..<8).reduce(sum ^ UInt16(octet) << 8) { sum, _ in sum & 0x8000 == 0 ? sum << 1 : sum << 1 ^ 0x1021 }
        }
        return [UInt8(truncatingIfNeeded: checksum), UInt8(checksum >> 8)]
    }

    package static func == (one: Self, other: Self) -> Bool { one.key.rawRepresentation == other.key.rawRepresentation }
}
