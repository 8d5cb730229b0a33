package import MQTTCodec
package import NIOCore
package import QUICTransport

/// Told of everything that happens on a connection, on its event loop.
package protocol ClientConnectionDelegate: AnyObject {
    /// ``ClientEvent/closed(_:)`` is the last event of each ``ClientConnection/connect()``.
    func connection(_ connection: ClientConnection, received event: ClientEvent)
    /// ``ClientConnection/isWritable`` is true again.
    func connectionBecameWritable(_ connection: ClientConnection)
    /// The transport is up and CONNECT is on its way: the first moment for data streams, whose octets the server keeps until it
    /// has accepted CONNECT.
    func connectionOpened(_ connection: ClientConnection)
}

extension ClientConnectionDelegate {
    package func connectionOpened(_ connection: ClientConnection) {}
}

/// A session and its transport, driven by callbacks: for loads of many clients, without a task or a promise per packet.
///
/// Confined to the event loop of its ``ClientLoop``. It may connect again after each end; the session is kept.
package final class ClientConnection: ClientLink, ClientFlushing {
    package let loop: ClientLoop
    package let target: ConnectionTarget
    package private(set) var session: ClientSession
    package weak var delegate: (any ClientConnectionDelegate)?

    /// Data streams that are open.
    package private(set) var streams: [ClientStream] = []
    /// Resumes the next connection, if the configuration allows it; the last that the server gave. Used once.
    package var ticket: QUICSessionTicket?
    /// What became of the packets that were sent ahead of the last handshake's end.
    package private(set) var earlyData = QUICEarlyData.none

    private var transport: (any ClientTransport)?
    /// The ticket of the connection that is being made.
    private var usedTicket: QUICSessionTicket?
    /// Whether what is written may yet be for nobody.
    private var isEarly = false
    private var nextAddress = 0
    private var input = PacketInput()
    private var isProcessing = false
    private var isDirty = false
    private var wasUnwritable = false
    private var timer: (deadline: NIODeadline, task: Scheduled<Void>)?

    /// Octets that may wait for a flush before the connection counts as not writable.
    static let highWaterMark = 65_536
    /// That of a stream unless another is asked for.
    package static let defaultPriority: UInt16 = 0x7FFF

    package init(configuration: ClientConfiguration, target: ConnectionTarget, loop: ClientLoop) {
        session = ClientSession(configuration: configuration)
        self.target = target
        self.loop = loop
    }

    // MARK: Connecting

    /// Opens a transport and sends CONNECT; ``ClientEvent/connected(_:)`` or ``ClientEvent/closed(_:)`` follows, never at once.
    package func connect() {
        guard transport == nil else { return }
        nextAddress = 0
        connectToNext(after: .nameNotResolved("an address of the local address's family"))
    }

    private func connectToNext(after failure: TransportFailure) {
        guard nextAddress < target.addresses.count else {
            loop.eventLoop.assumeIsolated().execute {
                self.delegate?.connection(self, received: .closed(.transport(failure)))
            }
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
                QUICStreamTransport(
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
        var configuration = QUICClientConfiguration(serverName: serverName, trust: trust)
        configuration.common = target.quic
        let patience = Duration.nanoseconds(session.configuration.responseTimeout.nanoseconds)
        configuration.common.handshakeTimeout = min(configuration.common.handshakeTimeout, patience)
        configuration.identity = target.identity
        guard session.configuration.resumption != .never else { return configuration }
        configuration.takesTickets = true
        configuration.sendsEarlyData = session.configuration.resumption == .withEarlyData
        configuration.ticket = ticket
        usedTicket = ticket
        ticket = nil
        return configuration
    }

    /// Sends DISCONNECT and closes. ``ClientEvent/closed(_:)`` without an error follows at once.
    package func disconnect(_ packet: Disconnect = Disconnect()) {
        guard transport != nil else { return }
        session.disconnect(packet, now: .now())
        finish(nil)
    }

    /// Closes without DISCONNECT, so that the server publishes the will.
    package func abort() {
        guard transport != nil else { return }
        session.output.clear()
        finish(nil)
    }

    /// Goes on from another local address without a word of MQTT (RFC 9000 §9). Connections that share the UDP socket move
    /// with it (``ConnectionTarget/ownsSocket``).
    ///
    /// - Parameter local: port 0 for any.
    /// - Returns: when the new socket is in use, which the server may learn later. Fails with ``ClientError/cannotMigrate``,
    ///   ``ClientError/notConnected`` or, where the address cannot be used, ``ClientError/transport(_:)``.
    package func migrate(to local: SocketAddress, _ migration: QUICEndpoint.Migration = .active) -> EventLoopFuture<
        Void
    > {
        guard let transport, session.phase == .connected else {
            return loop.eventLoop.makeFailedFuture(ClientError.notConnected)
        }
        return transport.migrate(to: local, migration)
    }

    // MARK: Requests

    package var availableQuota: Int { session.availableQuota }
    package var maximumInflight: Int { session.configuration.maximumInflight }

    /// Whether the connection takes more without piling it up.
    package var isWritable: Bool {
        guard let transport, transport.isWritable, session.output.readableBytes < Self.highWaterMark else {
            wasUnwritable = true
            return false
        }
        return true
    }

    /// True keeps further messages from coming: what is read is kept, and no more is read.
    package var isReadingPaused = false {
        didSet {
            guard isReadingPaused != oldValue else { return }
            transport?.isReadingPaused = isReadingPaused
            if !isReadingPaused, !isProcessing {
                loop.eventLoop.assumeIsolated().execute { self.process() }
            }
        }
    }

    /// See ``ClientSession/publish(_:token:now:)``.
    package func publish(_ message: Publish, token: UInt64 = 0, now: NIODeadline) throws(ClientError) {
        try session.publish(message, token: token, now: now)
        markDirty()
    }

    package func subscribe(_ request: Subscribe, token: UInt64 = 0) throws(ClientError) {
        try session.subscribe(request, token: token, now: .now())
        markDirty()
    }

    package func unsubscribe(_ request: Unsubscribe, token: UInt64 = 0) throws(ClientError) {
        try session.unsubscribe(request, token: token, now: .now())
        markDirty()
    }

    // MARK: Data streams

    /// Opens a data stream, once the transport is up; before CONNACK, too, but not before
    /// ``ClientConnectionDelegate/connectionOpened(_:)``. It ends with the connection at the latest.
    ///
    /// - Parameter priority: what is written on streams of a higher one is sent first; those of the same take turns.
    /// - Throws: ``ClientError/streamsNotSupported`` over TCP, ``ClientError/streamLimitReached`` until another one has ended,
    ///   ``ClientError/notConnected``.
    package func openStream(priority: UInt16 = defaultPriority) throws(ClientError) -> ClientStream {
        guard let transport, session.phase == .connected || session.phase == .connecting else { throw .notConnected }
        let stream = ClientStream(session.makeStream(), of: self)
        stream.start(try transport.openStream(stream, priority: priority))
        streams.append(stream)
        return stream
    }

    /// A stream is over: its messages without acknowledgement go on here.
    func streamEnded(_ stream: ClientStream, _ left: ClientSession.Unacknowledged, now: NIODeadline) {
        streams.removeAll { $0 === stream }
        session.adopt(left, now: now)
        if session.output.readableBytes > 0 { markDirty() }
    }

    /// Messages at QoS 1 and 2 without their final acknowledgement, and those that wait, on all streams.
    package var unacknowledged: Int {
        streams.reduce(session.unacknowledged) { $0 + $1.unacknowledged }
    }

    func wroteOnStream() { scheduleTimer() }

    private func markDirty() {
        guard !isDirty else { return }
        isDirty = true
        loop.schedule(self)
    }

    func flush() {
        isDirty = false
        guard let transport else { return }
        if session.output.readableBytes > 0 {
            transport.write(session.output)
            // What was written is gone from the transport by now unless the peer is slow: then this takes new storage.
            if session.output.capacity > 2 * Self.highWaterMark {
                session.output = ByteBuffer()
            } else {
                session.output.clear()
            }
        }
        scheduleTimer()
        if wasUnwritable { becameWritable() }
    }

    // MARK: Reports of the transport

    /// - Parameter isEarly: whether `confirmed` follows, or else the end.
    func opened(_ transport: any ClientTransport, isEarly: Bool = false) {
        guard transport === self.transport else { return }
        self.isEarly = isEarly
        earlyData = isEarly ? .pending : .none
        input = PacketInput()
        session.transportOpened(now: .now())
        if isReadingPaused { transport.isReadingPaused = true }
        markDirty()
        delegate?.connectionOpened(self)
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
        input.append(&bytes)
        process()
    }

    func becameWritable() {
        guard wasUnwritable, isWritable else { return }
        wasUnwritable = false
        delegate?.connectionBecameWritable(self)
    }

    func closed(_ transport: any ClientTransport, _ failure: TransportFailure) {
        guard transport === self.transport else { return }
        // One that nobody has heard does no harm when it is used again.
        if failure == .timedOut, ticket == nil { ticket = usedTicket }
        usedTicket = nil
        if session.phase == .disconnected || isEarly {
            self.transport = nil
            withdraw()
            let abandoned = streams
            connectToNext(after: failure)
            for stream in abandoned { stream.connectionEnded(.transport(failure)) }
        } else {
            finish(.transport(failure))
        }
    }

    private func process() {
        guard let delegate, !isProcessing else { return }
        isProcessing = true
        defer { isProcessing = false }
        let now = NIODeadline.now()
        do {
            while transport != nil, !isReadingPaused, let event = try session.next(from: &input.bytes, now: now) {
                if case .connected = event {
                    for stream in streams { stream.take(session.limits, now: now) }
                }
                delegate.connection(self, received: event)
            }
        } catch {
            return finish(error)
        }
        guard transport != nil else { return }
        input.trim()
        if session.output.readableBytes > 0 { markDirty() }
        // An answer may be followed by something that is due earlier than it was itself.
        scheduleTimer()
    }

    /// Takes CONNECT back, which nobody was there to read.
    private func withdraw() {
        isEarly = false
        earlyData = .none
        timer?.task.cancel()
        timer = nil
        session.transportClosed()
    }

    /// Sends what is left, closes and tells the owner.
    private func finish(_ error: ClientError?) {
        guard let transport else { return }
        for stream in streams { stream.finish() }
        self.transport = nil
        timer?.task.cancel()
        timer = nil
        isEarly = false
        input = PacketInput()
        let lastWords = session.output
        session.transportClosed()
        transport.close(lastWords)
        for stream in streams { stream.connectionEnded(error) }
        delegate?.connection(self, received: .closed(error))
    }

    // MARK: Time

    /// One task that is seldom cancelled: when it comes too early, as after each message sent, it is set anew.
    private func scheduleTimer() {
        let own = session.deadline
        guard let deadline = streams.isEmpty ? own : (streams.map(\.session.deadline) + [own]).compactMap({ $0 }).min()
        else { return }
        if let timer {
            guard deadline < timer.deadline else { return }
            timer.task.cancel()
        }
        let task = loop.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) { self.timerFired() }
        timer = (deadline, task)
    }

    private func timerFired() {
        timer = nil
        guard transport != nil else { return }
        do throws(ClientError) {
            try session.advance(to: .now())
        } catch {
            return finish(error)
        }
        for stream in streams { stream.advance(to: .now()) }
        if session.output.readableBytes > 0 { markDirty() }
        scheduleTimer()
    }
}
