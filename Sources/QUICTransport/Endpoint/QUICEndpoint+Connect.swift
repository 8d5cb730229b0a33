package import Logging
package import NIOCore

extension QUICEndpoint {
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
            let endpoint = QUICEndpoint(
                acceptor: nil,
                context: EngineContext(
                    identifiers: RandomConnectionIDGenerator(),
                    keys: KeyRing(secret: RandomBytes.make(32))
                ),
                courier: Courier(group: QUICEndpointGroup(count: 1), worker: 0),
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

    /// Starts a handshake. At its end the delegate's `established` or `closed` is called.
    ///
    /// - Throws: `.configuration` if the address is of another family than the socket, `.trustRoots`, `.closed`.
    package func connect(
        to address: SocketAddress,
        configuration: QUICClientConfiguration,
        delegate: any QUICConnectionDelegate
    ) throws(QUICError) -> QUICConnection {
        guard !self.isClosing, !self.isServer else { throw .closed }
        try configuration.validate()
        let remote = try Dialer.resolve(address, from: self.canonicalAddress)
        let tls = try self.dialer.tlsContext(for: configuration)
        let connection = QUICConnection(
            endpoint: self,
            isServer: false,
            limits: QUICConnection.Limits(configuration.common),
            remote: remote,
            // A server does not change its address (RFC 9000 §9).
            admission: AddressAdmission(burst: 0, interval: .max)
        )
        let server = DialedServer(address: remote, name: configuration.verification.serverName)
        let identifier = self.context.identifiers.make()
        connection.start(
            try Engine(
                connecting: connection,
                context: self.context,
                tls: tls,
                configuration: configuration,
                identifier: identifier,
                token: self.dialer.serverTokens.take(for: server),
                local: self.canonicalAddress,
                remote: remote,
                now: self.now
            ),
            takesTickets: configuration.takesTickets
        )
        connection.dialed = server
        connection.delegate = delegate
        connection.own(identifier)
        self.connectionCount += 1
        self.handshakeCount += 1
        self.counters.handshakesStarted += 1
        if case .pending? = connection.engine?.earlyData {
            // The user writes before the first datagram leaves, so that it carries early data.
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
}
