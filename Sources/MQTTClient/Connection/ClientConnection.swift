package import NIOCore
package import QUICTransport

/// A client's connection to a server: the target, the transport, the control stream's link and those of the data streams.
///
/// Confined to the event loop of its ``ClientLoop``. It may connect again after each end; the session is kept.
package final class ClientConnection {
    package let loop: ClientLoop
    package let target: ConnectionTarget
    /// The control stream, with the client's session.
    package let control: ClientLink
    /// Data streams that are open, or abandoned and not forgotten by QUIC yet.
    package private(set) var streams: [ClientLink] = []
    /// The last QUIC session ticket that the server gave: the next connection resumes with it, if the configuration allows. Used once.
    package var ticket: QUICSessionTicket?
    /// What became of the packets that were sent before the last handshake was complete.
    package private(set) var earlyData = QUICEarlyData.none

    private var transport: (any ClientTransport)?
    /// The ticket of the connection that is being made.
    private var usedTicket: QUICSessionTicket?
    /// True while the handshake is incomplete, and the server may never read what is written.
    private var isEarly = false
    private var nextAddress = 0
    private var lastStream: UInt64 = 0
    private var timer: (deadline: NIODeadline, task: Scheduled<Void>)?

    package init(configuration: ClientConfiguration, target: ConnectionTarget, loop: ClientLoop) {
        control = ClientLink(ClientSession(configuration: configuration), id: .control, loop: loop)
        self.target = target
        self.loop = loop
    }

    package var phase: ClientSession.Phase { control.session.phase }

    /// Messages at QoS 1 and 2 without their final acknowledgement, and those that wait, on all streams.
    package var unacknowledged: Int {
        streams.reduce(control.unacknowledged) { $0 + $1.unacknowledged }
    }

    // MARK: Connecting

    /// Opens a transport and sends CONNECT. ``ClientEvent/connected(_:)`` or ``ClientEvent/closed(_:)`` follows on the control
    /// stream, never within this call.
    package func connect() {
        guard transport == nil else { return }
        nextAddress = 0
        connectToNext(after: .nameNotResolved("an address of the local address's family"))
    }

    private func connectToNext(after failure: TransportFailure) {
        guard nextAddress < target.addresses.count else {
            loop.eventLoop.assumeIsolated().execute { self.tell(.closed(.transport(failure))) }
            return
        }
        let address = target.addresses[nextAddress]
        nextAddress += 1
        let transport: any ClientTransport =
            switch target.transport {
            case .tcp: TCPTransport(to: address, from: target.localAddress, for: self)
            case .tls(let name, let context):
                TCPTransport(to: address, from: target.localAddress, tls: (name, context), for: self)
            case .quic(let name, let trust):
                QUICClientTransport(
                    to: address,
                    from: target.localAddress,
                    ownsSocket: target.ownsSocket,
                    configuration: quicConfiguration(name, trust),
                    for: self
                )
            }
        self.transport = transport
        transport.open()
    }

    private func quicConfiguration(_ serverName: String, _ trust: ServerTrust) -> QUICClientConfiguration {
        let configured = control.session.configuration
        var configuration = QUICClientConfiguration(serverName: serverName, trust: trust)
        configuration.common = target.quic
        configuration.usesPreferredAddress = target.usesPreferredAddress
        let patience = Duration.nanoseconds(configured.responseTimeout.nanoseconds)
        configuration.common.handshakeTimeout = min(configuration.common.handshakeTimeout, patience)
        configuration.identity = target.identity
        guard configured.resumption != .never else { return configuration }
        configuration.takesTickets = true
        configuration.sendsEarlyData = configured.resumption == .withEarlyData
        configuration.ticket = ticket
        usedTicket = ticket
        ticket = nil
        return configuration
    }

    /// Sends DISCONNECT and closes. ``ClientEvent/closed(_:)`` without an error follows at once.
    package func disconnect() {
        guard transport != nil else { return }
        control.session.disconnect(now: .now())
        finish(nil)
    }

    /// Closes without DISCONNECT, so that the server publishes the will.
    package func abort() {
        guard transport != nil else { return }
        control.session.output.clear()
        finish(nil)
    }

    /// Moves a QUIC connection to another local address (RFC 9000 §9); MQTT does not notice. Connections that share the UDP
    /// socket move with it (``ConnectionTarget/ownsSocket``).
    ///
    /// - Parameter local: port 0 for any.
    /// - Returns: when the new socket is in use, which the server may learn later. Fails with ``ClientError/cannotMigrate``,
    ///   ``ClientError/notConnected`` or, where the address cannot be used, ``ClientError/transport(_:)``.
    package func migrate(to local: SocketAddress, _ migration: QUICEndpoint.Migration = .active) -> EventLoopFuture<
        Void
    > {
        guard let transport, phase == .connected else {
            return loop.eventLoop.makeFailedFuture(ClientError.notConnected)
        }
        return transport.migrate(to: local, migration)
    }

    // MARK: Data streams

    /// Opens a data stream, once the transport is up; before CONNACK, too, but not before
    /// ``ClientLinkDelegate/linkOpened(_:)``. It ends with the connection at the latest.
    ///
    /// - Parameter priority: what is written on streams of a higher one is sent first; those of the same take turns.
    /// - Throws: ``ClientError/streamsNotSupported`` over TCP, ``ClientError/streamLimitReached`` until another one has ended,
    ///   ``ClientError/notConnected``.
    package func openStream(priority: UInt16 = ClientLink.defaultPriority) throws(ClientError) -> ClientLink {
        guard let transport, phase == .connected || phase == .connecting else { throw .notConnected }
        let id = ClientStreamID(number: lastStream + 1)
        let link = ClientLink(control.session.makeStream(), id: id, loop: loop)
        link.open(try transport.openStream(link, priority: priority), of: self)
        lastStream += 1
        streams.append(link)
        return link
    }

    /// A data stream is over: its messages without acknowledgement go on on the control stream.
    func streamEnded(_ link: ClientLink, _ messages: ClientSession.Unacknowledged, now: NIODeadline) {
        streams.removeAll { $0 === link }
        control.session.adopt(messages, now: now)
        control.markDirtyIfWritten()
    }

    /// The server has sent CONNACK: its limits hold on the data streams that are open already, too.
    func accepted(now: NIODeadline) {
        for link in streams {
            link.session.take(control.session.limits, now: now)
            link.markDirtyIfWritten()
        }
    }

    // MARK: Reports of the transport

    /// - Parameter isEarly: true if `confirmed` follows, or else the end.
    func opened(_ transport: any ClientTransport, isEarly: Bool = false) {
        guard transport === self.transport else { return }
        self.isEarly = isEarly
        earlyData = isEarly ? .pending : .none
        control.session.transportOpened(now: .now())
        control.open(transport, of: self)
        control.markDirtyIfWritten()
        control.delegate?.linkOpened(control)
    }

    /// The handshake of an early transport is complete; what was written reaches the server in any case.
    func confirmed(_ transport: any ClientTransport, _ earlyData: QUICEarlyData) {
        guard transport === self.transport else { return }
        isEarly = false
        self.earlyData = earlyData
    }

    func received(_ ticket: QUICSessionTicket, from transport: any ClientTransport) {
        guard transport === self.transport else { return }
        self.ticket = ticket
    }

    func received(_ bytes: inout ByteBuffer, from transport: any ClientTransport) {
        guard transport === self.transport else { return }
        control.received(&bytes)
    }

    func becameWritable() { control.becameWritable() }

    func closed(_ transport: any ClientTransport, _ failure: TransportFailure) {
        guard transport === self.transport else { return }
        // A ticket that no server has seen may be used again.
        if failure == .timedOut, ticket == nil { ticket = usedTicket }
        usedTicket = nil
        guard phase == .disconnected || isEarly else { return finish(.transport(failure)) }
        // The server has read no CONNECT: the next address is tried.
        earlyData = .none
        let abandoned = streams
        detach()
        connectToNext(after: failure)
        for link in abandoned { link.connectionEnded(.transport(failure)) }
    }

    /// Sends what is left, closes and tells the user.
    func finish(_ error: ClientError?) {
        guard let transport else { return }
        for link in streams { link.finish() }
        let lastWords = control.session.output
        detach()
        transport.close(lastWords)
        for link in streams { link.connectionEnded(error) }
        tell(.closed(error))
    }

    /// Parts from the transport, and takes back a CONNECT that was not answered.
    private func detach() {
        transport = nil
        isEarly = false
        timer?.task.cancel()
        timer = nil
        control.close()
        control.session.transportClosed()
    }

    private func tell(_ event: ClientEvent) { control.delegate?.link(control, received: event) }

    // MARK: Time

    /// Sets the one timer of all links. The timer is seldom cancelled: when it comes too early, as after each message sent, it is set
    /// anew.
    func scheduleTimer() {
        var earliest = control.session.deadline
        for link in streams {
            guard let deadline = link.session.deadline else { continue }
            earliest = min(earliest ?? deadline, deadline)
        }
        guard let earliest else { return }
        if let timer {
            guard earliest < timer.deadline else { return }
            timer.task.cancel()
        }
        let task = loop.eventLoop.assumeIsolated().scheduleTask(deadline: earliest) { self.timerFired() }
        timer = (earliest, task)
    }

    private func timerFired() {
        timer = nil
        guard transport != nil else { return }
        let now = NIODeadline.now()
        do throws(ClientError) {
            try control.session.advance(to: now)
        } catch {
            return finish(error)
        }
        control.markDirtyIfWritten()
        for link in streams {
            // A data stream waits for no CONNACK and no PINGRESP, so nothing is thrown.
            try? link.session.advance(to: now)
            link.markDirtyIfWritten()
        }
        scheduleTimer()
    }
}
