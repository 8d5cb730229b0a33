import MQTTBroker
import NIOCore
import QUICTransport

/// A QUIC connection whose control stream, the client's bidirectional stream 0, carries MQTT as a TCP connection would.
final class QUICConnectionHandler {
    /// Let go of with the connection's last word.
    private var quic: QUICConnection?
    private let runner: ShardRunner
    private let admission: Admission
    private let earlyData: Peer.EarlyData
    private var connection: Connection?
    private var control: QUICStream?
    private var isBlocked = false

    /// Application error codes of reference clients (RFC 9000 §20.2).
    private enum ErrorCode {
        static let none: UInt64 = 0
        /// Towards streams beyond the control stream.
        static let streamRefused: UInt64 = 1
    }

    /// Octets that wait for acknowledgement beyond which the peer counts as slow.
    private static let highWaterMark = 262_144

    /// - Parameter earlyData: what of it is acted upon ahead of the handshake's end.
    init(_ quic: QUICConnection, runner: ShardRunner, admission: Admission, earlyData: Peer.EarlyData = .everything) {
        self.quic = quic
        self.runner = runner
        self.admission = admission
        self.earlyData = earlyData
    }

    private func end() {
        guard let connection else { return }
        self.connection = nil
        control = nil
        admission.leave()
        runner.closed(connection)
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
            certificate: connection.peerCertificate.map { .init(subject: $0.subject, commonName: $0.commonName) },
            earlyData: connection.isEarly ? earlyData : nil
        )
    }

    func confirmed(_ connection: QUICConnection) {
        if let connection = self.connection { runner.confirmed(connection) }
    }

    func opened(_ stream: QUICStream) {
        if stream.id == 0, connection != nil {
            control = stream
        } else {
            stream.stopSending(code: ErrorCode.streamRefused)
            stream.reset(code: ErrorCode.streamRefused)
        }
    }

    func received(_ bytes: ByteBuffer, on stream: QUICStream, finished: Bool) {
        guard let connection, stream === control else { return }
        if bytes.readableBytes > 0 { runner.receive(bytes, on: connection) }
        // The control stream's end is the connection's.
        if finished { abandon() }
    }

    func reset(_ stream: QUICStream, code: UInt64) {
        if stream === control { abandon() }
    }

    func stopSending(_ stream: QUICStream, code: UInt64) {
        if stream === control { abandon() }
    }

    func writable(_ stream: QUICStream) {
        guard let connection, stream === control, isBlocked else { return }
        isBlocked = false
        runner.setBlocked(false, connection)
    }

    func closedStream(_ stream: QUICStream) {
        if stream === control { abandon() }
    }

    func remoteAddressChanged(_ quic: QUICConnection) {
        if let connection { runner.addressChanged(connection, to: quic.remoteAddress) }
    }

    func closed(_ connection: QUICConnection, reason: QUICCloseReason) {
        end()
        quic = nil
    }

    private func abandon() {
        end()
        quic?.close(applicationError: ErrorCode.none, reason: "")
    }
}

extension QUICConnectionHandler: ConnectionTransport {
    func write(_ output: Output) {
        guard let control else { return }
        for part in output.parts { control.write(part) }
        if output.buffer.readableBytes > 0 { control.write(output.buffer) }
        if !isBlocked, control.pendingBytes >= Self.highWaterMark, let connection {
            isBlocked = true
            runner.setBlocked(true, connection)
        }
    }

    func close() {
        control?.finish()
        quic?.close(applicationError: ErrorCode.none, reason: "")
        end()
    }

    func setReadingPaused(_ isPaused: Bool) { control?.isReadingPaused = isPaused }
}
