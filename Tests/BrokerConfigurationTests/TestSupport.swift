import BrokerConfiguration

/// Loads `text` as the file `martlet.conf`, with no disk behind it.
func load(
    _ text: String?,
    environment: [String: String] = [:],
    settings: [String: String] = [:],
    includes: [String: String] = [:]
) throws(ConfigurationError) -> LoadedConfiguration {
    var files = includes
    files["martlet.conf"] = text
    let sources = ConfigurationSources(
        file: text == nil ? nil : "martlet.conf",
        environment: environment,
        settings: settings,
        read: { path, _ in files[path].map { Array($0.utf8) } }
    )
    return try sources.load()
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
