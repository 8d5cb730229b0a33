/// The environment variables that set keys of the configuration.
struct EnvironmentLayer {
    static let prefix = "MARTLET_"
    private static let separator = "__"

    private(set) var values: [(path: [String], text: String, origin: Origin)] = []
    private(set) var notices: [ConfigurationProblem] = []

    init(_ environment: [String: String]) {
        let roots = BrokerConfiguration.fields.map(\.name)
        for (variable, text) in environment.sorted(by: { ($0.key.count, $0.key) < ($1.key.count, $1.key) }) {
            guard variable.uppercased().hasPrefix(Self.prefix) else { continue }
            let path = Self.parts(of: variable.dropFirst(Self.prefix.count).lowercased())
            // Kubernetes names variables after services (`MARTLET_PORT_1883_TCP`): only what holds a separator or is a
            // key of the root is meant for us.
            if path.count > 1 || roots.contains(path[0]) {
                values.append((path, text, .environment(variable: variable)))
            } else if let nearest = Spelling.nearest(to: path[0], among: roots) {
                notices.append(
                    ConfigurationProblem(
                        origin: .environment(variable: variable),
                        key: nil,
                        message: "this variable is not read; did you mean \(Self.prefix)\(nearest.uppercased())?"
                    )
                )
            }
        }
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
