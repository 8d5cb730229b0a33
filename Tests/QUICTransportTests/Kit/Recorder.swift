import NIOCore

@testable import QUICTransport

/// Writes down what a connection tells, and answers as told.
final class Recorder: QUICConnectionDelegate {
    var isEstablished = false
    /// Whether it was established ahead of the handshake's end.
    var wasEarly = false
    var confirmedCount = 0
    var tickets: [QUICSessionTicket] = []
    var certificate: QUICPeerCertificate?
    var opened: [QUICStream] = []
    var received: [Int64: ByteBuffer] = [:]
    var receivedCount = 0
    var deliveries = 0
    var finished: Set<Int64> = []
    var resets: [Int64: UInt64] = [:]
    var stops: [Int64: UInt64] = [:]
    var closedStreams: [Int64] = []
    var addresses: [SocketAddress] = []
    var reason: QUICCloseReason?
    var closedCount = 0

    /// Sends everything back.
    var echoes = false
    /// Bytes are counted and not kept.
    var discards = false
    var onOpened: ((QUICStream) -> Void)?
    var onWritable: ((QUICStream) -> Void)?
    var onEstablished: ((QUICConnection) -> Void)?
    var onReceived: ((ByteBuffer, QUICStream) -> Void)?

    init(echoes: Bool = false) {
        self.echoes = echoes
    }

    func text(_ id: Int64) -> String { self.received[id].map { String(buffer: $0) } ?? "" }

    func established(_ connection: QUICConnection) {
        self.isEstablished = true
        self.wasEarly = connection.isEarly
        self.certificate = connection.peerCertificate
        self.onEstablished?(connection)
    }

    func confirmed(_ connection: QUICConnection) { self.confirmedCount += 1 }
    func received(_ ticket: QUICSessionTicket, on connection: QUICConnection) { self.tickets.append(ticket) }

    func opened(_ stream: QUICStream) {
        self.opened.append(stream)
        self.onOpened?(stream)
    }

    func received(_ bytes: ByteBuffer, on stream: QUICStream, finished: Bool) {
        self.receivedCount += bytes.readableBytes
        self.deliveries += 1
        if !self.discards { self.received[stream.id, default: ByteBuffer()].writeImmutableBuffer(bytes) }
        if finished { self.finished.insert(stream.id) }
        if self.echoes {
            stream.write(bytes)
            if finished { stream.finish() }
        }
        self.onReceived?(bytes, stream)
    }

    func reset(_ stream: QUICStream, code: UInt64) { self.resets[stream.id] = code }
    func stopSending(_ stream: QUICStream, code: UInt64) { self.stops[stream.id] = code }
    func writable(_ stream: QUICStream) { self.onWritable?(stream) }
    func closedStream(_ stream: QUICStream) { self.closedStreams.append(stream.id) }
    func remoteAddressChanged(_ connection: QUICConnection) { self.addresses.append(connection.remoteAddress) }

    func closed(_ connection: QUICConnection, reason: QUICCloseReason) {
        self.reason = reason
        self.closedCount += 1
    }
}
