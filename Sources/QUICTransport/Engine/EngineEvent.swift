internal import NIOCore

/// What the engine noticed while it read, wrote or minded its timers; acted upon after the call has returned.
enum EngineEvent {
    /// A client may write early data.
    case begun
    case handshakeCompleted
    /// A client was sent a ticket: the TLS library's form of it, seconds that it is good for.
    case ticket([UInt8], lifetime: Int64, allowsEarlyData: Bool)
    case opened(QUICStream)
    /// Bytes, or the end of the stream: `EngineContext.received` has them.
    case received(QUICStream, run: Int)
    case acknowledged(QUICStream)
    case reset(QUICStream, code: UInt64)
    case stopSending(QUICStream, code: UInt64)
    /// The peer credits more bytes on the stream.
    case credited(QUICStream)
    case closedStream(QUICStream)
    case issued(QUICConnectionID)
    case retired(QUICConnectionID)
    /// A stateless reset with this token would end the connection (clients only).
    case resetTokenActivated(StatelessResetToken)
    case resetTokenRetired(StatelessResetToken)
    /// The peer has proved that it is at the address (RFC 9000 §8.2).
    case pathValidated(remote: DatagramAddress)
    /// The peer has not, and the connection is back on the path before (RFC 9000 §9.3.2).
    case pathValidationFailed
    /// The client is at another IP address, which a token would spare it to prove again (servers only).
    case tokenDue
    /// For the next connection to the server (clients only).
    case newToken([UInt8])
}

struct StatelessResetToken: Hashable {
    static let count = 16

    private let high: UInt64
    private let low: UInt64

    init(_ bytes: UnsafeRawBufferPointer) {
        unsafe self.high = bytes.loadUnaligned(as: UInt64.self)
        unsafe self.low = bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
    }
}
