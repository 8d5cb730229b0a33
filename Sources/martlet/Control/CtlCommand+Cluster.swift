import ArgumentParser
import BrokerAdmin
import BrokerCluster
import NIOCore

extension CtlCommand {
    /// `martlet ctl cluster`: shows the cluster as one of its nodes sees it.
    struct ClusterCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "cluster",
            abstract: "Show the nodes of the cluster, who leads which lane, what waits, and how NATS is.",
            discussion: """
                The broker says what it knows itself, and asks the other nodes and JetStream for the rest, for 1.5 s at most. What is
                missing is said. Exit code 0 for an answer, 1 if no broker answers, 2 for a wrong configuration.

                Example:
                  martlet ctl cluster --data /var/lib/martlet
                  martlet ctl cluster --json | jq '.nodes[] | select(.state != "alive")'
                """
        )

        @OptionGroup var place: Place

        @Flag(name: .long, help: "The answer as JSON, on one line.")
        var json = false

        func run() async throws {
            let answer = try await place.ask(ControlPath.clusterStatus)
            if json {
                Terminal.print(String(buffer: answer))
                return
            }
            let status: ClusterStatus = try CtlCommand.read(answer)
            Terminal.print(ClusterPicture(status).text)
        }
    }
}
