import NIOCore
import QUICTransport

/// A byte stream to a server, on which a ``ClientLink`` sends and receives.
protocol LinkTransport: AnyObject {
    /// False while too many written octets are not sent.
    var isWritable: Bool { get }
    /// True stops reading; flow control then stops the server.
    var isReadingPaused: Bool { get set }
    func write(_ bytes: ByteBuffer)
}

/// A transport connection and the byte stream of its control stream. A transport belongs to one ``ClientConnection`` and reports to it:
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

/// A data stream on a transport, which reports to its ``ClientLink``: received, writable, ended, closed.
protocol DataStreamTransport: LinkTransport {
    /// Ends the sending side behind what was written; the peer's end is reported.
    func finish()
    /// Ends both sides with a code. After that only `streamClosed` is reported, when both sides know of the end.
    func abandon(code: UInt64)
    /// Stops all reports to the link.
    func detach()
}
