internal import DequeModule
package import Logging
package import NIOCore
import NIOPosix

/// One UDP socket on one event loop and the connections that live on it. All methods must be called on that loop.
package final class QUICEndpoint {
    enum Role {
        case server(QUICServerConfiguration, ServerProtection, (QUICConnection) -> (any QUICConnectionDelegate)?)
        case client
    }

    package let eventLoop: any EventLoop
    package internal(set) var counters = QUICCounters()
    /// Connections that are not closed.
    package internal(set) var connectionCount = 0
    /// Those of them whose handshake is not complete.
    package internal(set) var handshakeCount = 0

    private(set) var role: Role
    let admit: () -> QUICAdmission
    let logger: Logger
    let context: EngineContext
    var socket: EndpointSocket?
    /// What ngtcp2 is told as our address where the socket does not tell it per datagram.
    var canonicalAddress: DatagramAddress
    let wishedAddress: SocketAddress
    let socketWishes: DatagramSocket.Wishes
    /// Fulfilled when `close` has done its work.
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
    private var renewal: Scheduled<Void>?
    var statelessBucket: TokenBucket
    /// Retry packets have an allowance of their own: they are many where stateless answers are few.
    var retryBucket: TokenBucket
    /// Makes and judges address tokens (servers only).
    var tokens: AddressTokens?
    /// Tokens that servers gave us for the next connection to them (clients only).
    var serverTokens = ServerTokens()

    /// Those that share the port, this one by its number among them.
    let group: QUICEndpointGroup
    let worker: Int
    /// Where they leave what is for this one, while it is one of them.
    var inbox: StrayInbox?
    var inboxes: [StrayInbox?] = []
    /// By worker: what this read burst brought for others.
    var strays: [StrayBatch] = []
    var hasStrays = false

    var clientTLS: TLSClientContext?

    let batch: TransmitBatch
    var dirty: [QUICConnection] = []
    /// Those of the flush under way; between flushes empty, but for its memory.
    var flushing: [QUICConnection] = []
    var flushIsScheduled = false
    var isFlushing = false
    /// The kernel took no more; until then nothing new is written.
    var blockedUntil: UInt64?

    /// The connection that the datagrams of this read burst are for; its events are told when another's turn comes.
    var burstConnection: QUICConnection? {
        didSet { self.burstIdentifier = nil }
    }
    /// By which identifier the last of them came, if that is known.
    var burstIdentifier: QUICConnectionID?
    var isDispatching = false
    var spareEvents: [(connection: QUICConnection, event: EngineEvent)] = []
    var ended: [(connection: QUICConnection, reason: QUICCloseReason)] = []

    init(
        role: Role,
        admit: @escaping () -> QUICAdmission = { .accept },
        wishedAddress: SocketAddress,
        socketWishes: DatagramSocket.Wishes,
        group: QUICEndpointGroup = QUICEndpointGroup(count: 1),
        worker: Int = 0,
        identifiers: (any QUICConnectionIDGenerator)? = nil,
        loop: any EventLoop,
        logger: Logger
    ) throws(QUICError) {
        self.role = role
        self.admit = admit
        self.group = group
        self.worker = worker
        self.eventLoop = loop
        self.logger = logger
        self.wishedAddress = wishedAddress
        self.socketWishes = socketWishes
        self.canonicalAddress = DatagramAddress()
        self.batch = TransmitBatch(socketWishes.socket)
        let now = loop.now.uptimeNanoseconds
        switch role {
        case .server(let configuration, _, _):
            let ring = KeyRing(
                secret: configuration.staticSecret,
                rotation: configuration.identifiers.rotation,
                others: configuration.identifiers.otherSecrets
            )
            let routable = try RoutableConnectionIDGenerator(
                configuration.identifiers,
                ring: ring,
                worker: worker,
                of: group.count
            )
            self.context = EngineContext(identifiers: identifiers ?? routable, keys: ring)
            self.tokens = AddressTokens(configuration.retry, keys: ring.issuing)
            self.closedConnections = ClosedConnections(limit: configuration.maximumClosedConnections)
            self.statelessBucket = TokenBucket(
                burst: configuration.statelessPacketsPerSecond,
                interval: 1_000_000_000 / UInt64(max(1, configuration.statelessPacketsPerSecond)),
                now: now
            )
            self.retryBucket = TokenBucket(
                burst: configuration.retry.retriesPerSecond,
                interval: 1_000_000_000 / UInt64(max(1, configuration.retry.retriesPerSecond)),
                now: now
            )
        case .client:
            self.context = EngineContext(
                identifiers: identifiers ?? RandomConnectionIDGenerator(),
                keys: KeyRing(secret: RandomBytes.make(32))
            )
            self.tokens = nil
            self.closedConnections = ClosedConnections(limit: 1_024)
            self.statelessBucket = TokenBucket(burst: 0, interval: .max, now: now)
            self.retryBucket = self.statelessBucket
        }
    }

    /// Shows another certificate to new connections, and trusts other authorities; those that stand go on.
    ///
    /// - Throws: as `listen`; then nothing has changed.
    package func replaceCertificates(_ configuration: QUICServerConfiguration) throws(QUICError) {
        guard case .server(let old, .tls(let context), let accept) = self.role else { return }
        var new = old
        new.certificateChain = configuration.certificateChain
        new.privateKey = configuration.privateKey
        new.privateKeyPassword = configuration.privateKeyPassword
        if old.clientAuthorities != nil { new.clientAuthorities = configuration.clientAuthorities }
        let made = try TLSServerContext(new, keyLog: context.keyLog, earlyData: context.earlyData)
        self.role = .server(new, .tls(made), accept)
    }

    /// Where the socket is bound.
    package var localAddress: SocketAddress { self.socket?.socket.address.socketAddress ?? self.wishedAddress }

    /// What the kernel granted of the receive buffer that was asked for, bytes.
    package var receiveBufferSize: Int { self.socket?.socket.receiveBufferSize ?? 0 }

    /// Datagrams that the kernel has dropped since the endpoint was opened because the receive buffer was full.
    package var datagramsDroppedByKernel: Int { self.dropsOfFormerSockets + (self.socket?.drops ?? 0) }
    var dropsOfFormerSockets = 0

    /// Whether nothing new is to be begun.
    var isClosing: Bool { self.closePromise != nil }

    #if DEBUG || FUZZING
        /// Time that has passed for this endpoint alone, nanoseconds.
        var skew: UInt64 = 0
        var now: UInt64 { self.eventLoop.now.uptimeNanoseconds + self.skew }
    #else
        var now: UInt64 { self.eventLoop.now.uptimeNanoseconds }
    #endif

    var isServer: Bool {
        if case .server = self.role { true } else { false }
    }

    // MARK: Opening

    /// Opens a listening endpoint.
    ///
    /// - Parameters:
    ///   - group: the endpoints of this process that hold the port, one per loop (SO_REUSEPORT). The first of them
    ///     proves that nobody else has it.
    ///   - worker: number of this one among them.
    ///   - identifiers: makes our connection identifiers; by default as the configuration says.
    ///   - admit: asked on the loop about the first packet of a new client, before anything is spent on it.
    ///   - accept: called on the loop when a handshake is complete, just before `established`; `nil` refuses.
    /// - Throws: in the future, `QUICError.portInUse`, `.certificate`, `.socket`, `.configuration`.
    package static func listen(
        on address: SocketAddress,
        configuration: QUICServerConfiguration,
        loop: any EventLoop,
        group: QUICEndpointGroup = QUICEndpointGroup(count: 1),
        worker: Int = 0,
        logger: Logger,
        identifiers: (any QUICConnectionIDGenerator)? = nil,
        admit: @escaping () -> QUICAdmission = { .accept },
        accept: @escaping (QUICConnection) -> (any QUICConnectionDelegate)?
    ) -> EventLoopFuture<NIOLoopBound<QUICEndpoint>> {
        loop.preconditionInEventLoop()
        do {
            try configuration.validate()
            guard (1...QUICEndpointGroup.maximumCount).contains(group.count), (0..<group.count).contains(worker) else {
                throw QUICError.configuration(
                    "a port has 1 to \(QUICEndpointGroup.maximumCount) endpoints, numbered from 0"
                )
            }
            let tls = try TLSServerContext(
                configuration,
                keyLog: try configuration.keyLogFile.map { path throws(QUICError) in try KeyLog(path: path) },
                earlyData: try configuration.resumption?.makeGuard(now: loop.now.uptimeNanoseconds)
            )
            var wishes = DatagramSocket.Wishes()
            wishes.sharesPort = group.count > 1
            wishes.worker = worker
            wishes.socket = configuration.socket
            wishes.packetInfo = DatagramAddress(address)?.isWildcard ?? false
            let endpoint = try QUICEndpoint(
                role: .server(configuration, .tls(tls), accept),
                admit: admit,
                wishedAddress: address,
                socketWishes: wishes,
                group: group,
                worker: worker,
                identifiers: identifiers,
                loop: loop,
                logger: logger
            )
            if let earlyData = tls.earlyData { endpoint.renewRegularly(earlyData) }
            return endpoint.open()
        } catch {
            return loop.makeFailedFuture(error)
        }
    }

    /// Keeps early data acceptable for all tickets, however old the endpoint is and however seldom it is used.
    private func renewRegularly(_ earlyData: EarlyDataGuard) {
        let interval = TimeAmount.nanoseconds(Int64(clamping: earlyData.lifetime))
        self.renewal = self.eventLoop.assumeIsolated().scheduleTask(in: interval) {
            try? earlyData.renew(now: self.now)
            self.renewRegularly(earlyData)
        }
    }

    /// Opens an endpoint for client connections, of which it carries any number.
    ///
    /// - Parameters:
    ///   - localAddress: `nil` for any address of both families and a port of the system's choice.
    package static func client(
        localAddress: SocketAddress?,
        loop: any EventLoop,
        logger: Logger,
        socket: QUICSocketConfiguration = QUICSocketConfiguration()
    ) -> EventLoopFuture<NIOLoopBound<QUICEndpoint>> {
        loop.preconditionInEventLoop()
        do {
            var wishes = DatagramSocket.Wishes()
            wishes.socket = socket
            let address =
                try localAddress
                ?? (Self.hasIPv6
                    ? SocketAddress(ipAddress: "::", port: 0) : SocketAddress(ipAddress: "0.0.0.0", port: 0))
            let endpoint = try QUICEndpoint(
                role: .client,
                wishedAddress: address,
                socketWishes: wishes,
                loop: loop,
                logger: logger
            )
            return endpoint.open()
        } catch {
            return loop.makeFailedFuture(error)
        }
    }

    private func open() -> EventLoopFuture<NIOLoopBound<QUICEndpoint>> {
        let bound = NIOLoopBound(self, eventLoop: self.eventLoop)
        return self.openSocket(on: self.wishedAddress).map { socket in
            let endpoint = bound.value
            endpoint.socket = socket.value
            endpoint.canonicalAddress = socket.value.socket.address
            endpoint.joinGroup()
            socket.value.startReading()
            return bound
        }
    }

    // MARK: Connecting

    /// Starts a handshake; its end is told to the delegate by `established` or `closed`.
    ///
    /// - Throws: `.configuration` if the address is of another family than the socket, `.trustRoots`, `.closed`.
    package func connect(
        to address: SocketAddress,
        configuration: QUICClientConfiguration,
        delegate: any QUICConnectionDelegate
    ) throws(QUICError) -> QUICConnection {
        guard !self.isClosing, case .client = self.role else { throw .closed }
        try configuration.validate()
        guard var remote = DatagramAddress(address) else { throw .configuration("\(address) is no IP address") }
        if self.canonicalAddress.isIPv6 { remote = remote.mappedToIPv6 }
        guard remote.isIPv6 == self.canonicalAddress.isIPv6 else {
            throw .configuration("\(address) cannot be reached from \(self.localAddress)")
        }
        let tls = try self.tlsContext(for: configuration)
        let connection = QUICConnection(
            endpoint: self,
            isServer: false,
            limits: QUICConnection.Limits(configuration.common),
            remote: remote,
            // A server does not move; the validated address is the only one (RFC 9000 §9).
            admission: AddressAdmission(burst: 0, interval: .max)
        )
        let identifier = self.context.identifiers.make()
        connection.start(
            try Engine(
                connecting: connection,
                context: self.context,
                tls: tls,
                configuration: configuration,
                identifier: identifier,
                token: self.serverTokens.take(for: remote, named: configuration.verification.serverName),
                local: self.canonicalAddress,
                remote: remote,
                now: self.now
            ),
            takesTickets: configuration.takesTickets
        )
        connection.serverName = configuration.verification.serverName
        connection.delegate = delegate
        connection.own(identifier)
        self.connectionCount += 1
        self.handshakeCount += 1
        self.counters.handshakesStarted += 1
        if case .pending? = connection.engine?.earlyData {
            // Its user writes first, so that the first datagram carries what it writes.
            self.eventLoop.assumeIsolated().execute {
                self.defer(.begun, for: connection)
                self.dispatchEvents()
                connection.markDirty()
            }
        } else {
            connection.markDirty()
        }
        return connection
    }

    /// Loading the system's authorities takes milliseconds, and connections of one endpoint mostly verify alike.
    private func tlsContext(for configuration: QUICClientConfiguration) throws(QUICError) -> TLSClientContext {
        if let known = self.clientTLS, known.serves(configuration) { return known }
        let made = try TLSClientContext(configuration)
        self.clientTLS = made
        return made
    }

    // MARK: Closing

    /// Says CONNECTION_CLOSE (application code 0) on all connections, then closes the socket. Nothing new is accepted.
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
        self.leaveGroup()
        self.renewal?.cancel()
        self.scheduled?.callback.cancel()
        self.scheduled = nil
        self.timer.endpoint = nil
        guard let channel = self.socket?.channel else { return promise.succeed() }
        self.socket = nil
        channel.close().cascade(to: promise)
    }
}
