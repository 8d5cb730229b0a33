/// The environment variables that set keys of the configuration.
struct EnvironmentLayer {
    /// How the names of those variables begin.
    enum Prefix: String, CaseIterable {
        /// The prefix of EMQX, so that variables of its containers work. Variables with the prefix of Martlet go before them.
        case emqx = "EMQX_"
        case martlet = "MARTLET_"

        func begins(_ variable: String) -> Bool { variable.uppercased().hasPrefix(rawValue) }
    }

    private static let separator = "__"
    /// Variables with the prefix of EMQX that a notice names.
    private static let maximumNamed = 10

    private(set) var values: [(path: [String], text: String, origin: Origin)] = []
    private(set) var notices: [ConfigurationProblem] = []

    /// - Parameter roots: the keys of the first level.
    init(_ environment: [String: String], roots: [String]) {
        let variables = environment.sorted { ($0.key.count, $0.key) < ($1.key.count, $1.key) }
        for prefix in Prefix.allCases {
            var read: [String] = []
            for (variable, text) in variables where prefix.begins(variable) {
                let path = Self.parts(of: variable.dropFirst(prefix.rawValue.count).lowercased())
                // Kubernetes names variables after services (`MARTLET_PORT_1883_TCP`): a variable is meant as a key only if it
                // has a separator or is a key of the first level.
                if path.count > 1 || roots.contains(path[0]) {
                    values.append((path, text, .environment(variable: variable)))
                    read.append(variable)
                } else if prefix == .martlet, let nearest = Spelling.nearest(to: path[0], among: roots) {
                    notices.append(
                        ConfigurationProblem(
                            origin: .environment(variable: variable),
                            key: nil,
                            message:
                                "this variable is not read; did you mean \(prefix.rawValue)\(nearest.uppercased())?"
                        )
                    )
                }
            }
            if prefix == .emqx, !read.isEmpty { notices.append(Self.notice(ofEMQX: read)) }
        }
    }

    private static func notice(ofEMQX variables: [String]) -> ConfigurationProblem {
        let more = variables.count - maximumNamed
        let named = variables.prefix(maximumNamed).joined(separator: ", ") + (more > 0 ? " and \(more) more" : "")
        return ConfigurationProblem(
            origin: .builtIn,
            key: nil,
            message: "\(named): variables that begin with \(Prefix.emqx.rawValue) are read as if they began with "
                + "\(Prefix.martlet.rawValue), which goes before where both are set"
        )
    }

    private static func parts(of name: String) -> [String] {
        var parts = [""]
        var rest = name[...]
        while let character = rest.first {
            if rest.hasPrefix(separator) {
                parts.append("")
                rest = rest.dropFirst(separator.count)
            } else {
                parts[parts.count - 1].append(character)
                rest = rest.dropFirst()
            }
        }
        return parts
    }
}
