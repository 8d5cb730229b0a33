/// Whoever makes a request, as was proved.
package struct Principal: Equatable, Sendable {
    package enum Kind: String, Codable, Sendable {
        case user
        case apiKey = "api_key"
    }

    package let kind: Kind
    /// Of the user, or of the API key.
    package let name: String
    package let role: Role

    package init(_ kind: Kind, name: String, role: Role) {
        self.kind = kind
        self.name = name
        self.role = role
    }
}
