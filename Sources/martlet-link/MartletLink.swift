import ArgumentParser
import LinkEmulator

/// Carries IP packets between two TUN devices, as badly as it is told.
@main
struct MartletLink: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "martlet-link",
        abstract: "Emulate a bad link between two TUN devices, the same way each time.",
        discussion: """
            Commands are read from the command line, each an argument, and then from standard input, each a line:

            \(CommandParser.help)

            It says "ready", each new binding of the NAT, and at each report and at its end its counters, as lines of JSON.
            """
    )

    @Option(help: ArgumentHelp("The clients' device, with the network namespace it is in.", valueName: "ns:device"))
    var client: String

    @Option(help: ArgumentHelp("The server's device, with the network namespace it is in.", valueName: "ns:device"))
    var server: String

    @Option(help: "The same seed does the same to the same packets.")
    var seed: UInt64 = 1

    @Option(help: ArgumentHelp("Outside addresses of a NAT before the clients.", valueName: "address,..."))
    var nat: String?

    @Option(help: ArgumentHelp("Seconds that a binding of UDP stands without a packet.", valueName: "seconds"))
    var natTimeout: Double = 120

    @Option(help: "Octets of the largest packet; not less than the devices' MTU.")
    var packetSize = 1500

    @Argument(help: "Commands.")
    var commands: [String] = []

    func validate() throws {
        guard (68...65_535).contains(packetSize) else { throw ValidationError("a packet has 68 to 65535 octets") }
        guard (0.001...1e6).contains(natTimeout) else { throw ValidationError("a timeout is 0.001 to 1000000 seconds") }
        _ = try translation
        _ = try script
    }

    func run() throws {
        let emulator = Emulator(seed: seed, nat: try translation, packetSize: packetSize)
        var bridge = Bridge(
            emulator,
            client: try TunnelDevice(client),
            server: try TunnelDevice(server)
        )
        bridge.run(try script)
    }

    private var script: [Command] {
        get throws {
            try commands.compactMap { line in
                do throws(CommandParser.Failure) {
                    return try CommandParser.parse(line)
                } catch {
                    throw ValidationError("\(line): \(error)")
                }
            }
        }
    }

    private var translation: NATConfiguration? {
        get throws {
            guard let nat else { return nil }
            let addresses = nat.split(separator: ",").map { Endpoint.address($0) }
            guard let known = addresses as? [UInt32], var configuration = NATConfiguration(addresses: known) else {
                throw ValidationError("--nat \(nat): IPv4 addresses with commas between them are wanted")
            }
            configuration.timeoutUDP = Nanoseconds(natTimeout * 1e9)
            return configuration
        }
    }
}
