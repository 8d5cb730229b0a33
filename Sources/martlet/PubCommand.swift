import ArgumentParser
import MQTTClient
import MQTTCodec
import NIOCore

/// `martlet pub`: publishes messages as `mosquitto_pub` does.
struct PubCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pub",
        abstract: "Publish messages.",
        discussion: """
            Examples:
              martlet pub -t room/temperature -m 21.5
              martlet pub --quic --cafile ca.pem -h broker.example -t room/temperature -m 21.5 -q 1 -r
              tail -f log | martlet pub -t log -l

            Exit code: 0 if the broker has acknowledged every message (at QoS 0: if every message is sent), 1 if not, \
            2 if a file cannot be read, 64 for a wrong command line.
            """,
        helpNames: [.long]
    )

    @OptionGroup var connection: ConnectionOptions

    @Option(name: [.customShort("t"), .long], parsing: .unconditional, help: "The topic.")
    var topic: String

    @Option(name: [.customShort("m"), .long], parsing: .unconditional, help: "The message.")
    var message: String?

    @Option(
        name: [.customShort("f"), .long],
        parsing: .unconditional,
        help: "Send the contents of this file, which may be a pipe."
    )
    var file: String?

    @Flag(name: [.customShort("l"), .customLong("stdin-line")], help: "Send each line of standard input as a message.")
    var lines = false

    @Flag(name: [.customShort("s"), .customLong("stdin-file")], help: "Send all of standard input as one message.")
    var wholeInput = false

    @Flag(name: [.customShort("n"), .customLong("null-message")], help: "Send an empty message.")
    var empty = false

    @Option(name: [.customShort("q"), .long], parsing: .unconditional, help: "The QoS.")
    var qos = ConnectionOptions.QoS.atMostOnce

    @Flag(name: [.customShort("r"), .long], help: "Retain the message.")
    var retain = false

    func validate() throws {
        let sources = [message != nil, file != nil, lines, wholeInput, empty].filter { $0 }.count
        guard sources == 1 else {
            throw ValidationError("one of -m, -f, -l, -s and -n must say what to publish; there are \(sources)")
        }
        guard !topic.isEmpty, !topic.contains("+"), !topic.contains("#") else {
            throw ValidationError("-t: a topic to publish to must have at least one character, and no + or #")
        }
    }

    func run() async throws {
        do {
            let client = try await connection.makeClient("martlet-pub")
            do {
                _ = try await client.connect()
                try await publish(with: client)
            } catch {
                await client.disconnect()
                throw error
            }
            await client.disconnect()
        } catch let error as ClientError {
            throw Terminal.failure("pub: \(connection.server): \(error)", code: 1)
        } catch let failure as InputFile.Failure {
            throw Terminal.failure("pub: \(failure)", code: 2)
        }
    }

    private func publish(with client: MQTTClient) async throws {
        var source = try await MessageSource(self)
        let topic = ByteBuffer(string: topic)
        while let payloads = try await source.next() {
            let messages = payloads.map { Publish(topic: topic, payload: $0, qos: qos.quality, retain: retain) }
            try await client.post(contentsOf: messages)
        }
        let code = try await client.waitForAcknowledgements()
        if code.isError { throw Terminal.failure("pub: the broker refused a message: \(code.text)", code: 1) }
    }
}

/// The payloads of one `martlet pub`.
private struct MessageSource {
    /// The only payload; `nil` once it is sent, or where lines of `input` are the payloads.
    private var single: ByteBuffer?
    private var input: InputFile?

    init(_ command: PubCommand) async throws {
        if let message = command.message {
            single = ByteBuffer(string: message)
        } else if let file = command.file {
            single = try await InputFile.contents(of: file)
        } else if command.empty {
            single = ByteBuffer()
        } else {
            var input = InputFile.standardInput
            if command.wholeInput { single = try await input.all() } else { self.input = input }
        }
    }

    /// The payloads that can be sent now; `nil` after the last.
    mutating func next() async throws -> [ByteBuffer]? {
        if let single {
            self.single = nil
            return [single]
        }
        return try await input?.lines()
    }
}
