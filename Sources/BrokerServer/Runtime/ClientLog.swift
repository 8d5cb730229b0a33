import Logging
import MQTTBroker
import MQTTCodec
import NIOCore

/// Writes what happens to clients to the log. Messages and keys are those of EMQX where it has the same event, so that
/// what searches its log finds them here.
struct ClientLog: Sendable {
    private let logger: Logger

    /// Time in which one event of each repetitive kind is written. At its end the number of the others is written.
    static let window = TimeAmount.minutes(1)

    init(_ logger: Logger) { self.logger = logger }

    /// The kinds of events that the logger's level lets through.
    var wanted: ShardEvent.Kinds { .init(ShardEvent.Kind.allCases.filter { $0.level >= logger.logLevel }) }

    /// The kinds of which one event a window is written. At level `debug` every event is written.
    var once: ShardEvent.Kinds {
        logger.logLevel <= .debug ? [] : .init(ShardEvent.Kind.allCases.filter(\.isRepetitive))
    }

    func write(_ events: [ShardEvent]) {
        for event in events { logger.log(level: event.kind.level, event.kind.message, metadata: metadata(of: event)) }
    }

    /// Ends a window.
    ///
    /// - Parameter suppressed: how many events of each kind have not been written in it.
    func write(suppressed: [(kind: ShardEvent.Kind, count: UInt64)]) {
        if suppressed.isEmpty { return }
        var metadata: Logger.Metadata = ["period": "\(Self.window.nanoseconds / 1_000_000_000)s"]
        for (kind, count) in suppressed { metadata["\(kind.message)"] = "\(count)" }
        logger.warning("log_events_throttled_during_last_period", metadata: metadata)
    }

    private func metadata(of event: ShardEvent) -> Logger.Metadata {
        var metadata: Logger.Metadata = [:]
        if let client = event.clientIdentifier { metadata["clientid"] = "\(LogText(client))" }
        if let name = event.userName { metadata["username"] = "\(LogText(name))" }
        if let address = event.address { metadata["peername"] = "\(address.hostAndPort)" }
        if let listener = event.listener { metadata["listener"] = "\(listener)" }
        if let reason = event.detail ?? event.kind.reason(event.reason) { metadata["reason"] = "\(reason)" }
        return metadata
    }
}

extension ShardEvent.Kind {
    fileprivate var level: Logger.Level { isRepetitive ? .warning : .info }

    fileprivate var message: Logger.Message {
        switch self {
        case .connected: "client_connected"
        case .refused: "client_refused"
        case .disconnected: "client_disconnected"
        case .authenticationFailed: "authentication_failure"
        case .malformedPacket: "frame_parse_failed"
        case .sessionTakenOver: "session_taken_over"
        case .messageDroppedQueueFull: "dropped_msg_due_to_mqueue_is_full"
        case .messageDroppedSlowReader: "dropped_qos0_msg"
        case .messagesLost: "queued_msgs_unreadable"
        case .tooManyConnections: "connection_limit_reached"
        case .handshakeFailed: "tls_handshake_failed"
        }
    }

    fileprivate func reason(_ code: ReasonCode?) -> String? {
        switch (self, code) {
        case (.refused, nil): "connect_timeout"
        case (.disconnected, nil): "transport_closed"
        case (.disconnected, .normalDisconnection): "normal"
        case (_, nil): nil
        case (_, .badUserNameOrPassword): "bad_username_or_password"
        case (_, .keepAliveTimeout): "keepalive_timeout"
        case (_, let code?):
            code.name?.lowercased().split { $0 == " " || $0 == "-" }.joined(separator: "_") ?? code.text
        }
    }
}
