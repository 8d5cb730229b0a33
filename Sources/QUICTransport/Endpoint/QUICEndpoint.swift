package import Logging
package import NIOCore
import NIOPosix

/// One UDP socket on one event loop and the connections that live on it. All methods must be called on that loop.
package final class QUICEndpoint {
    package let eventLoop: any EventLoop
    package private(set) var localAddress: SocketAddress
    package private(set) var counters = QUICCounters()
    /// What the kernel granted of `QUICServerConfiguration.receiveBufferSize`.
    package private(set) var receiveBufferSize = 0
    /// Connections that are not closed.
    package var connectionCount: Int { 0 }

    init(eventLoop: any EventLoop, localAddress: SocketAddress) {
        self.eventLoop = eventLoop
        self.localAddress = localAddress
    }

    /// Opens a listening endpoint.
    ///
    /// - Parameters:
    ///   - sharesPort: several endpoints of this process, one per loop, hold the same port (SO_REUSEPORT). The first
    ///     of them proves that nobody else has it.
    ///   - accept: called on the loop when a handshake is complete, just before `established`; `nil` refuses.
    /// - Throws: in the future, `QUICError.portInUse`, `.certificate`, `.socket`, `.configuration`.
    package static func listen(
        on address: SocketAddress,
        configuration: QUICServerConfiguration,
        loop: any EventLoop,
        sharesPort: Bool,
        logger: Logger,
        accept: @escaping (QUICConnection) -> (any QUICConnectionDelegate)?
    ) -> EventLoopFuture<NIOLoopBound<QUICEndpoint>> {
        loop.makeFailedFuture(QUICError.closed)
    }

    /// Opens an endpoint for client connections, of which it carries any number.
    ///
    /// - Parameter localAddress: `nil` for any address of both families and a port of the system's choice.
    package static func client(
        localAddress: SocketAddress?,
        loop: any EventLoop,
        logger: Logger
    ) -> EventLoopFuture<NIOLoopBound<QUICEndpoint>> {
        loop.makeFailedFuture(QUICError.closed)
    }

    /// Starts a handshake; its end is told to the delegate by `established` or `closed`.
    package func connect(
        to address: SocketAddress,
        configuration: QUICClientConfiguration,
        delegate: any QUICConnectionDelegate
    ) throws(QUICError) -> QUICConnection {
        throw QUICError.closed
    }

    /// Writes out everything pending of all connections that have something to send. A write schedules one by itself
    /// for the end of the current tick.
    package func flush() {}

    /// Says CONNECTION_CLOSE (application code 0) on all connections, then closes the socket.
    package func close() -> EventLoopFuture<Void> { self.eventLoop.makeSucceededVoidFuture() }
}
