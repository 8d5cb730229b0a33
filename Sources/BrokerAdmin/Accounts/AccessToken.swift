import BrokerCluster
import Crypto
import Foundation
import Secrets

/// The record of a token: of a user who is signed in.
///
/// Its name is the number of its place. There are as many places as there may be tokens, and the token itself says which is its own, so that one
/// record is read for a request, and marks of removed records do not become more and more.
struct AccessToken: AccountRecord, SecretValue {
    /// SHA-256 of the token's random octets.
    let hash: Data
    let user: String
    /// Of the user's password at the time.
    let passwordNumber: UInt64
    /// Milliseconds since 1970.
    let issuedAt: Int
    var expiresAt: Int

    static let kind = MetaKind.token

    func isExpired(at now: Int) -> Bool { expiresAt <= now }

    /// True while the token is in force: until it expires, or the user has another password.
    func isInForce(for user: AdminUser?, at now: Int) -> Bool {
        !isExpired(at: now) && passwordNumber == user?.passwordNumber && self.user == user?.name
    }
}

/// A token as the user has it: the number of its place and 32 random octets, in base64url.
struct TokenText: SecretValue {
    let place: Int
    private let octets: [UInt8]

    private static let count = 32
    /// As many as two octets can say.
    static let maximumPlaces = 1 << 16

    /// The place that a record's name says, if it can be one.
    static func place(_ name: String) -> Int? { Int(name).flatMap { (0..<maximumPlaces).contains($0) ? $0 : nil } }

    /// - Parameter place: 0 to 65,535.
    init(place: Int) {
        self.place = place
        octets = RandomText.octets(Self.count)
    }

    init?(_ text: String) {
        guard let octets = RandomText.octets(base64URL: text), octets.count == Self.count + 2 else { return nil }
        place = Int(octets[0]) << 8 | Int(octets[1])
        self.octets = Array(octets[2...])
    }

    var text: String {
        RandomText.base64URL([UInt8(truncatingIfNeeded: place >> 8), UInt8(truncatingIfNeeded: place)] + octets)
    }

    var hash: Data { Data(SHA256.hash(data: octets)) }

    func isOf(_ token: AccessToken) -> Bool { ConstantTime.isEqual(Array(hash), Array(token.hash)) }
}
