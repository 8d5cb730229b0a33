import Logging
package import NIOCore
import QUICTransport

/// The state that the connections of one event loop share: the flush at the end of a tick, and their UDP sockets.
///
/// Confined to its event loop.
package final class ClientLoop {
    package let eventLoop: any EventLoop
    private var dirty: [ClientLink] = []
    private var isFlushScheduled = false
    /// One UDP socket for each local address; without a local address one for IPv4 and one for IPv6.
    private var endpoints: [SocketAddress: EventLoopFuture<NIOLoopBound<QUICEndpoint>>] = [:]
    private var closing = 0
    private var closed: EventLoopPromise<Void>?

    package init(eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    /// Has a link flushed at the end of this tick of the event loop, with all others that have something to send.
    func schedule(_ link: ClientLink) {
        dirty.append(link)
        guard !isFlushScheduled else { return }
        isFlushScheduled = true
        eventLoop.assumeIsolated().execute { self.flush() }
    }

    private func flush() {
        isFlushScheduled = false
        // Flushing may make links dirty again: these are flushed in the next tick.
        var batch: [ClientLink] = []
        swap(&batch, &dirty)
        for link in batch { link.flush() }
        if dirty.isEmpty {
            batch.removeAll(keepingCapacity: true)
            swap(&batch, &dirty)
        }
    }

    // MARK: QUIC

    /// The UDP socket for connections from a local address, opened at its first use.
    func endpoint(localAddress: SocketAddress) -> EventLoopFuture<NIOLoopBound<QUICEndpoint>> {
        if let endpoint = endpoints[localAddress] { return endpoint }
        let endpoint = open(localAddress, QUICSocketConfiguration())
        endpoints[localAddress] = endpoint
        // A later connection tries again: there may be a free descriptor then.
        endpoint.assumeIsolated().whenFailure { _ in self.endpoints[localAddress] = nil }
        return endpoint
    }

    /// A UDP socket for one connection alone, which closes it.
    func makeEndpoint(localAddress: SocketAddress) -> EventLoopFuture<NIOLoopBound<QUICEndpoint>> {
        // There may be thousands of sockets, and each has a buffer for the datagrams of one read.
        var socket = QUICSocketConfiguration()
        socket.messagesPerCall = 1
        return open(localAddress, socket)
    }

    private func open(
        _ localAddress: SocketAddress,
        _ socket: QUICSocketConfiguration
    ) -> EventLoopFuture<NIOLoopBound<QUICEndpoint>> {
        let logger = Logger(label: "martlet.client")
        return QUICEndpoint.client(localAddress: localAddress, loop: eventLoop, logger: logger, socket: socket)
    }

    // MARK: Closing

    func transportClosing() { closing += 1 }

    func transportClosed() {
        closing -= 1
        if closing == 0 { closed?.succeed() }
    }

    /// Waits until closed connections have sent what was written, at most for their close timeout, and closes the sockets.
    ///
    /// The owner closes the connections first.
    package func shutdown() -> EventLoopFuture<Void> {
        let closed = eventLoop.makePromise(of: Void.self)
        self.closed = closed
        // Connections that were closed in this tick are flushed at its end.
        eventLoop.assumeIsolated().execute { if self.closing == 0 { closed.succeed() } }
        return closed.futureResult.assumeIsolated().flatMap {
            let sockets = self.endpoints.values.map { endpoint in
                endpoint.flatMap { $0.value.close() }.recover { _ in }
            }
            self.endpoints = [:]
            return EventLoopFuture.andAllComplete(sockets, on: self.eventLoop)
        }.nonisolated()
    }
}
