import BrokerCluster
package import Secrets

/// A key of the REST interface for a program, which proves itself by a secret with each request.
package struct APIKey: AccountRecord {
    package let name: String
    /// What requests name; 16 hexadecimal digits, or as the bootstrap file says.
    package let key: String
    package var description: String
    package var isEnabled: Bool
    /// Milliseconds since 1970; `nil` for never.
    package var expiresAt: Int?
    /// Milliseconds since 1970.
    package let createdAt: Int
    package var role: Role
    var secret: PasswordHash

    static let kind = MetaKind.apiKey

    package func isExpired(at now: Int) -> Bool { expiresAt.map { $0 <= now } ?? false }
}

/// An API key that was made just now, with its secret, which is not kept.
package struct NewAPIKey: Sendable {
    package let key: APIKey
    @Secret package private(set) var secret: String

    init(key: APIKey, secret: String) {
        self.key = key
        self.secret = secret
    }
}

/// What is to be changed of an API key; `nil` leaves it as it is.
package struct APIKeyChange: Sendable, Equatable {
    package enum Expiry: Sendable, Equatable {
        case never
        /// Milliseconds since 1970.
        case at(Int)
    }

    package var description: String?
    package var isEnabled: Bool?
    package var expiry: Expiry?
    package var role: Role?

    package init(description: String? = nil, isEnabled: Bool? = nil, expiry: Expiry? = nil, role: Role? = nil) {
        self.description = description
        self.isEnabled = isEnabled
        self.expiry = expiry
        self.role = role
    }
}
