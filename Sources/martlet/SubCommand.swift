import ArgumentParser
import MQTTClient
import MQTTCodec

/// `martlet sub`: subscribes and prints messages as `mosquitto_sub` does.
struct SubCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sub",
        abstract: "Subscribe and print messages.",
        discussion: """
            Examples:
              martlet sub -t 'room/#' -v
              martlet sub --quic --insecure -h 127.0.0.1 -t 'room/#' -F '%t %q %r %p' -C 10 -W 60

            Fields of -F: %t topic, %p payload, %l length of the payload, %x and %X payload in hexadecimal, %q QoS, %r retain, %d duplicate, \
            %i packet identifier, %U unix time, %C content type, %R response topic, %E expiry, %P user properties, %%; \
            and the escapes \\n \\t \\r \\0 \\a \\e \\v \\\\.

            A connection that is lost is opened again. Exit code: 0 after -C messages or a signal, 27 if the time of -W is over \
            before, 1 if the broker cannot be reached or refuses, 2 if a file cannot be read, 64 for a wrong command line.
            """,
        helpNames: [.long]
    )

    @OptionGroup var connection: ConnectionOptions

    @Option(
        name: [.customShort("t"), .long],
        parsing: .unconditionalSingleValue,
        help: "A topic filter; may be repeated."
    )
    var topic: [String]

    @Option(
        name: [.customShort("q"), .long],
        parsing: .unconditional,
        help: "The maximum QoS of the subscription."
    )
    var qos = ConnectionOptions.QoS.atMostOnce

    @Flag(name: [.customShort("v"), .long], help: "Print the topic before the message.")
    var verbose = false

    @Option(
        name: [.customShort("F"), .long],
        parsing: .unconditional,
        help: "The format of a message; see the fields above."
    )
    var format: String?

    @Flag(name: .customShort("N"), help: "Print no newline after a message.")
    var noLineEnd = false

    @Option(name: [.customShort("C"), .long], parsing: .unconditional, help: "Exit after this many messages.")
    var count: Int?

    @Option(
        name: [.customShort("W"), .long],
        parsing: .unconditional,
        help: "Exit after this many seconds, with code 27."
    )
    var timeout: Double?

    @Flag(name: .customShort("R"), help: "Do not print retained messages.")
    var noRetained = false

    @Flag(help: "Print only retained messages, and exit at the first message that is not retained.")
    var retainedOnly = false

    private static let timeoutExitCode: Int32 = 27

    fileprivate var messageFormat: MessageFormat {
        get throws {
            do {
                return try MessageFormat(format ?? (verbose ? "%t %p" : "%p"))
            } catch {
                throw ValidationError("-F contains \(error); allowed: the fields and escapes that --help lists")
            }
        }
    }

    func validate() throws {
        guard !topic.isEmpty, !topic.contains("") else {
            throw ValidationError("-t: a topic filter must have at least one character")
        }
        if let count, count < 1 { throw ValidationError("-C: a number from 1, not \(count)") }
        if let timeout, !(timeout > 0) { throw ValidationError("-W: a number of seconds above 0, not \(timeout)") }
        if noRetained, retainedOnly { throw ValidationError("-R and --retained-only exclude each other") }
        _ = try messageFormat
    }

    func run() async throws {
        do {
            let client = try await connection.makeClient("martlet-sub")
            let code = try await withThrowingTaskGroup(of: Int32.self) { tasks in
                tasks.addTask { try await receive(with: client) }
                tasks.addTask {
                    for await _ in await Interrupts.stream() { return 0 }
                    // The stream ends when the task is cancelled: another task returns the exit code.
                    return try await Self.never()
                }
                if let timeout {
                    tasks.addTask {
                        try await Task.sleep(for: .seconds(timeout))
                        return Self.timeoutExitCode
                    }
                }
                defer { tasks.cancelAll() }
                do {
                    let code = try await tasks.next() ?? 0
                    await client.disconnect()
                    return code
                } catch {
                    await client.disconnect()
                    throw error
                }
            }
            if code != 0 { throw ExitCode(code) }
        } catch let error as ClientError {
            throw Terminal.failure("sub: \(connection.server): \(error)", code: 1)
        } catch let failure as InputFile.Failure {
            throw Terminal.failure("sub: \(failure)", code: 2)
        }
    }

    private static func never() async throws -> Int32 {
        try await Task.sleep(for: .seconds(Int64.max / 2_000_000_000))
        return 0
    }

    // MARK: Receiving

    private func receive(with client: MQTTClient) async throws -> Int32 {
        var printer = try MessagePrinter(self)
        var answer = try await client.connect()
        var delay = Duration.seconds(1)
        // A session that was present may have the subscriptions of an earlier run, which may be others.
        var isSubscribed = false
        while true {
            do {
                if !answer.sessionPresent || !isSubscribed {
                    isSubscribed = false
                    try await subscribe(client)
                    isSubscribed = true
                }
                while let messages = try await client.nextMessages() {
                    if printer.print(messages) { return 0 }
                    delay = .seconds(1)
                }
                return 0
            } catch let error as ClientError where error.isLoss {
                Terminal.note("martlet sub: \(error); connecting again")
            }
            answer = try await reconnect(client, &delay)
        }
    }

    private func reconnect(_ client: MQTTClient, _ delay: inout Duration) async throws -> ConnectAcknowledgement {
        while true {
            try await Task.sleep(for: delay)
            delay = min(delay * 2, .seconds(30))
            do {
                return try await client.connect()
            } catch let error as ClientError where error.isLoss {
                Terminal.note("martlet sub: \(error); trying again")
            }
        }
    }

    private func subscribe(_ client: MQTTClient) async throws {
        let options = SubscriptionOptions(
            maximumQoS: qos.quality,
            retainHandling: noRetained ? .doNotSend : .send
        )
        let codes = try await client.subscribe(topic.map { .init(topicFilter: $0, options: options) })
        for (filter, code) in zip(topic, codes) where code.isError {
            Terminal.note("martlet sub: the broker refused \(filter): \(code.text)")
        }
        guard codes.contains(where: { !$0.isError }) else { throw ExitCode(1) }
    }
}

/// Prints messages, and counts them for `-C`.
private struct MessagePrinter {
    private let command: SubCommand
    private let format: MessageFormat
    private var printed = 0

    init(_ command: SubCommand) throws {
        self.command = command
        format = try command.messageFormat
    }

    /// Prints messages with one write.
    ///
    /// - Returns: true if `sub` is to end: after `-C` messages, or with `--retained-only` at a message that is not retained.
    mutating func print(_ messages: [Publish]) -> Bool {
        var octets: [UInt8] = []
        defer { Terminal.write(octets) }
        for message in messages {
            if command.retainedOnly, !message.retain { return true }
            if command.noRetained, message.retain { continue }
            octets += format.octets(of: message)
            if !command.noLineEnd { octets.append(UInt8(ascii: "\n")) }
            printed += 1
            if printed == command.count { return true }
        }
        return false
    }
}
