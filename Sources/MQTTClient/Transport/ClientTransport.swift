import NIOCore
import QUICTransport

/// A byte stream to a server: what a ``ClientLink`` writes to.
protocol LinkTransport: AnyObject {
    /// False while more is written than the peer takes.
    var isWritable: Bool { get }
    /// True leaves octets to the peer.
    var isReadingPaused: Bool { get set }
    func write(_ bytes: ByteBuffer)
}

/// A connection below MQTT; its own byte stream is the control stream's. It belongs to one ``ClientConnection`` and reports to it:
/// opened, received, writable, closed.
protocol ClientTransport: LinkTransport {
    func open()
    /// Moves to another local address. Fails with ``ClientError/cannotMigrate`` where the transport cannot.
    func migrate(to local: SocketAddress, _ migration: QUICEndpoint.Migration) -> EventLoopFuture<Void>
    /// Opens a stream beside the control stream.
    ///
    /// - Throws: ``ClientError/streamsNotSupported``, ``ClientError/streamLimitReached``, ``ClientError/notConnected``.
    func openStream(_ link: ClientLink, priority: UInt16) throws(ClientError) -> any DataStreamTransport
    /// Ends the transport once everything written is sent; nothing is reported any more.
    ///
    /// - Parameter lastWords: what the server is to read last, after all that went over data streams.
    func close(_ lastWords: ClientOutput)
}

/// A data stream on a transport. It reports to its ``ClientLink``: received, writable, ended, closed.
protocol DataStreamTransport: LinkTransport {
    /// Ends the sending side behind what was written; the peer's end is reported.
    func finish()
    /// Ends both sides; nothing is reported any more but that both know of it (`streamClosed`).
    func abandon(code: UInt64)
    /// Ends the reports.
    func detach()
}
