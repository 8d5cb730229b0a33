import ArgumentParser
import BrokerAdmin

extension CtlCommand {
    /// `martlet ctl subscriptions`: the subscriptions of all nodes, in the peer's line for each.
    struct SubscriptionsCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "subscriptions",
            abstract: "List subscriptions, all or those of a client.",
            discussion: """
                Examples:
                  martlet ctl subscriptions list
                  martlet ctl subscriptions show 'car 7'
                """,
            subcommands: [List.self, Show.self],
            defaultSubcommand: List.self
        )
    }
}

extension CtlCommand.SubscriptionsCommand {
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "list", abstract: "List all subscriptions.")

        @OptionGroup var place: CtlCommand.Place

        func run() async throws { try await place.printSubscriptions(ControlPath.subscriptions) }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show",
            abstract: "List the subscriptions of a client."
        )

        @OptionGroup var place: CtlCommand.Place

        @Argument(help: "The client identifier.")
        var client: String

        func run() async throws {
            try await place.printSubscriptions(
                ControlPath.subscriptions + "?clientid=" + ControlPath.encoded(client)
            )
        }
    }
}

extension CtlCommand.Place {
    fileprivate func printSubscriptions(_ path: String) async throws {
        let count = try await eachRow(of: path) { row in
            let options = ["qos", "nl", "rh", "rap"].map { "\($0):\(row[$0]?.integer ?? 0)" }
            let (client, topic) = (row["clientid"]?.string ?? "", row["topic"]?.string ?? "")
            Terminal.print(
                "\(Terminal.inline(client)) -> topic:\(Terminal.inline(topic)) \(options.joined(separator: " "))"
            )
        }
        if count == 0 { Terminal.print("No subscriptions.") }
    }
}
