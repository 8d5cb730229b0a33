import NIOCore
import NIOPosix

/// The engine of `martlet bench`.
package enum LoadGenerator {
    /// Whether the load did what was asked for; decides the exit code.
    package enum Outcome: Int32, Sendable {
        case done = 0
        case incomplete = 1
    }

    /// Runs a load until it is done, its time is over, or an element arrives in `interrupts`.
    ///
    /// - Throws: ``UsageError`` for a host that does not resolve, or a file that cannot be read or written.
    package static func run(
        _ options: BenchOptions,
        output: BenchOutput,
        interrupts: AsyncStream<Void>
    ) async throws -> Outcome {
        let loops = min(options.loops > 0 ? options.loops : System.coreCount, options.count)
        prepareDescriptors(options, output)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: loops)
        do {
            let outcome =
                if options.command.isClosedLoop {
                    try await ClosedLoopRun(options, output, group).run(interrupts)
                } else {
                    try await LoadRun(options, output, group, loops: loops).run(interrupts)
                }
            try await group.shutdownGracefully()
            return outcome
        } catch {
            try? await group.shutdownGracefully()
            throw error
        }
    }

    /// Descriptors that the clients need at the same time; `nil` where they share sockets.
    static func descriptors(_ options: BenchOptions) -> Int? {
        guard !options.isQUIC || options.ownsSockets else { return nil }
        return options.command == .pair ? options.count * 2 : options.count
    }

    /// Descriptors for each client, and some for the process itself.
    private static func prepareDescriptors(_ options: BenchOptions, _ output: BenchOutput) {
        guard let clients = descriptors(options) else { return }
        let wanted = clients + 128
        let allowed = DescriptorLimit.raise(to: wanted)
        if allowed < wanted {
            output.note(
                "\(clients) clients need \(wanted) open files, and this process may have \(allowed): see ulimit -n"
            )
        }
    }
}
