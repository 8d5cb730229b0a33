import ArgumentParser

/// MQTT over TCP and QUIC: a broker, and the tools to use and measure one.
@main
struct Martlet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "martlet",
        abstract: "MQTT over TCP and QUIC: a broker, and the tools to use and measure one.",
        subcommands: [BenchCommand.self, PubCommand.self, SubCommand.self]
    )
}
