internal import DequeModule
internal import NIOCore

/// The listening side of an endpoint: who may begin a handshake, and when. The acceptor knows nothing of sockets.
struct Acceptor {
    /// What becomes of a client's first flight.
    enum Verdict {
        /// A handshake begins; the token validates the client's address (RFC 9000 §8.1).
        case begin(ValidatedToken?)
        /// The client has to show first that it receives at its address (RFC 9000 §8.1.2).
        case retry
        /// The client is told so, with a transport error code.
        case refuse(UInt64)
        /// The client is not answered, and tries again by itself.
        case drop
    }

    private(set) var configuration: QUICServerConfiguration
    private(set) var protection: ServerProtection
    /// Asked about the first packet of a new client, before anything is spent on it.
    let admit: () -> QUICAdmission
    /// Makes the delegate of a connection; `nil` refuses.
    let accept: (QUICConnection) -> (any QUICConnectionDelegate)?

    /// Makes and judges address tokens.
    var tokens: AddressTokens
    private var statelessBucket: TokenBucket
    /// Retry packets have an allowance of their own: they are many where stateless answers are few.
    private var retryBucket: TokenBucket

    /// Clients whose handshake has not begun.
    var waiting: InitialStack
    /// Datagrams of handshakes under way that this tick has no time for, in the order in which they came.
    private(set) var underWay = Deque<WaitingDatagram>()
    var pace: HandshakePace
    var backlog: SocketBacklog
    /// Whether the socket has something to read, so that what waits has a turn afterwards.
    var isReadDue = false
    /// When those that wait have their next turn, nanoseconds.
    private var turn: UInt64?
    /// Messages and octets of the read under way.
    private var read = (messages: 0, octets: 0)

    init(
        _ configuration: QUICServerConfiguration,
        protection: ServerProtection,
        ring: KeyRing,
        admit: @escaping () -> QUICAdmission,
        accept: @escaping (QUICConnection) -> (any QUICConnectionDelegate)?,
        now: UInt64
    ) {
        self.configuration = configuration
        self.protection = protection
        self.admit = admit
        self.accept = accept
        self.tokens = AddressTokens(configuration.retry, ring: ring)
        self.statelessBucket = TokenBucket(perSecond: configuration.statelessPacketsPerSecond, now: now)
        self.retryBucket = TokenBucket(perSecond: configuration.retry.retriesPerSecond, now: now)
        self.waiting = InitialStack(
            limit: configuration.maximumWaitingInitials,
            lifetime: configuration.pace.window
        )
        self.pace = HandshakePace(configuration.pace)
        self.backlog = SocketBacklog(capacity: .max)
    }

    /// Shows another certificate to new connections.
    mutating func replace(_ configuration: QUICServerConfiguration, _ protection: ServerProtection) {
        self.configuration = configuration
        self.protection = protection
    }

    /// Makes tokens by another secret.
    mutating func use(_ ring: KeyRing) { self.tokens.use(ring) }

    // MARK: Reading

    mutating func didRead(_ octets: Int) {
        self.read.messages += 1
        self.read.octets += octets
    }

    /// Takes note that one read of the socket is over.
    ///
    /// - Parameter limit: messages that it could take at most.
    /// - Returns: whether it left nothing; `nil` if nothing was read.
    mutating func didFinishRead(limit: Int, now: UInt64) -> Bool? {
        self.isReadDue = false
        guard self.read.messages > 0 else { return nil }
        let isEmpty = self.read.messages < limit
        self.backlog.didRead(self.read.octets, isEmpty: isEmpty, now: now)
        self.read = (0, 0)
        return isEmpty
    }

    // MARK: Waiting

    /// Whether a client's handshake may begin ahead of all that wait.
    mutating func mayBeginAtOnce(now: UInt64) -> Bool { self.waiting.isEmpty && self.pace.mayBegin(now: now) }

    /// Lets a client wait, or gives it up where it has waited too long already.
    mutating func hold(
        _ datagram: UnsafeRawBufferPointer,
        of identifier: QUICConnectionID,
        from remote: DatagramAddress,
        to local: DatagramAddress,
        ecn: UInt8,
        now: UInt64,
        counters: inout QUICCounters
    ) {
        let arrival = self.backlog.arrival(now: now)
        guard arrival + self.waiting.lifetime >= now else {
            counters.dropped.initialAge += 1
            return
        }
        counters.initialsHeld += 1
        if unsafe self.waiting.append(datagram, of: identifier, from: remote, to: local, ecn: ecn) { return }
        counters.dropped.initialLimit += unsafe self.waiting.push(
            datagram,
            of: identifier,
            from: remote,
            to: local,
            ecn: ecn,
            arrival: arrival
        )
    }

    /// Whether a datagram of a handshake under way may be read now, ahead of none that wait.
    var mayReadAtOnce: Bool { self.underWay.isEmpty && self.pace.mayRead }

