package import NIOCore

/// What a connection tells its user, on the event loop, never from within a call of the user's own.
///
/// The connection holds its delegate until `closed` has returned. All calls may write, reset and close.
package protocol QUICConnectionDelegate: AnyObject {
    /// Data may flow. First call of all.
    ///
    /// The handshake is complete, unless `connection.isEarly`: then `confirmed` follows when it is. What a server is told
    /// until then may be a replay by somebody else, though no ClientHello brings it twice (RFC 8446 §8). What a client
    /// writes until then reaches the server in the first round trip; if the server rejects it, it is sent again.
    func established(_ connection: QUICConnection)
    /// The handshake is complete after all; `connection.earlyData` is settled.
    func confirmed(_ connection: QUICConnection)
    /// The server gave a ticket for a later connection (clients that take any).
    func received(_ ticket: QUICSessionTicket, on connection: QUICConnection)
    /// The peer opened a stream.
    func opened(_ stream: QUICStream)
    /// Bytes in order; `finished` with the last of them, which may be none. The slice shares a read buffer: copy what is kept.
    func received(_ bytes: ByteBuffer, on stream: QUICStream, finished: Bool)
    /// The peer abandoned its sending side (RESET_STREAM).
    func reset(_ stream: QUICStream, code: UInt64)
    /// The peer reads no more of what we send (STOP_SENDING); our sending side has been reset with the same code.
    func stopSending(_ stream: QUICStream, code: UInt64)
    /// The stream is congested no more.
    func writable(_ stream: QUICStream)
    /// Both directions have ended; the stream is of no more use.
    func closedStream(_ stream: QUICStream)
    /// `remoteAddress` is another, and validated (RFC 9000 §9).
    func remoteAddressChanged(_ connection: QUICConnection)
    /// Last call of all. Streams are closed without `closedStream`.
    func closed(_ connection: QUICConnection, reason: QUICCloseReason)
}

extension QUICConnectionDelegate {
    package func confirmed(_ connection: QUICConnection) {}
    package func received(_ ticket: QUICSessionTicket, on connection: QUICConnection) {}
}
