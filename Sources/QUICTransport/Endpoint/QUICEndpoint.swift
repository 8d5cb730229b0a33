internal import DequeModule
internal import Logging
package import NIOCore
import NIOPosix

/// One UDP socket on one event loop and the connections that live on it. All methods must be called on that loop.
package final class QUICEndpoint {
    package let eventLoop: any EventLoop
    package internal(set) var counters = QUICCounters()
    /// Connections that are not closed.
    package internal(set) var connectionCount = 0
    /// Connections whose handshake is not complete.
    package internal(set) var handshakeCount = 0

    /// Decides about new clients (listening endpoints only).
    var acceptor: Acceptor?
    /// What connections to servers share.
    var dialer = Dialer()
    /// Carries datagrams between the endpoints of the port.
    var courier: Courier
    /// Carries datagrams between nodes; `nil` for a node that has no others.
    var relay: RelaySeat?
    /// Sends: connections in turn, and their datagrams.
    var egress: Egress

    let logger: Logger
    let context: EngineContext
    var socket: EndpointSocket?
    /// The address that ngtcp2 is told as local where the socket does not tell it per datagram.
    var canonicalAddress = DatagramAddress()
    let wishedAddress: SocketAddress
    let socketWishes: DatagramSocket.Wishes
    /// Succeeds when the socket is closed; `nil` before `close`.
    private var closePromise: EventLoopPromise<Void>?
    private(set) var isClosed = false
    var isReplacingSocket = false
    /// When a failed socket may be replaced again.
    var nextReplacement = NIODeadline.now()

    var table = ConnectionTable()
    var closedConnections: ClosedConnections
    var deadlines = DeadlineHeap()
    let timer = EndpointTimer()
    var scheduled: (at: UInt64, callback: NIOScheduledCallback)?
    /// True if more timers may be due than were handled at once.
    var hasTimersLeft = false
    var renewal: Scheduled<Void>?

    /// The connection that the datagrams of this read burst are for; its events are told before another's turn.
    var burstConnection: QUICConnection? {
        didSet { self.burstIdentifier = nil }
    }
    /// The identifier by which the last of them came, if that is known.
    var burstIdentifier: QUICConnectionID?
    var isDispatching = false
    /// True while datagrams that have waited are read.
    var isTakingTurn = false
    /// True if what waits has a turn at the end of the loop's tick.
    var isTurnScheduled = false
    var spareEvents: [(connection: QUICConnection, event: EngineEvent)] = []
    var ended: [(connection: QUICConnection, reason: QUICCloseReason)] = []

    /// - Parameter acceptor: `nil` for an endpoint that only connects.
    init(
        acceptor: Acceptor?,
        context: EngineContext,
        courier: Courier,
        wishedAddress: SocketAddress,
        socketWishes: DatagramSocket.Wishes,
        loop: any EventLoop,
        logger: Logger
    ) {
        self.acceptor = acceptor
        self.context = context
        self.courier = courier
        self.egress = Egress(socketWishes.socket)
        self.eventLoop = loop
        self.logger = logger
        self.wishedAddress = wishedAddress
        self.socketWishes = socketWishes
        self.closedConnections = ClosedConnections(
            limit: acceptor?.configuration.maximumClosedConnections ?? Self.maximumClosedClientConnections
        )
    }

    /// Closed connections that an endpoint without a listener's configuration remembers.
    private static let maximumClosedClientConnections = 1_024

    /// Where the socket is bound.
    package var localAddress: SocketAddress { self.socket?.socket.address.socketAddress ?? self.wishedAddress }

    /// Receive buffer that the kernel granted, bytes.
    package var receiveBufferSize: Int { self.socket?.socket.receiveBufferSize ?? 0 }

    /// Datagrams that the kernel has dropped since the endpoint was opened because the receive buffer was full.
    package var datagramsDroppedByKernel: Int { self.dropsOfFormerSockets + (self.socket?.drops ?? 0) }
    var dropsOfFormerSockets = 0

    /// True once `close` was called: no connection begins any more.
    var isClosing: Bool { self.closePromise != nil }

    #if DEBUG || FUZZING
        /// Time that has passed for this endpoint alone, nanoseconds.
        var skew: UInt64 = 0
        var now: UInt64 { self.eventLoop.now.uptimeNanoseconds + self.skew }
        /// Takes the datagrams with their destinations in place of the socket.
        var wire: (([UInt8], DatagramAddress) -> Void)?
    #else
        var now: UInt64 { self.eventLoop.now.uptimeNanoseconds }
    #endif

    var isServer: Bool { self.acceptor != nil }

    func open() -> EventLoopFuture<NIOLoopBound<QUICEndpoint>> {
        let bound = NIOLoopBound(self, eventLoop: self.eventLoop)
        return self.openSocket(on: self.wishedAddress).map { socket in
            let endpoint = bound.value
            endpoint.use(socket.value)
            endpoint.canonicalAddress = socket.value.socket.address
            endpoint.joinGroup()
            socket.value.startReading()
            return bound
        }
    }

    func use(_ socket: EndpointSocket) {
        self.socket = socket
        self.acceptor?.backlog = SocketBacklog(capacity: socket.socket.receiveBufferSize)
    }

    // MARK: Closing

    /// Sends CONNECTION_CLOSE (application code 0) on all connections, then closes the socket. No connection is
    /// accepted any more.
    package func close() -> EventLoopFuture<Void> {
        self.eventLoop.preconditionInEventLoop()
        if let promise = self.closePromise { return promise.futureResult }
        let promise = self.eventLoop.makePromise(of: Void.self)
        self.closePromise = promise
        for connection in self.table.connections {
            connection.close(applicationError: 0, reason: "")
        }
        self.flush()
        return promise.futureResult
    }

    /// Closes the socket when the last connection has ended.
    func finishClosing() {
        guard let promise = self.closePromise, self.connectionCount == 0, !self.isClosed else { return }
        self.isClosed = true
        self.courier.leave()
        self.relay?.leave()
        self.relay = nil
        self.renewal?.cancel()
        self.scheduled?.callback.cancel()
        self.scheduled = nil
        self.timer.endpoint = nil
        guard let channel = self.socket?.channel else { return promise.succeed() }
        self.socket = nil
        channel.close().cascade(to: promise)
    }
}
