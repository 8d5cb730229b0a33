import ArgumentParser
import BrokerAdmin
import NIOCore

/// `martlet ctl`: asks a broker that runs on this machine, by the socket in its data folder.
struct CtlCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ctl",
        abstract: "Ask a running broker how it is.",
        discussion: """
            The broker is found by its data folder, `node.data_dir`, and answers the user that runs it only.

            Example:
              martlet ctl cluster --config martlet.conf
            """,
        subcommands: [ClusterCommand.self]
    )

    /// Which broker.
    struct Place: ParsableArguments {
        @Option(name: [.customShort("c"), .long], help: "The broker's configuration, a HOCON file.")
        var config: String?

        @Option(name: .long, help: "The broker's data folder, instead of that of the configuration.")
        var data: String?

        /// Asks the broker.
        ///
        /// - Parameter question: one of `ControlPath`.
        func ask(_ question: String) async throws -> ByteBuffer {
            let folder: String
            do {
                folder = try data ?? NodeSettings.dataDirectory(file: config)
            } catch {
                throw Terminal.failure("ctl: \(error)", code: 2)
            }
            do {
                return try await ControlClient(path: ControlPath.socket(in: folder)).get(question)
            } catch {
                throw Terminal.failure("ctl: \(error)", code: 1)
            }
        }
    }
}
