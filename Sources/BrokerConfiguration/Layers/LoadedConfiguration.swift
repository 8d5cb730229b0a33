package import Configuration

/// A configuration that was read without a problem, and where each of its values comes from.
package struct LoadedConfiguration<Root> {
    package let configuration: Root
    /// Warnings to be given once at start.
    package let notices: [ConfigurationProblem]
    /// Dotted keys that were given and have no effect here; at most 100.
    package let keysWithoutEffect: [String]
    let section: Section<Root>
    /// What holds where no source says anything.
    let defaults: Root
    let tree: HOCONValue
    private let origins: [String: Origin]
    private let secretKeys: Set<String>

    /// - Parameters:
    ///   - tree: what the sources say.
    ///   - reading: what was wrong with the sources already.
    /// - Throws: everything that is wrong, not only the first problem.
    init(
        reading tree: HOCONValue,
        over defaults: Root,
        by section: Section<Root>,
        _ reading: SchemaReading
    ) throws(ConfigurationError) {
        var reading = reading
        var configuration = defaults
        section.read(&configuration, from: tree, at: [], in: &reading)
        guard reading.problems.isEmpty else {
            throw ConfigurationError(
                problems: reading.problems.sorted { Self.order($0.origin, $1.origin) },
                untold: reading.untoldProblems
            )
        }
        self.configuration = configuration
        self.defaults = defaults
        self.section = section
        self.notices = reading.notices
        self.keysWithoutEffect = reading.keysWithoutEffect
        self.tree = tree
        self.origins = reading.origins
        self.secretKeys = reading.secretKeys
    }

    /// By file, line and column; places outside of files come after.
    private static func order(_ left: Origin, _ right: Origin) -> Bool {
        switch (left, right) {
        case (.file(let leftName, let leftLine, let leftColumn), .file(let rightName, let rightLine, let rightColumn)):
            (leftName, leftLine, leftColumn) < (rightName, rightLine, rightColumn)
        case (.file, _): true
        case (_, .file): false
        default: left.description < right.description
        }
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
