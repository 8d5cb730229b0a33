import Secrets

/// How a client says who it is, in CONNECT.
package enum Credentials: SecretValue, Equatable, Sendable {
    case none
    case password(user: String, password: String)
    case token(String)
}
