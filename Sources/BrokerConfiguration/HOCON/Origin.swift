/// The source of a value of the configuration.
package enum Origin: Hashable, Sendable {
    /// The default in the code.
    case builtIn
    /// Set while the broker runs.
    case runtime(key: String)
    /// `line` and `column` count from 1; columns count Unicode scalars.
    case file(String, line: Int, column: Int)
    case environment(variable: String)
    case commandLine(key: String)
}

extension Origin {
    /// Sources in the order of precedence; a later one goes before an earlier one.
    enum Layer: Int {
        case builtIn, runtime, file
        /// Variables under EMQX's prefix.
        case emqxEnvironment
        case environment, commandLine
    }

    var layer: Layer {
        switch self {
        case .builtIn: .builtIn
        case .runtime: .runtime
        case .file: .file
        case .environment(let variable):
            EnvironmentLayer.Prefix.emqx.begins(variable) ? .emqxEnvironment : .environment
        case .commandLine: .commandLine
        }
    }
}

extension Origin.Layer: Comparable {
    static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

extension Origin: CustomStringConvertible {
    /// `martlet.conf:3:5`, `MARTLET_NODE__LOOPS`, `--set node.loops`, `set at run time` or `default`.
    package var description: String {
        switch self {
        case .file(let name, let line, let column): "\(name):\(line):\(column)"
        default: place
        }
    }

    /// As `description`, without the column.
    package var place: String {
        switch self {
        case .builtIn: "default"
        case .runtime: "set at run time"
        case .file(let name, let line, _): "\(name):\(line)"
        case .environment(let variable): variable
        case .commandLine(let key): "--set \(key)"
        }
    }
}
