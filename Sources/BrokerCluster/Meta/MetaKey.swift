/// What records of the meta lane are about. Later versions have more kinds.
package enum MetaKind: String, Sendable, CaseIterable {
    /// Keys of the configuration that are set at run time.
    case configuration = "config"
    /// Users of the dashboard and of the REST interface, by their names.
    case user
    /// Keys of the REST interface, by their names.
    case apiKey = "api_key"
    /// Tokens of users that are signed in, by the numbers of their places: a name for each token would leave marks without bound.
    case token
}

/// The key of a record of the meta lane. Names are compared octet by octet.
package struct MetaKey: Hashable, Sendable {
    package let kind: MetaKind
    /// UTF-8.
    package let name: [UInt8]

    package init(_ kind: MetaKind, _ name: String) {
        self.kind = kind
        self.name = Array(name.utf8)
    }

    package var text: String { String(decoding: name, as: UTF8.self) }
}
