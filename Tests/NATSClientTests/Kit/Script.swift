import NATSClient
import NIOCore
import Testing

/// A connection and the server that it talks to, both in the hands of a test.
struct Script {
    var connection: NATSConnection
    var now = NIODeadline.uptimeNanoseconds(1_000_000_000)
    private var heard = ByteBuffer()

    static let info = #"{"server_id":"ID","server_name":"nats-0","version":"2.15.1","headers":true,"max_payload":1024}"#

    init(_ change: (inout ConnectionConfiguration) -> Void = { _ in }) {
        var configuration = ConnectionConfiguration(name: "test")
        change(&configuration)
        connection = NATSConnection(configuration, inbox: "inbox")
    }

    mutating func say(_ text: String) { connection.receive(ByteBuffer(string: text), now) }

    mutating func wait(_ time: TimeAmount) {
        now = now + time
        connection.advance(now)
    }

    /// What the connection has written since the last call.
    mutating func written() -> String { connection.takeOutput().map { String(buffer: $0) }.joined() }

    /// What the connection wanted since the last call, in words.
    mutating func effects() -> [String] {
        connection.takeEffects().map { effect in
            switch effect {
            case .startTLS: "TLS"
            case .ready(let info): "ready \(info.name)"
            case .informed(let info): "informed \(info.connectURLs ?? [])"
            case .lameDuck: "lame duck"
            case .message(_, let publication): "message \(String(buffer: publication.payload))"
            case .answered(_, .answer(let publication)): "answer \(String(buffer: publication.payload))"
            case .answered(_, .noResponders): "no responders"
            case .answered(_, .timedOut): "timed out"
            case .answered(_, .disconnected): "disconnected"
            case .complained(let text): "complained \(text)"
            case .closed(let failure): "closed: \(failure)"
            }
        }
    }

    /// Goes through the handshake, and forgets what was written and wanted.
    mutating func connect(info: String = Script.info) {
        connection.opened(now)
        say("INFO \(info)\r\n")
        say("PONG\r\n")
        _ = written()
        _ = effects()
    }
}
