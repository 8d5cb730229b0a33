import Logging
import NIOConcurrencyHelpers

/// Keeps what is logged by its loggers, for tests to look at.
final class LogRecorder: Sendable {
    private let recorded = NIOLockedValueBox<[Line]>([])

    struct Line: Sendable {
        let level: Logger.Level
        let message: String
        let metadata: Logger.Metadata
    }

    var lines: [Line] { recorded.withLockedValue { $0 } }

    func logger(level: Logger.Level = .trace) -> Logger {
        var logger = Logger(label: "test") { _ in self.handler }
        logger.logLevel = level
        return logger
    }

    var handler: any LogHandler { Handler(recorder: self) }

    private struct Handler: LogHandler {
        let recorder: LogRecorder
        var logLevel = Logger.Level.trace
        var metadata = Logger.Metadata()

        init(recorder: LogRecorder) { self.recorder = recorder }

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let line = Line(
                level: event.level,
                message: "\(event.message)",
                metadata: metadata.merging(event.metadata ?? [:]) { $1 }
            )
            recorder.recorded.withLockedValue { $0.append(line) }
        }
    }
}
