/// `node`: this process.
package struct NodeConfiguration: ConfigurationSection {
    /// The name of the node in logs and answers. Default: not set; the host's name is used.
    package var name: String?
    /// The folder that holds what must outlive the process: generated certificates, secrets, stored sessions. Default
    /// `data`, relative to the working directory.
    package var dataDirectory = "data"
    /// Event loops, each with a shard of the broker. 1 to 32; nil for one per processor, the default.
    package var loops: Int?

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
            .meaningless("cookie", because: "nodes are not joined by Erlang distribution"),
            .meaningless("etc_dir", because: "the path of the file is given on the command line"),
        ]
    }
}
