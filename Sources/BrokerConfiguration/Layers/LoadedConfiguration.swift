package import Configuration

/// A configuration that was read and found right, and where each of its values comes from.
package struct LoadedConfiguration: Sendable {
    package let configuration: BrokerConfiguration
    /// What shall be said about it, once at start.
    package let notices: [ConfigurationProblem]
    private let tree: HOCONValue
    private let origins: [String: Origin]

    init(configuration: BrokerConfiguration, tree: HOCONValue, reading: SchemaReading) {
        self.configuration = configuration
        self.notices = reading.notices
        self.tree = tree
        self.origins = reading.origins
    }

    /// Where the value of a dotted key comes from.
    package func origin(of key: String) -> Origin { origins[key] ?? .builtIn }

    /// The values in force as HOCON, each with a comment that says where it comes from: what `--print-config` prints.
    /// Read as a file it gives the same configuration. Secrets are only mentioned.
    package var text: String {
        var text = ConfigurationText { path in origins[HOCONText.path(path)] }
        configuration.write(at: [], into: &text)
        return text.text
    }

    /// What the file, the environment and the command line say together, for those who read by `ConfigReader`. Defaults
    /// are not in it.
    package var provider: some ConfigProvider { HOCONProvider(tree, name: "martlet") }
}
