package import Secrets

/// What a user gets who signs in.
package struct SignedIn: Sendable {
    @Secret package private(set) var token: String
    package let user: Principal

    init(token: String, user: Principal) {
        self.token = token
        self.user = user
    }
}
