package import NIOCore

/// One QUIC connection. Confined to its endpoint's event loop; calls on a closed connection do nothing.
package final class QUICConnection {
    /// How far the connection is.
    enum State {
        case handshaking
        /// Early data may flow; the handshake is not complete.
        case early
        case established
        /// The user has closed the connection. CONNECTION_CLOSE is sent after the pending bytes, or at the instant `until`,
        /// nanoseconds, at the latest.
        case closing(QUICCloseReason, until: UInt64)
        case closed
    }

    /// The values of the configuration that a connection needs after its start.
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
    /// An object that the user attaches to the connection.
    package var context: AnyObject?

    let isServer: Bool
    let limits: Limits
    private(set) var state = State.handshaking
    private(set) var wasEstablished = false
    /// The state of early data.
    package private(set) var earlyData = QUICEarlyData.none
    /// Released after `closed` has returned.
    var delegate: (any QUICConnectionDelegate)?
    private(set) var engine: Engine?
    var streams: [QUICStream] = []
    /// Index of the stream that the next packet begins with, so that streams take turns.
    var nextStream = 0
    /// Unacknowledged bytes of one stream at and above which the user should wait for `writable`.
    var sendHighWaterMark: Int
    var remote: DatagramAddress
    var addresses: AddressAdmission
    /// The addresses of the client that other nodes reach; `nil` until there was one.
    var relayed: RelayedAddresses?
    /// Whom a client has called.
    var dialed: DialedServer?

    /// All connection identifiers by which packets of the peer find this connection.
    var identifiers: [QUICConnectionID] = []
    var resetTokens: [StatelessResetToken] = []
    var hasReceivedReset = false
    /// True if streams may have different priorities.
    var hasPriorities = false
    /// True while a client keeps its TLS session for a ticket that the server may send.
    private var takesTickets = false
    /// True if a datagram was read since the last write, so that STOP_SENDING may have come.
    var mayHaveStoppedStreams = false

    /// Datagrams that were read since the last datagram was written.
    var unanswered = 0
    /// True if more than acknowledgements and flow control credit may have to be sent.
    private(set) var isHurried = false
    /// True while a write is put off until `deadline`.
    var isWaiting = false

    // State that the endpoint keeps in the connection.
    var isDirty = false
    /// When the handshake began, for `HandshakePace` (servers only).
    var handshakeStart: HandshakePace.Start = 0
    var heapIndex = -1
    var deadline = UInt64.max
    /// The instant, nanoseconds, at which an idle connection's memory is folded; `.max` while it is folded or never will be.
    var foldDue = UInt64.max
    /// True if `foldDue` is a turn that `FoldSchedule` has reserved.
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

    /// The address of the peer that was validated last.
    package var remoteAddress: SocketAddress { self.remote.socketAddress }

    package var isEstablished: Bool {
        if case .established = self.state { true } else { false }
    }

    /// True while data may flow although the handshake is not complete.
    package var isEarly: Bool {
        if case .early = self.state { true } else { false }
    }

    /// True while data may flow.
    package var isOpen: Bool { self.isEstablished || self.isEarly }

    /// The peer's verified certificate. A server can read it during `established`, and during `confirmed` if the connection
    /// was early.
    package var peerCertificate: QUICPeerCertificate? { self.engine?.peerCertificate }

    package var isClosed: Bool {
        if case .closed = self.state { true } else { false }
    }

    /// - Throws: `.streamLimitReached` while the peer allows no further stream, `.closed`.
    package func openBidirectionalStream() throws(QUICError) -> QUICStream {
        guard self.isOpen, let engine = self.engine else { throw .closed }
        return try engine.openBidirectionalStream { self.addStream($0) }
    }

    /// Sends CONNECTION_CLOSE of type 0x1d after all pending stream bytes were sent once, and after `closeLinger` at the
    /// latest. Of the delegate's methods only `closed` is called from then on.
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

    /// Notes that pending data is being written.
    func didTakeTurn() {
        self.isHurried = false
        self.isWaiting = false
    }

    /// Early data may flow: a client may write it, or a server has accepted it.
    func beginEarly() {
        guard case .handshaking = self.state else { return }
        self.state = .early
        self.earlyData = .pending
        self.welcome()
    }

    /// Notes that the handshake is complete.
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

    /// Calls `established`, on a server after the user has accepted the connection.
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

    /// Passes a session ticket to the user. Only the first ticket is taken: the TLS session is freed with it, which is two
    /// fifths of a connection's memory.
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

    /// Ends the connection for good. The engine is freed before the streams whose bytes its packets point to.
    func end() {
        self.state = .closed
        self.engine = nil
        for stream in self.streams { _ = stream.close() }
        self.streams = []
    }
}
