import ArgumentParser
import BrokerAdmin
import BrokerCluster

extension CtlCommand {
    /// `martlet ctl status`: whether the broker runs, in the peer's words.
    struct StatusCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "status",
            abstract: "Say whether the broker runs.",
            discussion: """
                Exit code 0 if it runs, also while it does not serve yet; otherwise 1.

                Example:
                  martlet ctl status --data data
                """
        )

        @OptionGroup var place: CtlCommand.Place

        func run() async throws {
            let status: ClusterStatus = try CtlCommand.read(try await place.ask(ControlPath.clusterStatus))
            guard let own = status.nodes.first(where: { $0.node == status.node }), let version = own.status?.version
            else {
                throw Terminal.failure("ctl: the broker does not say who it is", code: 1)
            }
            Terminal.print("Node '\(own.name)' \(version) is started")
        }
    }
}
