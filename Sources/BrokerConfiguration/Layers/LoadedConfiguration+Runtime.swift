// Values that are set while the broker runs: the lowest layer above the defaults, so that what a node has in force follows from its sources and from
// these values, and not from the order in which they came.
extension LoadedConfiguration {
    /// The same sources, which are not read again, over values that are set at run time.
    ///
    /// - Parameter values: as for `--set`, by dotted key.
    /// - Throws: everything that is wrong with them, or with the sources together with them; the origin is `Origin.runtime` where a value is to blame.
    package func over(runtime values: [String: String]) throws(ConfigurationError) -> LoadedConfiguration {
        var reading = SchemaReading()
        var merged = HOCONValue(.object([:]), origin: .builtIn)
        for (key, text) in values.sorted(by: { ($0.key.count, $0.key) < ($1.key.count, $1.key) }) {
            do throws(HOCONError) {
                let origin = Origin.runtime(key: key)
                let path = try HOCONDocument.path(ofKey: key, origin: origin)
                var value = try HOCONDocument.value(ofSetting: text, origin: origin)
                for part in path.reversed() { value = HOCONValue(.object([part: value]), origin: origin) }
                merged.merge(value)
            } catch {
                reading.add(ConfigurationProblem(error))
            }
        }
        merged.merge(tree)
        return try LoadedConfiguration(reading: merged, over: defaults, by: section, reading)
    }

    /// The keys that can be changed while the broker runs, with what is in force, in the order of the reference. No secret is one of them.
    package var liveValues: [LiveValue] {
        var text = ConfigurationText { _ in nil }
        section.write(configuration, at: [], into: &text)
        return section.describe(defaults).filter { $0.kind == .value(.live) }.map { key in
            let value = text.values[key.key].map { hocon in
                // Without the quotes of a text.
                (try? HOCONDocument.value(ofSetting: hocon, origin: .builtIn))?.text ?? hocon
            }
            return LiveValue(description: key, value: value, origin: origin(of: key.key))
        }
    }
}

/// A key that can be changed while the broker runs.
package struct LiveValue: Sendable, Equatable {
    package let description: KeyDescription
    /// As for `--set`; `nil` if the key is not set.
    package let value: String?
    package let origin: Origin

    package var key: String { description.key }
}
