/// An element of `node.other_secrets`: a secret under which nothing new is made.
package struct SecretConfiguration: ConfigurationSection {
    /// The codepoint of the secret in connection identifiers. Required; 0 to 6.
    package var rotation = 0
    /// The file. Required.
    package var file = ""

    package init() {}

    package static var fields: [Field<Self>] {
        [
            .value(
                "rotation",
                \.rotation,
                .integer(0...6),
                isRequired: true,
                "The secret_rotation that other nodes, or earlier runs, use it with."
            ),
            .value("file", \.file, .path, isRequired: true, "The file, as secret_file."),
        ]
    }
}
