import BrokerCluster

/// Why a request about accounts, or one by an account, is refused: a code of EMQX's REST interface and a sentence. Neither says anything that is secret.
package struct AccountRefusal: Error, Equatable, Sendable {
    package enum Code: String, Sendable, CaseIterable {
        case badRequest = "BAD_REQUEST"
        case wrongPassword = "BAD_USERNAME_OR_PWD"
        case wrongSecret = "BAD_API_KEY_OR_SECRET"
        case badToken = "BAD_TOKEN"
        case tokenTimeOut = "TOKEN_TIME_OUT"
        case badHeader = "AUTHORIZATION_HEADER_ERROR"
        case apiKeyNotAllowed = "API_KEY_NOT_ALLOW"
        case unauthorizedRole = "UNAUTHORIZED_ROLE"
        case wrongTokenOrUser = "WRONG_TOKEN_OR_USERNAME"
        case userNotFound = "USER_NOT_FOUND"
        case notAllowed = "NOT_ALLOWED"
        case oldPasswordIsAnother = "ERROR_PWD_NOT_MATCH"
        case notFound = "NOT_FOUND"
        case conflict = "CONFLICT"
        case tooManyRequests = "TOO_MANY_REQUESTS"
        case unavailable = "SERVICE_UNAVAILABLE"
    }

    package let code: Code
    /// A sentence, for people.
    package let message: String
    /// Seconds after which another attempt makes sense, 1 and up.
    package let retryAfter: Int?

    package init(_ code: Code, _ message: String? = nil, retryAfter: Int? = nil) {
        self.code = code
        self.message = message ?? code.sentence
        self.retryAfter = retryAfter
    }

    /// - Parameter seconds: after which another attempt makes sense.
    static func tooMany(_ seconds: Int) -> AccountRefusal {
        AccountRefusal(.tooManyRequests, "too many attempts; try again in \(seconds) s", retryAfter: seconds)
    }

    /// - Parameter error: of a `MetaStore`.
    init(_ error: any Error) {
        switch error as? MetaFailure {
        case .conflict: self.init(.conflict, "somebody else has changed it meanwhile; nothing was changed")
        case .nameTooLong, .valueTooLong: self.init(.badRequest, "\(error)")
        case .some: self.init(.unavailable, "\(error)")
        case nil: self.init(.unavailable)
        }
    }

    /// The status of HTTP.
    package var status: Int {
        switch code {
        case .badRequest, .notAllowed, .oldPasswordIsAnother: 400
        case .wrongPassword, .wrongSecret, .badToken, .tokenTimeOut, .badHeader, .apiKeyNotAllowed, .wrongTokenOrUser:
            401
        case .unauthorizedRole: 403
        case .userNotFound, .notFound: 404
        case .conflict: 409
        case .tooManyRequests: 429
        case .unavailable: 503
        }
    }
}

extension AccountRefusal.Code {
    fileprivate var sentence: String {
        switch self {
        case .badRequest: "the request is wrong"
        case .wrongPassword: "the user name or the password is wrong"
        case .wrongSecret: "the API key or its secret is wrong"
        case .badToken: "the token is unknown; sign in by POST /login"
        case .tokenTimeOut: "the token has expired; sign in again by POST /login"
        case .badHeader:
            "the header Authorization has to be `Basic` with an API key and its secret, or `Bearer` with a token"
        case .apiKeyNotAllowed: "no API key may do this; sign in as a user"
        case .unauthorizedRole: "the role does not allow this"
        case .wrongTokenOrUser: "the token is unknown, or another user's"
        case .userNotFound: "there is no such user"
        case .notAllowed: "this is not allowed"
        case .oldPasswordIsAnother: "the old password is wrong"
        case .notFound: "there is no such API key"
        case .conflict: "somebody else has changed it meanwhile"
        case .tooManyRequests: "too many attempts"
        case .unavailable: "this cannot be done just now"
        }
    }
}
