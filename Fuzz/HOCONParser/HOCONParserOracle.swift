import BrokerConfiguration

/// What holds for any octets as a configuration file: the file is read or refused, and a file that is read means the same after
/// it was printed. An included file is the same text again, so that circles and depth are tried too.
package enum HOCONParserOracle {
    package struct Fault: Error { package let message: String }

    package static func check(_ octets: [UInt8]) throws {
        guard let loaded = try? load(octets) else { return }
        let printed = loaded.text
        let again: LoadedConfiguration<SampleSettings>
        do {
            again = try load(Array(printed.utf8))
        } catch {
            throw Fault(message: "what was printed is refused: \(error)\n\(printed)")
        }
        var expected = loaded.configuration
        // A secret is not printed.
        expected.node.password = again.configuration.node.password
        if again.configuration != expected {
            throw Fault(message: "what was printed means something else:\n\(printed)")
        }
    }

    private static func load(_ text: [UInt8]) throws(ConfigurationError) -> LoadedConfiguration<SampleSettings> {
        let sources = ConfigurationSources(
            file: "fuzz.conf",
            environment: ["HOME": "/srv/martlet"],
            read: { _, _ in text }
        )
        return try sources.load(over: SampleSettings(), by: SampleSettings.section)
    }
}
