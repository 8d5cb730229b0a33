package import Logging

/// A log handler whose level is a shared one, unless a copy of the logger is given a level of its own.
package struct SharedLevelLogHandler: LogHandler {
    private var handler: any LogHandler
    private let shared: LogLevel
    private var own: Logger.Level?

    /// - Parameter handler: writes what is logged.
    package init(_ handler: any LogHandler, _ level: LogLevel) {
        var handler = handler
        handler.logLevel = .trace
        self.handler = handler
        shared = level
    }

    package var logLevel: Logger.Level {
        get { own ?? shared.value }
        set { own = newValue }
    }

    package var metadata: Logger.Metadata {
        get { handler.metadata }
        set { handler.metadata = newValue }
    }

    package var metadataProvider: Logger.MetadataProvider? {
        get { handler.metadataProvider }
        set { handler.metadataProvider = newValue }
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { handler[metadataKey: key] }
        set { handler[metadataKey: key] = newValue }
    }

    package func log(event: LogEvent) { handler.log(event: event) }
}
