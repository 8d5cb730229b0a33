internal import NIOCore

/// An event that the engine recorded while it read, wrote or handled its timers. The connection handles it afterwards.
enum EngineEvent {
    /// A client may write early data.
    case begun
    case handshakeCompleted
    /// A client received a session ticket: the TLS library's form of it, and its lifetime in seconds.
    case ticket([UInt8], lifetime: Int64, allowsEarlyData: Bool)
    case opened(QUICStream)
    /// Stream bytes, or the end of a stream, arrived; `EngineContext.received` returns them.
    case received(QUICStream, run: Int)
    case acknowledged(QUICStream)
    case reset(QUICStream, code: UInt64)
    case stopSending(QUICStream, code: UInt64)
    /// The peer allows more bytes on the stream.
    case credited(QUICStream)
    case closedStream(QUICStream)
    case issued(QUICConnectionID)
    case retired(QUICConnectionID)
    /// The token of a stateless reset that would end the connection (clients only).
    case resetTokenActivated(StatelessResetToken)
    case resetTokenRetired(StatelessResetToken)
    /// The peer is at the address: its path validation has succeeded (RFC 9000 §8.2).
    case pathValidated(remote: DatagramAddress)
    /// A path validation has failed, and the connection is back on the path before (RFC 9000 §9.3.2).
    case pathValidationFailed
    /// The client has another IP address, for which it should get a token (servers only).
    case tokenDue
    /// The server gave a token for the next connection (clients only).
    case newToken([UInt8])
}

/// The token at the end of a stateless reset, by which a client recognizes one (RFC 9000 §10.3).
struct StatelessResetToken: Hashable {
    static let count = 16

    private let high: UInt64
    private let low: UInt64

    init(_ bytes: UnsafeRawBufferPointer) {
        unsafe self.high = bytes.loadUnaligned(as: UInt64.self)
        unsafe self.low = bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
    }
}
