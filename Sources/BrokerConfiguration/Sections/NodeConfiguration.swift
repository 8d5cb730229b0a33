/// `node`: this process.
package struct NodeConfiguration: ConfigurationSection {
    /// The name of the node in logs and answers. Default: not set; the host's name is used.
    package var name: String?
    /// The folder that holds what must outlive the process: generated certificates, secrets, stored sessions. Default
    /// `data`, relative to the working directory.
    package var dataDirectory = "data"
    /// Event loops, each with a shard of the broker. 1 to 32; nil for one per processor, the default.
    package var loops: Int?
    /// Number of this node among those that share a secret. Default: not set, which is 0 where nothing is shared; 0 to
    /// 65,535.
    package var number: Int?
    /// The file of the secret that keys are derived from. Default: not set; one is made in the data folder.
    package var secretFile: String?
    /// The codepoint of that secret in connection identifiers. Default 0; 0 to 6.
    package var secretRotation = 0
    /// Secrets that are known and no longer, or not yet, used. Default: none. At most 6.
    package var otherSecrets: [SecretConfiguration] = []
    /// First flights of clients that are remembered so that their early data is not acted upon twice. Default 1,000,000; 0
    /// refuses all early data.
    package var earlyDataCapacity = 1_000_000

    package init() {}

    package static var fields: [Field<Self>] {
        [
            .value(
                "name",
                \.name,
                .string,
                "The name of this node in logs and answers; the host's name when it is not set."
            ),
            .value(
                "data_dir",
                \.dataDirectory,
                .path,
                "The folder of what must outlive the process; relative to the working directory."
            ),
            .value(
                "loops",
                \.loops,
                .integer(1...32),
                or: "auto",
                "Event loops, each with a shard of the broker; auto means one per processor."
            ),
            .value(
                "number",
                \.number,
                .integer(0...65_535),
                "The number of this node, which no other node with the same secret may have; needed beside secret_file."
            ),
            .value(
                "secret_file",
                \.secretFile,
                .path,
                "The file of a secret that nodes share, 32 octets or 64 hexadecimal digits; not set, a node has its own."
            ),
            .value(
                "secret_rotation",
                \.secretRotation,
                .integer(0...6),
                "The number by which connection identifiers tell the secret they were made with; another for each."
            ),
            .list("other_secrets", \.otherSecrets, atMost: 6),
            .value(
                "early_data_capacity",
                \.earlyDataCapacity,
                .integer(0...100_000_000),
                "First flights of clients that are remembered, so that no early data is acted upon twice; some 40 bytes each."
            ),
            .meaningless("cookie", because: "nodes are not joined by Erlang distribution"),
            .meaningless("etc_dir", because: "the path of the file is given on the command line"),
        ]
    }

    package mutating func settle(at path: [String], in reading: inout SchemaReading) {
        if secretFile != nil, number == nil {
            reading.add(
                ConfigurationProblem(
                    origin: reading.origin(at: path + ["secret_file"]) ?? .builtIn,
                    key: HOCONText.path(path + ["secret_file"]),
                    message: "nodes that share a secret must know themselves apart, and this one has no number",
                    allowed: "node.number beside it, another for each node"
                )
            )
        }
        var rotations: Set = [secretRotation]
        for secret in otherSecrets where !rotations.insert(secret.rotation).inserted {
            reading.add(
                ConfigurationProblem(
                    origin: reading.origin(at: path + ["other_secrets"]) ?? .builtIn,
                    key: HOCONText.path(path + ["other_secrets"]),
                    message: "rotation \(secret.rotation) is another secret's already",
                    allowed: "a rotation of its own for each secret, secret_rotation among them"
                )
            )
        }
    }
}
