package import Logging
package import NIOCore

extension QUICEndpoint {
    /// Opens a listening endpoint.
    ///
    /// - Parameters:
    ///   - group: the endpoints of this process that hold the port, one per loop (SO_REUSEPORT). The first of them
    ///     proves that no other process has the port.
    ///   - worker: number of this one among them.
    ///   - relay: the relay of the loop, and the number of the listener (`RelayListeners`); `nil` for a node that has no others.
    ///   - identifiers: makes our connection identifiers; by default as the configuration says.
    ///   - admit: called on the loop for the first packet of a new client, before a connection is made. The closure must not use the
    ///     endpoint.
    ///   - accept: called on the loop when a handshake is complete, just before `established`; `nil` refuses.
    /// - Throws: in the future, `QUICError.portInUse`, `.certificate`, `.socket`, `.configuration`.
    package static func listen(
        on address: SocketAddress,
        configuration: QUICServerConfiguration,
        loop: any EventLoop,
        group: QUICEndpointGroup = QUICEndpointGroup(count: 1),
        worker: Int = 0,
        relay: (loop: LoopRelay, listener: UInt8)? = nil,
        logger: Logger,
        identifiers: (any QUICConnectionIDGenerator)? = nil,
        admit: @escaping () -> QUICAdmission = { .accept },
        accept: @escaping (QUICConnection) -> (any QUICConnectionDelegate)?
    ) -> EventLoopFuture<NIOLoopBound<QUICEndpoint>> {
        loop.preconditionInEventLoop()
        do {
            try configuration.validate()
            if let relay, configuration.common.maximumUDPPayload > relay.loop.largestDatagram {
                throw QUICError.configuration(
                    "maximumUDPPayload must be at most \(relay.loop.largestDatagram), so that frames of the relay pass, not \(configuration.common.maximumUDPPayload)"
                )
            }
            guard (1...QUICEndpointGroup.maximumCount).contains(group.count), (0..<group.count).contains(worker) else {
                throw QUICError.configuration(
                    "a UDP port must have 1 to \(QUICEndpointGroup.maximumCount) endpoints, numbered from 0: endpoint \(worker) of \(group.count) is not allowed"
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
            let endpoint = try Self.server(
                configuration,
                protection: .tls(tls),
                wishedAddress: address,
                socketWishes: wishes,
                group: group,
                worker: worker,
                identifiers: identifiers,
                loop: loop,
                logger: logger,
                admit: admit,
                accept: accept
            )
            if let earlyData = tls.earlyData { endpoint.renewRegularly(earlyData) }
            let opened = endpoint.open()
            guard let relay else { return opened }
            return opened.assumeIsolated().map { opened in
                opened.value.relay = RelaySeat(relay.loop, listener: relay.listener, for: opened.value)
                return opened
            }.nonisolated()
        } catch {
            return loop.makeFailedFuture(error)
        }
    }

    /// Renews the guard of early data once a ticket lifetime, so that early data of all valid tickets stays acceptable.
    private func renewRegularly(_ earlyData: EarlyDataGuard) {
        let interval = TimeAmount.nanoseconds(Int64(clamping: earlyData.lifetime))
        self.renewal = self.eventLoop.assumeIsolated().scheduleTask(in: interval) {
            try? earlyData.renew(now: self.now)
            self.renewRegularly(earlyData)
        }
    }

    /// Makes a listening endpoint, without its socket.
    static func server(
        _ configuration: QUICServerConfiguration,
        protection: ServerProtection,
        wishedAddress: SocketAddress,
        socketWishes: DatagramSocket.Wishes,
        group: QUICEndpointGroup = QUICEndpointGroup(count: 1),
        worker: Int = 0,
        identifiers: (any QUICConnectionIDGenerator)? = nil,
        loop: any EventLoop,
        logger: Logger,
        admit: @escaping () -> QUICAdmission = { .accept },
        accept: @escaping (QUICConnection) -> (any QUICConnectionDelegate)?
    ) throws(QUICError) -> QUICEndpoint {
        let ring = KeyRing(configuration)
        let routable = try RoutableConnectionIDGenerator(
            configuration.identifiers,
            ring: ring,
            worker: worker,
            of: group.count
        )
        return QUICEndpoint(
            acceptor: Acceptor(
                configuration,
                protection: protection,
                ring: ring,
                admit: admit,
                accept: accept,
                now: loop.now.uptimeNanoseconds
            ),
            context: EngineContext(identifiers: identifiers ?? routable, keys: ring),
            courier: Courier(group: group, worker: worker),
            wishedAddress: wishedAddress,
            socketWishes: socketWishes,
            loop: loop,
            logger: logger
        )
    }

    /// Issues identifiers and tokens by another secret from now on, and knows those of all secrets of the ring. Connections go on.
    package func use(_ ring: KeyRing) throws(QUICError) {
        try self.context.use(ring)
        self.acceptor?.use(ring)
        self.steer()
    }

    /// Replaces the certificate, and the authorities of clients' certificates, for new connections.
    ///
    /// - Throws: as `listen`; then nothing has changed.
    package func replaceCertificates(_ configuration: QUICServerConfiguration) throws(QUICError) {
        guard case .tls(let context)? = self.acceptor?.protection, var new = self.acceptor?.configuration else {
            return
        }
        let asksClients = new.clientAuthorities != nil
        new.certificateChain = configuration.certificateChain
        new.privateKey = configuration.privateKey
        new.privateKeyPassword = configuration.privateKeyPassword
        if asksClients { new.clientAuthorities = configuration.clientAuthorities }
        let made = try TLSServerContext(new, keyLog: context.keyLog, earlyData: context.earlyData)
        self.acceptor?.replace(new, .tls(made))
    }
}
