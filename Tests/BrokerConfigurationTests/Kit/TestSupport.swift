import BrokerConfiguration
import FuzzHOCONParser

/// Loads `text` as the file `martlet.conf`, with no disk behind it.
func load(
    _ text: String?,
    environment: [String: String] = [:],
    settings: [String: String] = [:],
    includes: [String: String] = [:]
) throws(ConfigurationError) -> LoadedConfiguration<SampleSettings> {
    let files = includes.merging(text.map { ["martlet.conf": $0] } ?? [:]) { $1 }
    let read: HOCONDocument.FileReader = { path, _ in files[path].map { Array($0.utf8) } }
    let sources = ConfigurationSources(
        file: text == nil ? nil : "martlet.conf",
        environment: environment,
        settings: settings,
        read: read,
        readInclude: read
    )
    return try sources.load(over: SampleSettings(), by: SampleSettings.section)
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
