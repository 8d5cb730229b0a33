import BrokerConfiguration

/// What holds for any octets as a configuration file: they are read or refused, and what is read means the same once it
/// was printed. An included file is the same text again, so that circles and depth are tried too.
package enum HOCONParserOracle {
    package struct Fault: Error { package let message: String }

    package static func check(_ octets: [UInt8]) throws {
        guard let loaded = try? load(octets) else { return }
        let printed = loaded.text
        let again: LoadedConfiguration
        do {
            again = try load(Array(printed.utf8))
        } catch {
            throw Fault(message: "what was printed is refused: \(error)\n\(printed)")
        }
        if again.configuration != loaded.configuration {
            throw Fault(message: "what was printed means something else:\n\(printed)")
        }
    }

    private static func load(_ text: [UInt8]) throws(ConfigurationError) -> LoadedConfiguration {
        let sources = ConfigurationSources(
            file: "fuzz.conf",
            environment: ["HOME": "/srv/martlet"],
            read: { _, _ in text }
        )
        return try sources.load()
    }
}
