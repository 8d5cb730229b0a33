/// What the reference says about one key.
package struct KeyDescription: Sendable, Equatable {
    package enum Kind: Sendable, Equatable {
        case value(Change)
        /// Accepted with values that ask for nothing.
        case fixed
        /// Accepted with any value, and without effect.
        case withoutEffect
    }

    package let key: String
    package var aliases: [String] = []
    package let allowed: String
    /// The default as it would be written in a file.
    package let byDefault: String
    package let summary: String
    package let kind: Kind

    static func withoutEffect(key: String, because reason: String) -> KeyDescription {
        KeyDescription(
            key: key,
            allowed: "anything",
            byDefault: "—",
            summary: "No effect: \(reason).",
            kind: .withoutEffect
        )
    }
}

/// The tables of the reference, in Markdown.
package enum ReferenceTable {
    /// Keys that change something.
    package static func values(_ keys: [KeyDescription]) -> String {
        let rows = keys.compactMap { key -> [String]? in
            guard case .value = key.kind else { return nil }
            let byDefault = ["required", "not set"].contains(key.byDefault) ? key.byDefault : "`\(key.byDefault)`"
            return [names(key), byDefault, key.allowed, key.summary]
        }
        return table(["key", "default", "allowed", "meaning"], rows)
    }

    /// Keys that are accepted for EMQX's sake.
    package static func peers(_ keys: [KeyDescription]) -> String {
        let rows = keys.compactMap { key -> [String]? in
            switch key.kind {
            case .value: nil
            case .fixed: [names(key), "`\(key.allowed)`", key.summary]
            case .withoutEffect: [names(key), key.allowed, key.summary]
            }
        }
        return table(["key of EMQX", "accepted", "why"], rows)
    }

    private static func names(_ key: KeyDescription) -> String {
        (["`\(key.key)`"] + key.aliases.map { "or `\($0)`" }).joined(separator: " ")
    }

    private static func table(_ head: [String], _ rows: [[String]]) -> String {
        ([head, head.map { _ in "---" }] + rows)
            .map { "| " + $0.map { $0.replacing("|", with: "\\|") }.joined(separator: " | ") + " |\n" }.joined()
    }
}
