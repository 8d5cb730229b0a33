import Logging

/// Hands on the messages that are logged.
struct ForwardingLog: LogHandler {
    let lines: AsyncStream<String>.Continuation
    var logLevel = Logger.Level.info
    var metadata = Logger.Metadata()

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) { lines.yield("\(event.message)") }
}
