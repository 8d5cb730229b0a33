import MQTTBroker
import MQTTCodec
import NIOCore
import QUICTransport

/// A client's bidirectional stream beyond the control stream. It ends by itself, and with its connection.
final class QUICDataStream {
    private unowned let owner: QUICConnectionHandler
    private let runner: ShardRunner
    private let stream: QUICStream
    /// `nil` once the stream is over for MQTT, though QUIC may still be busy with it.
    private(set) var connection: Connection?
    private var hasPeerFinished = false

    init(_ stream: QUICStream, of owner: QUICConnectionHandler, runner: ShardRunner) {
        self.owner = owner
        self.runner = runner
        self.stream = stream
    }

    /// Returns false where the client's connection has ended already.
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

    /// The peer has abandoned its side, or will not read ours: the other half ends with the same code.
    func abandoned(code: UInt64) {
        stream.reset(code: code)
        stream.stopSending(code: code)
        end()
    }

    func writable() {
        if let connection { runner.setBlocked(false, connection) }
    }

    /// Parts the stream from its shard; QUIC does the rest.
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

    /// A failure is told by the codes of both halves. Otherwise the end of ours follows what was written, in a packet of
    /// its own: there are clients that let go of what comes with it.
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
