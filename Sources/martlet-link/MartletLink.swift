import ArgumentParser
import LinkEmulator

/// The program that carries IP packets between two TUN devices over an emulated link.
@main
struct MartletLink: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "martlet-link",
        abstract: "Emulate a bad link between two TUN devices; a seed repeats a run.",
        discussion: """
            Commands are read from the command line, each an argument, and then from standard input, each a line:

            \(CommandParser.help)

            Standard output is lines of JSON: "ready", each new binding of the NAT, and the counters at each report and at the end.
            """
    )

    @Option(help: ArgumentHelp("The clients' TUN device and its network namespace.", valueName: "ns:device"))
    var client: String

    @Option(help: ArgumentHelp("The server's TUN device and its network namespace.", valueName: "ns:device"))
    var server: String

    @Option(help: "The seed of losses, duplicates, delays and reordering.")
    var seed: UInt64 = 1

    @Option(help: ArgumentHelp("Outside addresses of a NAT on the clients' side.", valueName: "address,..."))
    var nat: String?

    @Option(help: ArgumentHelp("Seconds after which a UDP binding without a packet ends.", valueName: "seconds"))
    var natTimeout: Double = 120

    @Option(help: "Octets of the largest packet; not less than the devices' MTU.")
    var packetSize = 1500

    @Argument(help: "Commands to perform at the start, each an argument.")
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
