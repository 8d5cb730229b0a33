/// The outcome of reading a tree, beside the values: problems, notices, and the sources of values.
package struct SchemaReading {
    /// The most problems, and keys without effect, that are listed, since a file that is no configuration at all has a problem on
    /// each line. Default 100.
    static let maximumProblems = 100

    private(set) var problems: [ConfigurationProblem] = []
    /// The number of problems that are not listed.
    private(set) var untoldProblems = 0
    package var notices: [ConfigurationProblem] = []
    /// Dotted keys that were given and have no effect.
    private(set) var keysWithoutEffect: [String] = []
    /// The sources of values that were set, by dotted key.
    private(set) var origins: [String: Origin] = [:]

    /// Dotted keys of values that nobody may see.
    private(set) var secretKeys: Set<String> = []

    mutating func noteSecret(at path: [String]) { secretKeys.insert(HOCONText.path(path)) }

    /// Notes that the key at `path` was given and has no effect.
    mutating func noteWithoutEffect(_ path: [String]) {
        if keysWithoutEffect.count < Self.maximumProblems { keysWithoutEffect.append(HOCONText.path(path)) }
    }

    mutating func note(_ origin: Origin, at path: [String]) { origins[HOCONText.path(path)] = origin }

    /// The source of the value at `path`; `nil` if the value is the default.
    package func origin(at path: [String]) -> Origin? { origins[HOCONText.path(path)] }

    package mutating func add(_ problem: ConfigurationProblem) { add { problem } }

    /// As `add`, for a problem whose text is expensive.
    mutating func add(_ problem: () -> ConfigurationProblem) {
        if problems.count < Self.maximumProblems {
            problems.append(problem())
        } else {
            untoldProblems += 1
        }
    }

    /// Adds the problem that `value` is not allowed at `path`.
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

    /// `value`, shortened to a part of a line.
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
