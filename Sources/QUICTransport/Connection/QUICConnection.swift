package import NIOCore

/// One QUIC connection. Confined to its endpoint's event loop; calls on a closed connection do nothing.
package final class QUICConnection {
    enum State {
        case handshaking
        /// Data may flow; the handshake is not complete.
        case early
        case established
        /// The user closed it; CONNECTION_CLOSE leaves when pending bytes have, or at the instant.
        case closing(QUICCloseReason, until: UInt64)
        case closed
    }

    /// What a connection needs of its configuration after it has begun.
    struct Limits {
        let sendHighWaterMark: ClosedRange<Int>
        /// Nanoseconds.
        let closeLinger: UInt64
        /// Nanoseconds.
        let foldDelay: UInt64?
        let pacesPackets: Bool
        let marksECN: Bool

        init(_ configuration: QUICConfiguration) {
            self.sendHighWaterMark = configuration.sendHighWaterMark...configuration.maximumSendHighWaterMark
            self.closeLinger = configuration.closeLinger.unsignedNanoseconds
            self.foldDelay = configuration.foldDelay?.unsignedNanoseconds
            self.pacesPackets = configuration.pacesPackets
            self.marksECN = configuration.marksECN
        }
    }

    package unowned let endpoint: QUICEndpoint
    /// The user's own.
    package var context: AnyObject?

    let isServer: Bool
    let limits: Limits
    private(set) var state = State.handshaking
    private(set) var wasEstablished = false
    /// What became of data ahead of the handshake's end.
    package private(set) var earlyData = QUICEarlyData.none
    /// Held until `closed` has been told.
    var delegate: (any QUICConnectionDelegate)?
    private(set) var engine: Engine?
    var streams: [QUICStream] = []
    /// The stream that the next packet starts with, so that all get their turn.
    var nextStream = 0
    /// Unacknowledged bytes of a stream at which its user is to wait.
    var sendHighWaterMark: Int
    var remote: DatagramAddress
    var addresses: AddressAdmission
    /// As a client asked for it.
    var serverName: String?

    /// All identifiers by which packets find this connection.
    var identifiers: [QUICConnectionID] = []
    var resetTokens: [StatelessResetToken] = []
    var hasReceivedReset = false
    /// Whether some stream may have another priority than the others.
    var hasPriorities = false
    /// Whether the TLS session is kept for a ticket that the server may send (clients only).
    private var takesTickets = false
    /// Whether something was read since the last write, so that the peer may have stopped streams.
    var mayHaveStoppedStreams = false

    /// Datagrams read since the last that was written.
    var unanswered = 0
    /// Whether there may be more to send than acknowledgements and credit.
    private(set) var isHurried = false
    /// Whether a write is put off until the deadline.
    var isWaiting = false

    // The endpoint's book-keeping.
    var isDirty = false
    var heapIndex = -1
    var deadline = UInt64.max
    /// When the connection is to be folded if nothing happens before; `.max` while it is, or never will be.
    var foldDue = UInt64.max
    /// Whether `foldDue` is a turn that was reserved for it.
    var hasFoldTurn = false

    init(
        endpoint: QUICEndpoint,
        isServer: Bool,
        limits: Limits,
        remote: DatagramAddress,
        admission: AddressAdmission
    ) {
        self.endpoint = endpoint
        self.isServer = isServer
        self.limits = limits
        self.sendHighWaterMark = limits.sendHighWaterMark.lowerBound
        self.remote = remote
        self.addresses = admission
    }

    func start(_ engine: Engine, takesTickets: Bool = false) {
        self.engine = engine
        self.takesTickets = takesTickets
    }

    /// The last validated address of the peer.
    package var remoteAddress: SocketAddress { self.remote.socketAddress }

    package var isEstablished: Bool {
        if case .established = self.state { true } else { false }
    }

    /// Whether data may flow although the handshake is not complete.
    package var isEarly: Bool {
        if case .early = self.state { true } else { false }
    }

    /// Whether data may flow.
    package var isOpen: Bool { self.isEstablished || self.isEarly }

    /// What the peer's certificate says. Servers know it during `established`, and `confirmed` if the connection was early.
    package var peerCertificate: QUICPeerCertificate? { self.engine?.peerCertificate }

    package var isClosed: Bool {
        if case .closed = self.state { true } else { false }
    }

    /// - Throws: `.streamLimitReached` until the peer allows more, `.closed`.
    package func openBidirectionalStream() throws(QUICError) -> QUICStream {
        guard self.isOpen, let engine = self.engine else { throw .closed }
        return try engine.openBidirectionalStream { self.addStream($0) }
    }

    /// Sends CONNECTION_CLOSE of type 0x1d when pending stream bytes have been sent once, which congestion and flow
    /// control may delay by `closeLinger`. The delegate hears nothing more but `closed`.
    package func close(applicationError code: UInt64, reason: String) {
        self.close(.application(by: .local, code: code, reason: reason))
    }

    func close(_ reason: QUICCloseReason) {
        switch self.state {
        case .handshaking, .early, .established:
            self.state = .closing(
                reason,
                until: self.endpoint.now + self.limits.closeLinger
            )
            self.markDirty()
        case .closing, .closed:
            break
        }
    }

    func markDirty() {
        self.isHurried = true
        self.endpoint.markDirty(self)
    }

    /// What there is to send is being sent.
    func didTakeTurn() {
        self.isHurried = false
        self.isWaiting = false
    }

    /// Early data flows: of a client that may write it, or to a server that has accepted it.
    func beginEarly() {
        guard case .handshaking = self.state else { return }
        self.state = .early
        self.earlyData = .pending
        self.welcome()
    }

    /// The handshake is complete.
    func establish() {
        let wasEarly = self.isEarly
        switch self.state {
        case .handshaking, .early: self.state = .established
        case .established, .closing, .closed: return
        }
        self.wasEstablished = true
        self.markDirty()
        self.earlyData = self.engine?.earlyData ?? .none
        self.endpoint.didEstablish(self)
        if self.isServer, self.engine?.sendTicket() == true { self.endpoint.counters.ticketsSent += 1 }
        if case .rejected = self.earlyData, !self.reopenStreams() {
            self.close(.transport(by: .local, code: TransportError.streamLimit, reason: "fewer streams than before"))
        }
        if wasEarly { self.tell { $0.confirmed(self) } } else { self.welcome() }
        if self.isServer || !self.takesTickets { self.engine?.releaseTLS() }
        self.engine?.tolerateMoreIdentifiers()
    }

    /// Tells the user of the connection.
    private func welcome() {
        if self.isServer {
            self.endpoint.sendToken(on: self)
            guard let delegate = self.endpoint.accept(self) else {
                self.close(.transport(by: .local, code: TransportError.connectionRefused, reason: "refused"))
                return
            }
            self.delegate = delegate
        }
        self.tell { $0.established(self) }
    }

    /// A later connection may begin with this ticket. One is enough, and the session is two fifths of the memory.
    func receive(_ session: [UInt8], lifetime: Int64, allowsEarlyData: Bool) {
        guard self.takesTickets, let engine = self.engine else { return }
        let ticket = QUICSessionTicket(
            session: session,
            transportParameters: engine.rememberedParameters,
            allowsEarlyData: allowsEarlyData,
            received: ClockReading.now.seconds,
            lifetime: lifetime
        )
        self.takesTickets = false
        engine.releaseTLS()
        self.tell { $0.received(ticket, on: self) }
    }

    /// Ends for good: frees the engine, and then what its packets pointed to.
    func end() {
        self.state = .closed
        self.engine = nil
        for stream in self.streams { _ = stream.close() }
        self.streams = []
    }
}
