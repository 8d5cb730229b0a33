import ArgumentParser
import LoadGenerator

/// `martlet bench conn|pub|sub|pair|fanout|idle`. ``OptionTable`` parses the arguments, since emqtt_bench's options follow other
/// rules than swift-argument-parser's.
struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Load an MQTT broker, and measure it.",
        helpNames: []
    )

    @Argument(parsing: .captureForPassthrough)
    var arguments: [String] = []

    func run() async throws {
        guard let first = arguments.first, let kind = LoadKind(rawValue: first) else {
            Terminal.print(LoadKind.help)
            guard let first = arguments.first, first != "--help", first != "help" else { return }
            throw Terminal.failure(
                "bench: there is no load '\(first)'; the loads are \(LoadKind.allCases.map(\.rawValue).joined(separator: ", "))",
                code: 2
            )
        }
        let rest = Array(arguments.dropFirst())
        guard !rest.contains("--help") else { return Terminal.print(kind.help) }
        do {
            let options = try BenchOptions(kind, rest)
            let output = BenchOutput(line: { Terminal.print($0) }, note: { Terminal.note("martlet bench: \($0)") })
            let outcome = try await LoadGenerator.run(options, output: output, interrupts: await Interrupts.stream())
            if outcome != .done { throw ExitCode(outcome.rawValue) }
        } catch let error as UsageError {
            throw Terminal.failure("bench \(kind.rawValue): \(error)", code: 2)
        }
    }
}
