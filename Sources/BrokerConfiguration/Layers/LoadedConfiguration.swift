package import Configuration

/// A configuration that was read without a problem, and where each of its values comes from.
package struct LoadedConfiguration<Root> {
    package let configuration: Root
    /// Warnings to be given once at start.
    package let notices: [ConfigurationProblem]
    /// Dotted keys that were given and have no effect here; at most 100.
    package let keysWithoutEffect: [String]
    private let section: Section<Root>
    private let tree: HOCONValue
    private let origins: [String: Origin]
    private let secretKeys: Set<String>

    init(configuration: Root, section: Section<Root>, tree: HOCONValue, reading: SchemaReading) {
        self.configuration = configuration
        self.section = section
        self.notices = reading.notices
        self.keysWithoutEffect = reading.keysWithoutEffect
        self.tree = tree
        self.origins = reading.origins
        self.secretKeys = reading.secretKeys
    }

    /// Where the value of a dotted key comes from.
    package func origin(of key: String) -> Origin { origins[key] ?? .builtIn }

    /// The values in force as HOCON, each with a comment that says where it comes from: what `--print-config` prints. Read as a
    /// file, the text gives the same configuration, except for secrets, which are only mentioned.
    package var text: String {
        var text = ConfigurationText { path in origins[HOCONText.path(path)] }
        section.write(configuration, at: [], into: &text)
        return text.text
    }

    /// The values of the file, the environment and the command line, without defaults, for `ConfigReader`. Secrets are marked,
    /// so that no `AccessReporter` shows them.
    package var provider: some ConfigProvider { HOCONProvider(tree, name: "martlet", secrets: .specific(secretKeys)) }
}
