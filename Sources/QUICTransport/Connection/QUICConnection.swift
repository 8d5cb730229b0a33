package import NIOCore

/// One QUIC connection. Confined to its endpoint's event loop.
package final class QUICConnection {
    package unowned let endpoint: QUICEndpoint
    /// The last validated address of the peer.
    package private(set) var remoteAddress: SocketAddress
    package private(set) var isEstablished = false
    package private(set) var isClosed = false
    /// The user's own.
    package var context: AnyObject?

    init(endpoint: QUICEndpoint, remoteAddress: SocketAddress) {
        self.endpoint = endpoint
        self.remoteAddress = remoteAddress
    }

    package func openBidirectionalStream() throws(QUICError) -> QUICStream {
        throw QUICError.closed
    }

    /// Sends CONNECTION_CLOSE of type 0x1d after pending stream bytes were offered to the peer once.
    package func close(applicationError code: UInt64, reason: String) {}
}
