import BrokerConfiguration

@testable import martlet

/// Loads `text` as the file `martlet.conf`, with no disk behind it.
func load(
    _ text: String?,
    environment: [String: String] = [:],
    settings: [String: String] = [:]
) throws(ConfigurationError) -> LoadedConfiguration<ServerSettings> {
    let sources = ConfigurationSources(
        file: text == nil ? nil : "martlet.conf",
        environment: environment,
        settings: settings,
        read: { _, _ in text.map { Array($0.utf8) } },
        readInclude: { _, _ in nil }
    )
    return try sources.load(over: text == nil ? .withoutFile : ServerSettings(), by: ServerSettings.section)
}

/// The problems of a configuration that must be refused.
func problems(of text: String?, environment: [String: String] = [:], settings: [String: String] = [:]) -> [String] {
    do {
        _ = try load(text, environment: environment, settings: settings)
        return []
    } catch {
        return error.problems.map(\.description)
    }
}

extension LoadedConfiguration<ServerSettings> {
    /// The values in force as text, without the places that they come from.
    var values: String {
        text.split(separator: "\n").map { line in
            var value = line.split(separator: "  # ")[0]
            while value.last == " " { value.removeLast() }
            return String(value)
        }.joined(separator: "\n")
    }
}
