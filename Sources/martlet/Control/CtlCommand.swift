import ArgumentParser
import BrokerAdmin
import NIOCore

/// `martlet ctl`: asks a broker that runs on this machine, by the socket in its data folder.
struct CtlCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ctl",
        abstract: "Ask and steer a running broker.",
        discussion: """
            The broker is found by its data folder, `node.data_dir`, and answers the user that runs it only.

            Example:
              martlet ctl cluster --config martlet.conf
            """,
        subcommands: [ClusterCommand.self, ConfigCommand.self]
    )

    /// Which broker.
    struct Place: ParsableArguments {
        @Option(name: [.customShort("c"), .long], help: "The broker's configuration, a HOCON file.")
        var config: String?

        @Option(name: .long, help: "The broker's data folder, instead of that of the configuration.")
        var data: String?

        /// Asks the broker.
        ///
        /// - Parameters:
        ///   - question: one of `ControlPath`.
        ///   - body: JSON, where the broker is asked for a change.
        func ask(_ question: String, _ body: ByteBuffer? = nil) async throws -> ByteBuffer {
            let folder: String
            do {
                folder = try data ?? NodeSettings.dataDirectory(file: config)
            } catch {
                throw Terminal.failure("ctl: \(error)", code: 2)
            }
            do {
                let client = ControlClient(path: ControlPath.socket(in: folder))
                if let body { return try await client.put(question, body) }
                return try await client.get(question)
            } catch ControlFailure.declined(let refusal) {
                throw Terminal.failure("ctl: \(refusal.message)", code: refusal.code == .badRequest ? 2 : 1)
            } catch {
                throw Terminal.failure("ctl: \(error)", code: 1)
            }
        }
    }
}
