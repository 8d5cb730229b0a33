import MQTTBroker
import MQTTCodec
import NIOCore
import QUICTransport

/// A QUIC connection whose control stream, the client's bidirectional stream 0, carries MQTT as a TCP connection would,
/// and whose further bidirectional streams are data streams beside it.
final class QUICConnectionHandler {
    /// Let go of with the connection's last word.
    private var quic: QUICConnection?
    private let runner: ShardRunner
    private let admission: Admission
    private let earlyData: Peer.EarlyData
    private var connection: Connection?
    private var control: QUICStream?
    private var streams: [QUICDataStream] = []

    /// Application error codes of reference clients (RFC 9000 §20.2). Those of streams are reason codes of MQTT.
    private enum ErrorCode {
        /// DISCONNECT of either side has said all.
        static let none: UInt64 = 0
        /// The control stream ended without it.
        static let controlStreamDown: UInt64 = 1
        static let overloaded: UInt64 = 2
    }

    /// - Parameter earlyData: what of it is acted upon ahead of the handshake's end.
    init(_ quic: QUICConnection, runner: ShardRunner, admission: Admission, earlyData: Peer.EarlyData = .everything) {
        self.quic = quic
        self.runner = runner
        self.admission = admission
        self.earlyData = earlyData
    }

    func forget(_ stream: QUICDataStream) {
        if let index = streams.firstIndex(where: { $0 === stream }) { streams.remove(at: index) }
    }

    private func end() {
        guard let connection else { return }
        self.connection = nil
        control = nil
        admission.leave()
        runner.closed(connection)
        for stream in streams { stream.end() }
    }

    /// The control stream is over, and so is the connection.
    private func abandon() {
        // Its end may be under way, for a better reason.
        guard let connection, !connection.isClosed else { return }
        end()
        quic?.close(applicationError: ErrorCode.controlStreamDown, reason: "")
    }
}

extension QUICConnectionHandler: QUICConnectionDelegate {
    /// The time to CONNECT runs from here, whether or not the client ever opens its control stream.
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
            // Nothing could be answered there.
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

    /// Nothing is put behind the last packet on its stream: there are clients that let go of what comes with the end.
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