    /// Lets a datagram of a handshake under way wait. Where too many wait, its client sends it again (RFC 9002 §6.2).
    mutating func hold(
        _ datagram: UnsafeRawBufferPointer,
        from remote: DatagramAddress,
        to local: DatagramAddress,
        ecn: UInt8,
        ingress: RelayIngress? = nil,
        counters: inout QUICCounters
    ) {
        guard self.underWay.count < self.configuration.maximumWaitingDatagrams else {
            counters.dropped.handshakeLimit += 1
            return
        }
        counters.handshakeDatagramsHeld += 1
        var bytes = ByteBuffer()
        unsafe bytes.writeBytes(datagram)
        self.underWay.append(WaitingDatagram(bytes: bytes, remote: remote, local: local, ecn: ecn, ingress: ingress))
    }

    /// The next datagram of a handshake under way, if it may be read in this tick.
    mutating func nextUnderWay() -> WaitingDatagram? { self.pace.mayRead ? self.underWay.popFirst() : nil }

    /// Whether anything waits for a turn.
    var hasWaiting: Bool { !self.underWay.isEmpty || !self.waiting.isEmpty }

    /// The newest client that waits, if a handshake may begin in this tick; none otherwise.
    mutating func next(now: UInt64, counters: inout QUICCounters) -> [WaitingDatagram] {
        counters.dropped.initialAge += self.waiting.removeExpired(now: now)
        return self.pace.mayBegin(now: now) ? self.waiting.popNewest() : []
    }

    /// Whether anything waits that could be done at once.
    mutating func hasWork(now: UInt64) -> Bool {
        !self.underWay.isEmpty || !self.waiting.isEmpty && self.pace.hasRoom(now: now)
    }

    /// Pause between two turns, nanoseconds: SwiftNIO looks at its sockets only while no task is due.
    private static let pause: UInt64 = 100_000
    /// The longest wait for a read of the socket that is due, nanoseconds.
    private static let patience: UInt64 = 5_000_000

    /// Plans the next turn of what waits, where no read of the socket gives it one before.
    ///
    /// - Returns: its instant, nanoseconds.
    mutating func planTurn(now: UInt64) -> UInt64 {
        if let turn = self.turn { return turn }
        let pause = self.isReadDue ? Self.patience : Self.pause
        let turn = self.hasWork(now: now) ? now + pause : self.pace.nextRoom(now: now)
        self.turn = turn
        return turn
    }

    func isTurnDue(now: UInt64) -> Bool { self.turn.map { $0 <= now } ?? false }

    /// Forgets the turn that was planned.
    mutating func putOff() { self.turn = nil }

    mutating func endTurn() {
        self.turn = nil
        self.pace.endTick()
    }

    // MARK: Verdicts

    /// Decides about a first flight.
    ///
    /// - Parameters:
    ///   - token: of its Initial, empty for none.
    ///   - handshakes: connections whose handshake is not complete.
    ///   - connections: all of them.
    mutating func judge(
        _ token: UnsafeRawBufferPointer,
        of header: PacketHeader,
        from remote: DatagramAddress,
        handshakes: Int,
        connections: Int,
        counters: inout QUICCounters
    ) -> Verdict {
        var validated: ValidatedToken?
        switch unsafe token.isEmpty ? AddressTokens.Verdict.none : self.tokens.judge(token, of: header, from: remote) {
        case .retried(let original):
            counters.tokensValid += 1
            unsafe validated = ValidatedToken(octets: token, original: original)
        case .known:
            counters.tokensValid += 1
            unsafe validated = ValidatedToken(octets: token, original: nil)
        case .refused:
            counters.tokensInvalid += 1
            return .refuse(TransportError.invalidToken)
        case .none:
            // A token that says nothing may be another server's, or too old: as if there were none.
            if unsafe !token.isEmpty { counters.tokensInvalid += 1 }
            if self.needsRetry(handshakes: handshakes) { return .retry }
        }
        guard handshakes < self.configuration.maximumHandshakes else {
            counters.dropped.tooManyHandshakes += 1
            return .drop
        }
        switch connections < self.configuration.maximumConnections ? self.admit() : .refuse {
        case .accept:
            return .begin(validated)
        case .refuse:
            counters.dropped.tooManyConnections += 1
            return .refuse(TransportError.connectionRefused)
        case .drop:
            counters.dropped.tooManyConnects += 1
            return .drop
        }
    }

    private func needsRetry(handshakes: Int) -> Bool {
        switch self.configuration.retry.mode {
        case .never: false
        case .always: true
        case .underLoad:
            Double(handshakes) >= self.configuration.retry.load * Double(self.configuration.maximumHandshakes)
        }
    }

    /// Whether one more stateless packet may be sent.
    mutating func mayAnswer(now: UInt64) -> Bool { self.statelessBucket.take(now: now) }

    /// Whether one more Retry may be sent.
    mutating func mayRetry(now: UInt64) -> Bool { self.retryBucket.take(now: now) }
}

extension TokenBucket {
    fileprivate init(perSecond count: Int, now: UInt64) {
        self.init(burst: count, interval: 1_000_000_000 / UInt64(max(1, count)), now: now)
    }
}

/// Transport error codes that the endpoint sends by itself (RFC 9000 §20.1).
enum TransportError {
    static let connectionRefused: UInt64 = 0x2
    static let streamLimit: UInt64 = 0x4
    static let invalidToken: UInt64 = 0xb
}
