import ArgumentParser

/// The command `martlet`, which has a subcommand for the broker and for each tool.
@main
struct Martlet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "martlet",
        abstract: "An MQTT 5 broker that speaks QUIC, and its tools.",
        discussion: """
            Try it:
              martlet serve
              martlet sub -t hello
              martlet pub -t hello -m world
            """,
        version: Version.text,
        subcommands: [
            ServeCommand.self, BenchCommand.self, PubCommand.self, SubCommand.self, CtlCommand.self, StoreCommand.self,
        ]
    )
}
