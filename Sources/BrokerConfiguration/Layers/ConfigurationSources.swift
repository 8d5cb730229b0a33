package import Secrets

/// The sources of a configuration. A later source goes before an earlier one: the defaults in the code, the file, the
/// environment, the command line.
package struct ConfigurationSources {
    /// The path of the file; nil for none.
    package var file: String?
    /// The environment of the process. `MARTLET_LISTENERS__QUIC__DEFAULT__BIND` sets `listeners.quic.default.bind`: two
    /// underscores are a dot, case means nothing, and `EMQX_` does as a prefix, too. References in the file may use any variable.
    @Secret package var environment: [String: String]
    /// `--set KEY=VALUE` of the command line, by key.
    @Secret package var settings: [String: String]
    /// Opens the file.
    package var read: HOCONDocument.FileReader
    /// Opens the files that it includes.
    package var readInclude: HOCONDocument.FileReader

    package init(
        file: String? = nil,
        environment: [String: String] = [:],
        settings: [String: String] = [:],
        read: @escaping HOCONDocument.FileReader = ConfigurationFile.read,
        readInclude: @escaping HOCONDocument.FileReader = ConfigurationFile.readInclude
    ) {
        self.file = file
        self.environment = environment
        self.settings = settings
        self.read = read
        self.readInclude = readInclude
    }

    /// Reads all sources.
    /// - Parameters:
    ///   - defaults: what holds where no source says anything.
    ///   - section: the keys of the first level.
    /// - Throws: everything that is wrong, not only the first problem.
    package func load<Root>(over defaults: Root, by section: Section<Root>) throws(ConfigurationError)
        -> LoadedConfiguration<Root>
    {
        var reading = SchemaReading()
        let tree = merged(roots: section.fields.map(\.name), in: &reading)
        return try LoadedConfiguration(reading: tree, over: defaults, by: section, reading)
    }

    /// All sources as one tree.
    private func merged(roots: [String], in reading: inout SchemaReading) -> HOCONValue {
        var tree = HOCONValue(.object([:]), origin: .builtIn)
        do throws(HOCONError) {
            if let document = try document() {
                tree = document.root
                reading.notices += document.notices.map(ConfigurationProblem.init)
            }
        } catch {
            reading.add(ConfigurationProblem(error))
        }
        let environmentLayer = EnvironmentLayer(environment, roots: roots)
        reading.notices += environmentLayer.notices
        add(environmentLayer.values, to: &tree, in: &reading)
        // The shorter key first: a longer one is about a part of it.
        let settings = settings.sorted { ($0.key.count, $0.key) < ($1.key.count, $1.key) }.map { key, text in
            (keyText: key, text: text, origin: Origin.commandLine(key: key))
        }
        for setting in settings {
            do throws(HOCONError) {
                let path = try HOCONDocument.path(ofKey: setting.keyText, origin: setting.origin)
                add([(path: path, text: setting.text, origin: setting.origin)], to: &tree, in: &reading)
            } catch {
                reading.add(ConfigurationProblem(error))
            }
        }
        return tree
    }

    private func document() throws(HOCONError) -> HOCONDocument? {
        guard let file else { return nil }
        let place = Origin.file(file, line: 1, column: 1)
        let bytes: [UInt8]?
        do {
            bytes = try read(file, HOCONLimits().maximumBytes)
        } catch {
            throw HOCONError(origin: place, message: "the file cannot be read: \(error)")
        }
        guard let bytes else { throw HOCONError(origin: place, message: "there is no such file") }
        return try HOCONDocument(parsing: bytes, named: file, environment: environment, readingIncludes: readInclude)
    }

    private func add(
        _ values: [(path: [String], text: String, origin: Origin)],
        to tree: inout HOCONValue,
        in reading: inout SchemaReading
    ) {
        for (path, text, origin) in values {
            do throws(HOCONError) {
                var value = try HOCONDocument.value(ofSetting: text, origin: origin)
                for key in path.reversed() { value = HOCONValue(.object([key: value]), origin: origin) }
                tree.merge(value)
            } catch {
                reading.add(ConfigurationProblem(error))
            }
        }
    }
}
