import MQTTBroker
import MQTTCodec
import NIOCore
import QUICTransport

/// A QUIC connection as the transport of an MQTT connection. The control stream is the client's bidirectional stream 0 and
/// carries MQTT as a TCP connection does; the client's other bidirectional streams are data streams.
final class QUICConnectionHandler {
    /// `nil` once the QUIC connection is closed.
    private var quic: QUICConnection?
    private let runner: ShardRunner
    private let admission: Admission
    private let earlyData: Peer.EarlyData
    /// `nil` before the handshake, and once the MQTT connection has ended.
    private var connection: Connection?
    private var control: QUICStream?
    private var streams: [QUICDataStream] = []

    /// Application error codes of CONNECTION_CLOSE (RFC 9000 §20.2), as EMQX's clients know them. Error codes of streams are
    /// reason codes of MQTT.
    private enum ErrorCode {
        /// A DISCONNECT of either side has told the reason.
        static let none: UInt64 = 0
        /// The control stream ended without DISCONNECT.
        static let controlStreamDown: UInt64 = 1
        /// The broker refuses clients for now.
        static let overloaded: UInt64 = 2
    }

    /// - Parameter earlyData: how much of a client's early data is acted upon before the handshake is complete.
    init(_ quic: QUICConnection, runner: ShardRunner, admission: Admission, earlyData: Peer.EarlyData = .everything) {
        self.quic = quic
        self.runner = runner
        self.admission = admission
        self.earlyData = earlyData
    }

    /// Removes a data stream that has ended.
    func forget(_ stream: QUICDataStream) {
        if let index = streams.firstIndex(where: { $0 === stream }) { streams.remove(at: index) }
    }

    /// Ends the MQTT connection and its data streams.
    private func end() {
        guard let connection else { return }
        self.connection = nil
        control = nil
        admission.leave()
        runner.closed(connection)
        for stream in streams { stream.end() }
    }

    /// The control stream has ended, and with it the connection.
    private func abandon() {
        // A connection that is being closed keeps the reason that it is closed for.
        guard let connection, !connection.isClosed else { return }
        end()
        quic?.close(applicationError: ErrorCode.controlStreamDown, reason: "")
    }
}

extension QUICConnectionHandler: QUICConnectionDelegate {
    /// Starts the time to CONNECT [MQTT-3.1.4-2], whether or not the client ever opens its control stream.
    func established(_ connection: QUICConnection) {
        self.connection = runner.accept(self, from: peer(of: connection))
    }

    private func peer(of connection: QUICConnection) -> Peer {
        Peer(
            address: connection.remoteAddress,
            listener: admission.listener,
            certificate: connection.peerCertificate.map(Peer.Certificate.init),
            earlyData: connection.isEarly ? earlyData : nil
        )
    }

    func confirmed(_ connection: QUICConnection) {
        if let connection = self.connection { runner.confirmed(connection) }
    }

    func opened(_ stream: QUICStream) {
        guard let connection, stream.isBidirectional else {
            // The broker cannot send on a unidirectional stream of the client.
            stream.stopSending(code: UInt64(ReasonCode.protocolError.rawValue))
            return
        }
        if stream.id == 0 {
            control = stream
            return
        }
        let data = QUICDataStream(stream, of: self, runner: runner)
        if data.open(beside: connection) { streams.append(data) }
    }

    func received(_ bytes: ByteBuffer, on stream: QUICStream, finished: Bool) {
        if let data = stream.context as? QUICDataStream {
            data.received(bytes, finished: finished)
            return
        }
        guard let connection, stream === control else { return }
        if bytes.readableBytes > 0 { runner.receive(bytes, on: connection) }
        if finished { runner.finished(connection) }
    }

    func reset(_ stream: QUICStream, code: UInt64) { abandoned(stream, code: code) }

    func stopSending(_ stream: QUICStream, code: UInt64) { abandoned(stream, code: code) }

    private func abandoned(_ stream: QUICStream, code: UInt64) {
        if let data = stream.context as? QUICDataStream {
            data.abandoned(code: code)
        } else if stream === control {
            abandon()
        }
    }

    func writable(_ stream: QUICStream) {
        if let data = stream.context as? QUICDataStream {
            data.writable()
        } else if let connection, stream === control {
            runner.setBlocked(false, connection)
        }
    }

    func closedStream(_ stream: QUICStream) {
        if let data = stream.context as? QUICDataStream {
            data.end()
        } else if stream === control {
            abandon()
        }
    }

    func remoteAddressChanged(_ quic: QUICConnection) {
        if let connection { runner.addressChanged(connection, to: quic.remoteAddress) }
    }

    func closed(_ connection: QUICConnection, reason: QUICCloseReason) {
        end()
        quic = nil
    }
}

extension QUICConnectionHandler: ConnectionTransport {
    func write(_ output: Output) {
        guard control?.write(output) == true, let connection else { return }
        runner.setBlocked(true, connection)
    }

    /// Closes the connection and does not end the control stream first: some clients drop octets that arrive in one packet with
    /// the end of their stream.
    func close(_ reason: ReasonCode?) {
        let code =
            switch reason {
            case nil: ErrorCode.controlStreamDown
            case .serverBusy?, .serverUnavailable?, .quotaExceeded?: ErrorCode.overloaded
            case _?: ErrorCode.none
            }
        if let reason, reason.isError { control?.stopSending(code: UInt64(reason.rawValue)) }
        quic?.close(applicationError: code, reason: "")
        end()
    }

    func setReadingPaused(_ isPaused: Bool) { control?.isReadingPaused = isPaused }
}
