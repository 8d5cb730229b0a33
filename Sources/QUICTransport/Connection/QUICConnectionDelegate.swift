package import NIOCore

/// The user of a connection, which the connection calls on its event loop.
///
/// No method is called from within a call of the user to the connection. The connection holds its delegate until `closed`
/// has returned. All methods may write to, reset and close streams and connections.
package protocol QUICConnectionDelegate: AnyObject {
    /// Data may flow. This is the first call.
    ///
    /// The handshake is complete unless `connection.isEarly` is true; then `confirmed` follows when the handshake is
    /// complete. What a server receives before `confirmed` may be a replay, though the same ClientHello is never accepted
    /// twice (RFC 8446 §8). What a client writes before `confirmed` reaches the server in the first round trip; rejected
    /// early data is sent again.
    func established(_ connection: QUICConnection)
    /// The handshake of an early connection is complete, and `connection.earlyData` is final.
    func confirmed(_ connection: QUICConnection)
    /// The server has sent a session ticket (clients with `takesTickets`).
    func received(_ ticket: QUICSessionTicket, on connection: QUICConnection)
    /// The peer opened a stream.
    func opened(_ stream: QUICStream)
    /// Stream bytes have arrived, in order. `finished` is true with the last of them, which may be none. The slice shares
    /// the read buffer: copy what is kept.
    func received(_ bytes: ByteBuffer, on stream: QUICStream, finished: Bool)
    /// The peer has abandoned its sending side (RESET_STREAM).
    func reset(_ stream: QUICStream, code: UInt64)
    /// The peer reads no more of the stream (STOP_SENDING); the sending side here has been reset with the same code.
    func stopSending(_ stream: QUICStream, code: UInt64)
    /// The stream takes more bytes again: it is no longer congested.
    func writable(_ stream: QUICStream)
    /// Both directions of the stream have ended.
    func closedStream(_ stream: QUICStream)
    /// The peer has another address, which is validated (RFC 9000 §9).
    func remoteAddressChanged(_ connection: QUICConnection)
    /// The connection has ended. This is the last call; streams are closed without `closedStream`.
    func closed(_ connection: QUICConnection, reason: QUICCloseReason)
}

extension QUICConnectionDelegate {
    package func confirmed(_ connection: QUICConnection) {}
    package func received(_ ticket: QUICSessionTicket, on connection: QUICConnection) {}
}
