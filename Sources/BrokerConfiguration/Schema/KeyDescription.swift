/// The description of one key in the reference (`docs/configuration.md`).
package struct KeyDescription: Sendable, Equatable {
    /// What setting the key does.
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

/// The tables of the reference (`docs/configuration.md`), in Markdown.
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

    /// Keys that are accepted because EMQX has them. Neighbours of one object with the same values and reason share a row.
    package static func ofEMQX(_ keys: [KeyDescription]) -> String {
        var rows: [(object: Substring, names: String, allowed: String, summary: String)] = []
        for key in keys {
            if case .value = key.kind { continue }
            let allowed = key.kind == .fixed ? "`\(key.allowed)`" : key.allowed
            let object = key.key.prefix(upTo: key.key.lastIndex(of: ".") ?? key.key.startIndex)
            if let last = rows.last, last.object == object, last.allowed == allowed, last.summary == key.summary {
                rows[rows.count - 1].names += ", \(names(key, without: object))"
            } else {
                rows.append((object, names(key), allowed, key.summary))
            }
        }
        return table(["keys of EMQX", "accepted", "why"], rows.map { [$0.names, $0.allowed, $0.summary] })
    }

    /// - Parameter object: the object that is not named, because the key before has named it.
    private static func names(_ key: KeyDescription, without object: Substring = "") -> String {
        let name = key.key.dropFirst(object.isEmpty ? 0 : object.count + 1)
        return (["`\(name)`"] + key.aliases.map { "or `\($0)`" }).joined(separator: " ")
    }

    private static func table(_ head: [String], _ rows: [[String]]) -> String {
        ([head, head.map { _ in "---" }] + rows)
            .map { "| " + $0.map { $0.replacing("|", with: "\\|") }.joined(separator: " | ") + " |\n" }.joined()
    }
}
