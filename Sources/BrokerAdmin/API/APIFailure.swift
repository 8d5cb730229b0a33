package import HTTPTypes

/// What a request is refused with: `{"code": …, "message": …}`.
package struct APIFailure: Error, Sendable, Equatable {
    package let status: HTTPResponse.Status
    /// One of the peer's words, such as `BAD_REQUEST`.
    package let code: String
    /// A sentence, for people.
    package let message: String
    /// Headers of the answer, such as `Retry-After`.
    package var headers = HTTPFields()

    package init(_ status: HTTPResponse.Status, _ code: String, _ message: String) {
        self.status = status
        self.code = code
        self.message = message
    }

    static func badRequest(_ message: String) -> Self { Self(.badRequest, "BAD_REQUEST", message) }
    static func invalidParameter(_ message: String) -> Self { Self(.badRequest, "INVALID_PARAMETER", message) }
    static let methodNotAllowed = Self(.methodNotAllowed, "METHOD_NOT_ALLOWED", "Method Not Allowed")
    static func notFound(_ message: String) -> Self { Self(.notFound, "NOT_FOUND", message) }
}
