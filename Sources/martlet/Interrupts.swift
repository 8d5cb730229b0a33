import UnixSignals

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// SIGINT and SIGTERM as a sequence, so that a tool can end in order.
enum Interrupts {
    /// The exit code of a process that SIGINT has ended, as shells know it (128 + 2).
    private static let interrupted: Int32 = 130

    /// From now on the first signal is an element of the stream, and the second one ends the process.
    static func stream() async -> AsyncStream<Void> {
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
        return AsyncStream { continuation in
            let task = Task {
                var isFirst = true
                for await _ in signals {
                    if !isFirst { exit(interrupted) }
                    isFirst = false
                    continuation.yield()
                }
            }
            continuation.onTermination = { reason in
                // Without a consumer the task goes on, so that a second signal ends the process.
                if case .cancelled = reason { task.cancel() }
            }
        }
    }
}
