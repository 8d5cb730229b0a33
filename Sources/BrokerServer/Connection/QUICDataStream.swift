import MQTTBroker
import MQTTCodec
import NIOCore
import QUICTransport

/// A data stream: a bidirectional stream of a client's QUIC connection beside the control stream. A data stream can end alone, and ends
/// with its connection.
final class QUICDataStream {
    private unowned let owner: QUICConnectionHandler
    private let runner: ShardRunner
    private let stream: QUICStream
    /// `nil` once the stream has ended for MQTT. QUIC may still send or acknowledge octets of it.
    private(set) var connection: Connection?
    private var hasPeerFinished = false

    init(_ stream: QUICStream, of owner: QUICConnectionHandler, runner: ShardRunner) {
        self.owner = owner
        self.runner = runner
        self.stream = stream
    }

    /// Returns false if the client's connection has ended already.
    func open(beside control: Connection) -> Bool {
        connection = runner.openStream(self, of: control)
        if connection == nil { return false }
        stream.context = self
        return true
    }

    func received(_ bytes: ByteBuffer, finished: Bool) {
        guard let connection else { return }
        if bytes.readableBytes > 0 { runner.receive(bytes, on: connection) }
        guard finished else { return }
        hasPeerFinished = true
        runner.finished(connection)
    }

    /// The peer has sent RESET_STREAM or STOP_SENDING: both directions end with the same error code.
    func abandoned(code: UInt64) {
        stream.reset(code: code)
        stream.stopSending(code: code)
        end()
    }

    func writable() {
        if let connection { runner.setBlocked(false, connection) }
    }

    /// Ends the stream for MQTT.
    func end() {
        guard let connection else { return }
        self.connection = nil
        stream.context = nil
        owner.forget(self)
        runner.closed(connection)
    }
}

extension QUICDataStream: ConnectionTransport {
    func write(_ output: Output) {
        guard stream.write(output), let connection else { return }
        runner.setBlocked(true, connection)
    }

    /// An error ends both directions with its reason code. Otherwise the end of the broker's direction (FIN) follows what was
    /// written in a packet of its own: some clients drop octets that arrive in one packet with it.
    func close(_ reason: ReasonCode?) {
        let code = UInt64(reason?.rawValue ?? 0)
        if reason?.isError == true {
            stream.reset(code: code)
        } else {
            runner.eventLoop.assumeIsolated().execute { [stream] in stream.finish() }
        }
        if !hasPeerFinished { stream.stopSending(code: code) }
        end()
    }

    func setReadingPaused(_ isPaused: Bool) { stream.isReadingPaused = isPaused }
}
