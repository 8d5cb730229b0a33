import Secrets

/// How a client says who it is, in CONNECT.
package enum Credentials: SecretValue, Equatable, Sendable {
    case none
    case password(user: String, password: String)
    case token(String)
    /// A user that the servers know by its public key, and that signs the nonce of INFO.
    case key(UserKey)
    /// A user whose account vouches for it by a JWT, and that signs the nonce of INFO.
    case certified(jwt: String, UserKey)
}
