/// What is learned while a tree is read: problems, notices, and where values come from.
package struct SchemaReading {
    /// Problems that are told, and keys without effect; a file that is not a configuration at all has a problem on each line.
    /// Default 100.
    static let maximumProblems = 100

    private(set) var problems: [ConfigurationProblem] = []
    /// Problems beyond those.
    private(set) var untoldProblems = 0
    package var notices: [ConfigurationProblem] = []
    /// Dotted keys that were given and have no effect.
    private(set) var keysWithoutEffect: [String] = []
    /// Where each value that was set comes from, by dotted key.
    private(set) var origins: [String: Origin] = [:]

    /// The key at `path` was given, and has no effect.
    mutating func noteWithoutEffect(_ path: [String]) {
        if keysWithoutEffect.count < Self.maximumProblems { keysWithoutEffect.append(HOCONText.path(path)) }
    }

    mutating func note(_ origin: Origin, at path: [String]) { origins[HOCONText.path(path)] = origin }

    /// Where the value at `path` was set, or nil when it has its default.
    package func origin(at path: [String]) -> Origin? { origins[HOCONText.path(path)] }

    package mutating func add(_ problem: ConfigurationProblem) { add { problem } }

    /// As `add`, for a problem that takes long to word.
    mutating func add(_ problem: () -> ConfigurationProblem) {
        if problems.count < Self.maximumProblems {
            problems.append(problem())
        } else {
            untoldProblems += 1
        }
    }

    /// `value` is not what may stand at `path`.
    mutating func refuse(_ value: HOCONValue, at path: [String], allowed: String) {
        add(
            ConfigurationProblem(
                origin: value.origin,
                key: HOCONText.path(path),
                message: "\(SchemaReading.shown(value)) is not allowed",
                allowed: allowed
            )
        )
    }

    /// `value` short enough for one line.
    private static func shown(_ value: HOCONValue) -> String {
        let longest = 60
        switch value.content {
        case .object: return "an object"
        case .list: return "a list"
        case .string(let text):
            return HOCONText.quoted(text.count > longest ? text.prefix(longest) + "…" : text)
        default: return String((value.text ?? "").prefix(longest))
        }
    }
}
