import BrokerConfiguration
import Foundation

/// `node`: this process.
struct NodeSettings {
    /// The name of the node in logs; `nil` for the host's name.
    var name: String?
    /// The folder of generated certificates, secrets and counters, relative to the working directory.
    var dataDirectory = "data"
    /// Event loops, each with a shard of the broker; `nil` for one per processor.
    var loops: Int?
    /// The number of this node among those that share a secret; `nil` for 0 where nothing is shared.
    var number: Int?
    /// The file of the secret that keys are derived from; `nil` for one that is made in the data folder.
    var secretFile: String?
    /// The codepoint of that secret in connection identifiers.
    var secretRotation = 0
    /// Secrets that are known and under which no identifiers are made.
    var otherSecrets: [SecretFile] = []
    /// First flights that are remembered, so that early data is not acted upon twice; 0 refuses all early data.
    var earlyDataCapacity = 1_000_000

    /// An element of `node.other_secrets`.
    struct SecretFile {
        /// The codepoint of the secret in connection identifiers.
        var rotation = 0
        var path = ""
    }

    /// The data folder that a broker has by a configuration and the environment, for commands that look for it.
    ///
    /// - Parameter file: a HOCON file.
    static func dataDirectory(file: String?) throws -> String {
        let environment = ProcessInfo.processInfo.environment
        let sources = ConfigurationSources(file: file, environment: environment, settings: [:])
        return try sources.load(over: ServerSettings(), by: ServerSettings.section).configuration.node.dataDirectory
    }

    static var section: Section<Self> { Section(fields + EMQXKeys.node(), complete: complete) }

    private static var fields: [Field<Self>] {
        [
            .value(
                "name",
                \.name,
                .string,
                "The name of this node in logs and answers; the host's name when not set.",
                .atStart
            ),
            .value(
                "data_dir",
                \.dataDirectory,
                .path,
                "The folder of what must outlive the process, relative to the working directory.",
                .atStart
            ),
            .value(
                "loops",
                \.loops,
                ValueForm.integer(1...32).or("auto"),
                "Event loops, each with a shard of the broker; `auto` means one per processor.",
                .atStart
            ),
            .value(
                "number",
                \.number,
                .integer(0...65_535),
                "The number of this node, which no other node with the same secret may have; needed beside `secret_file`.",
                .atStart
            ),
            .value(
                "secret_file",
                \.secretFile,
                .path,
                "The file of a secret that nodes share, 32 octets or 64 hexadecimal digits; the node has its own when not set.",
                .atStart
            ),
            .value(
                "secret_rotation",
                \.secretRotation,
                .integer(0...6),
                "The number by which connection identifiers tell the secret they were made with; another for each secret.",
                .atStart
            ),
            .list("other_secrets", \.otherSecrets, of: SecretFile(), atMost: 6, secretFile),
            .value(
                "early_data_capacity",
                \.earlyDataCapacity,
                .integer(0...100_000_000),
                "First flights of clients that are remembered, some 40 octets each, so that no early data is acted upon twice.",
                .atStart
            ),
        ]
    }

    private static var secretFile: Section<SecretFile> {
        Section([
            .value(
                "rotation",
                \.rotation,
                .integer(0...6),
                isRequired: true,
                "The `secret_rotation` that other nodes, or earlier runs, use the secret with.",
                .atStart
            ),
            .value("file", \.path, .path, isRequired: true, "The file, as `secret_file`.", .atStart),
        ])
    }

    private static func complete(_ node: inout Self, at path: [String], in reading: inout SchemaReading) {
        func refuse(_ key: String, _ message: String, allowed: String) {
            let origin = reading.origin(at: path + [key]) ?? .builtIn
            let key = HOCONText.path(path + [key])
            reading.add(ConfigurationProblem(origin: origin, key: key, message: message, allowed: allowed))
        }
        if node.secretFile != nil, node.number == nil {
            refuse(
                "secret_file",
                "nodes that share a secret must have different numbers, and this one has none",
                allowed: "node.number beside it, another for each node"
            )
        }
        var rotations: Set = [node.secretRotation]
        for secret in node.otherSecrets where !rotations.insert(secret.rotation).inserted {
            refuse(
                "other_secrets",
                "rotation \(secret.rotation) is another secret's already",
                allowed: "a rotation of its own for each secret, secret_rotation among them"
            )
        }
    }
}
