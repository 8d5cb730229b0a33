package import NIOCore

/// One stream of a connection. Confined to the connection's event loop.
package final class QUICStream {
    package let id: Int64
    package unowned let connection: QUICConnection
    /// The user's own.
    package var context: AnyObject?
    /// Bytes accepted by `write` and not yet acknowledged by the peer.
    package private(set) var pendingBytes = 0
    /// While true, received bytes are not credited to the peer, so that flow control holds it.
    package var isReadingPaused = false

    init(id: Int64, connection: QUICConnection) {
        self.id = id
        self.connection = connection
    }

    /// Appends bytes to what is sent. Sent with the next flush.
    package func write(_ bytes: ByteBuffer) {}
    /// Ends the sending side after what was written.
    package func finish() {}
    /// Abandons the sending side (RESET_STREAM); unsent bytes are gone.
    package func reset(code: UInt64) {}
    /// Asks the peer to send no more (STOP_SENDING); what still arrives is ignored.
    package func stopSending(code: UInt64) {}
}
