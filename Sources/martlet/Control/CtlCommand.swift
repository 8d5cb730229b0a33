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
              martlet ctl clients show 'car 7'
            """,
        subcommands: [
            StatusCommand.self, ClusterCommand.self, ClientsCommand.self, SubscriptionsCommand.self, ConfigCommand.self,
        ]
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
            try await ask { client in
                if let body { return try await client.put(question, body) }
                return try await client.get(question)
            }
        }

        /// What a broker knows at a path of the REST interface; `nil` if it says that there is no such thing.
        func find(_ path: String) async throws -> JSONValue? {
            let octets: ByteBuffer? = try await ask { client in
                do { return try await client.get(path) } catch ControlFailure.refused(404) { return nil }
            }
            guard let octets else { return nil }
            guard let value = JSONValue.read(octets) else {
                throw Terminal.failure("ctl: the broker's answer is no JSON", code: 1)
            }
            return value
        }

        /// Ends what is at a path of the REST interface. Returns false if there is no such thing.
        func end(_ path: String) async throws -> Bool {
            try await ask { client in
                do {
                    try await client.delete(path)
                    return true
                } catch ControlFailure.refused(404) { return false }
            }
        }

        private func ask<Answer>(_ body: (ControlClient) async throws -> Answer) async throws -> Answer {
            let folder: String
            do {
                folder = try data ?? NodeSettings.dataDirectory(file: config)
            } catch {
                throw Terminal.failure("ctl: \(error)", code: 2)
            }
            do {
                return try await body(ControlClient(path: ControlPath.socket(in: folder)))
            } catch ControlFailure.declined(let refusal) {
                throw Terminal.failure("ctl: \(refusal.message)", code: refusal.code == .badRequest ? 2 : 1)
            } catch {
                throw Terminal.failure("ctl: \(error)", code: 1)
            }
        }
    }
}
