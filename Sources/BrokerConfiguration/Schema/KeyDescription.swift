/// What the reference says about one key.
package struct KeyDescription: Sendable, Equatable {
    package let key: String
    package var aliases: [String] = []
    package let allowed: String
    /// The default as it would be written in a file.
    package let byDefault: String
    package let summary: String
}

extension BrokerConfiguration {
    /// Every key that is known.
    package static var reference: [KeyDescription] { describe(at: []) }

    /// The reference as a table in Markdown: the second half of `docs/configuration.md`.
    package static var referenceTable: String {
        func cell(_ text: String) -> String {
            text.split(separator: "|", omittingEmptySubsequences: false).joined(separator: "\\|")
        }
        let rows = reference.map { key in
            let name = (["`\(key.key)`"] + key.aliases.map { "or `\($0)`" }).joined(separator: " ")
            let byDefault = ["required", "not set", "—"].contains(key.byDefault) ? key.byDefault : "`\(key.byDefault)`"
            return "| \(cell(name)) | \(cell(byDefault)) | \(cell(key.allowed)) | \(cell(key.summary)) |"
        }
        return (["| key | default | allowed | meaning |", "| --- | --- | --- | --- |"] + rows).joined(separator: "\n")
            + "\n"
    }
}
