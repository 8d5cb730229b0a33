import Foundation

/// The rule which requests a principal may make.
package enum AccessRule {
    /// Why a request is refused; `nil` if it may be made.
    ///
    /// - Parameters:
    ///   - method: such as `GET`.
    ///   - path: below `/api/v5`, percent-encoded or not, without a query.
    package static func refusal(of principal: Principal, method: String, path: String) -> AccountRefusal? {
        guard let segments = segments(of: path) else { return AccountRefusal(.unauthorizedRole) }
        if principal.kind == .apiKey, isClosedToKeys(segments) { return AccountRefusal(.apiKeyNotAllowed) }
        let isAllowed = allows(principal.role, method: method, segments, user: principal.name)
        return isAllowed ? nil : AccountRefusal(.unauthorizedRole)
    }

    /// True if the role allows the request.
    ///
    /// - Parameters:
    ///   - path: as for `refusal`.
    ///   - user: who makes the request, and may change the own password.
    package static func allows(_ role: Role, method: String, path: String, user: String) -> Bool {
        segments(of: path).map { allows(role, method: method, $0, user: user) } ?? false
    }

    private static func allows(_ role: Role, method: String, _ path: [String], user: String) -> Bool {
        switch role {
        case .administrator: true
        case .viewer:
            method == "GET" || method == "HEAD"
                || method == "POST" && (path == ["logout"] || path == ["users", user, "change_pwd"])
        case .publisher: method == "POST" && (path == ["publish"] || path == ["publish", "bulk"])
        }
    }

    /// Accounts are the business of people.
    private static func isClosedToKeys(_ path: [String]) -> Bool {
        ["users", "logout", "api_key"].contains(path.first)
    }

    /// The path as a router sees it, so that no other spelling of a path has another rule; `nil` for what cannot be decoded.
    private static func segments(of path: String) -> [String]? {
        var segments: [String] = []
        for part in path.split(separator: "/", omittingEmptySubsequences: true) {
            guard let segment = part.removingPercentEncoding else { return nil }
            segments.append(segment)
        }
        return segments
    }
}
