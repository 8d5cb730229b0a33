import Dispatch

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// SIGINT and SIGTERM as a sequence, so that a tool can end in order.
enum Interrupts {
    /// From now on the signals do not end the process, while somebody listens; a second one does.
    static func stream() -> AsyncStream<Void> {
        AsyncStream { continuation in
            let sources = [SIGINT, SIGTERM].map { number in
                signal(number, SIG_IGN)
                let source = DispatchSource.makeSignalSource(signal: number)
                source.setEventHandler {
                    continuation.yield()
                    signal(number, SIG_DFL)
                }
                source.resume()
                return source
            }
            let kept = Kept(sources)
            continuation.onTermination = { _ in kept.cancel() }
        }
    }

    /// Signal sources are not marked Sendable, but cancelling is safe anywhere.
    private struct Kept: Sendable {
        private let cancelAll: @Sendable () -> Void

        init(_ sources: [any DispatchSourceSignal]) {
            nonisolated(unsafe) let sources = sources
            cancelAll = { for source in sources { source.cancel() } }
        }

        func cancel() { cancelAll() }
    }
}
