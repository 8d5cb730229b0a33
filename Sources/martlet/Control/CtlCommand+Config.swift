import ArgumentParser
import BrokerAdmin
import BrokerCluster
import NIOCore

extension CtlCommand {
    /// `martlet ctl config`: what is set while the broker runs, at all nodes of its cluster.
    struct ConfigCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "config",
            abstract: "Show and set keys of the configuration while the broker runs.",
            discussion: """
                A key that is set here holds at all nodes of the cluster, and after restarts, until it is unset. A node whose own file, environment
                or --set states the key keeps that value. Limits of clients hold for connections that are opened from then on; those of queues,
                sessions and retained messages for messages and sessions that come from then on.

                Examples:
                  martlet ctl config show
                  martlet ctl config set mqtt.max_packet_size 4MB
                  martlet ctl config unset mqtt.max_packet_size
                """,
            subcommands: [Show.self, Set.self, Unset.self],
            defaultSubcommand: Show.self
        )
    }
}

extension CtlCommand.ConfigCommand {
    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show",
            abstract:
                "Show each key that can be set while the broker runs, its value in force, and where that comes from.",
            discussion: """
                Example:
                  martlet ctl config show --json | jq '.keys[] | select(.source == "runtime")'
                """
        )

        @OptionGroup var place: CtlCommand.Place

        @Flag(name: .long, help: "The answer as JSON, on one line.")
        var json = false

        func run() async throws {
            let answer = try await place.ask(ControlPath.runtimeKeys)
            if json { return Terminal.print(String(buffer: answer)) }
            let keys: RuntimeKeys = try CtlCommand.read(answer)
            Terminal.print(RuntimeKeyPicture.table(keys.keys))
        }
    }

    struct Set: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "set",
            abstract: "Set a key at all nodes of the cluster.",
            discussion: """
                The value is checked as in the file. Exit code 0 once it is stored and in force at the asked node, 1 if it is not stored, 2 for a
                wrong key or value.

                Example:
                  martlet ctl config set mqtt.max_packet_size 4MB
                """
        )

        @OptionGroup var place: CtlCommand.Place
        @OptionGroup var change: Change

        @Argument(help: "The key, such as mqtt.max_packet_size.")
        var key: String

        @Argument(help: "The value, as in the file.")
        var value: String

        func run() async throws {
            try await place.change(RuntimeKeyChange(key: key, value: value, revision: change.revision))
        }
    }

    struct Unset: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "unset",
            abstract: "Let a key have its default again, or what each node states, at all nodes of the cluster.",
            discussion: """
                Example:
                  martlet ctl config unset mqtt.max_packet_size
                """
        )

        @OptionGroup var place: CtlCommand.Place
        @OptionGroup var change: Change

        @Argument(help: "The key, such as mqtt.max_packet_size.")
        var key: String

        func run() async throws {
            try await place.change(RuntimeKeyChange(key: key, value: nil, revision: change.revision))
        }
    }

    struct Change: ParsableArguments {
        @Option(
            name: .long,
            help:
                "Change nothing unless the key has this revision, which `show --json` tells; 0 for a key that was never set."
        )
        var revision: UInt64?
    }
}

extension CtlCommand {
    /// Reads the answer of a broker.
    static func read<Answer: Decodable>(_ answer: ByteBuffer) throws -> Answer {
        guard let read = try? StatusJSON.read(Answer.self, from: answer) else {
            throw Terminal.failure(
                "ctl: the answer cannot be read: the broker's version is another one than this command's",
                code: 1
            )
        }
        return read
    }
}

extension CtlCommand.Place {
    /// Asks the broker for a change, and says what came of it.
    fileprivate func change(_ change: RuntimeKeyChange) async throws {
        let body = try StatusJSON.write(change)
        let key: RuntimeKey = try CtlCommand.read(try await ask(ControlPath.runtimeKeys, ByteBuffer(bytes: body)))
        Terminal.print(RuntimeKeyPicture.line(key))
    }
}
