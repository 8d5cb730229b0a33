package import NIOCore

/// A client's side of its connections to NATS servers, one after the other, without IO: what the server sends and the present instant
/// go in, octets and effects come out.
///
/// Subscriptions and their identifiers outlive a connection. Requests do not: they end with `Reply.disconnected`.
package struct NATSConnection {
    package let configuration: ConnectionConfiguration
    private let decoder: VerbDecoder

    private enum State {
        case idle
        case awaitingInfo
        case securing(ServerInfo)
        /// CONNECT, the subscriptions and PING are sent, and PONG has not come.
        case greeting(ServerInfo)
        case ready(ServerInfo)
    }

    private var state = State.idle
    private var handshakeDeadline = NIODeadline.distantFuture
    private var pingDue = NIODeadline.distantFuture
    private var outstandingPings = 0
    /// The last -ERR, which says why the server closes.
    private var complaint: String?
    private var isLeaving = false
    private var cutOff: CutOffWatch

    /// Octets of a verb that is not complete.
    private var incoming = ByteBuffer()
    private var output = ConnectionOutput()
    private var effects: [ConnectionEffect] = []

    private var requests: RequestTable
    private var subscriptions: [UInt64: (subject: Subject, queueGroup: Subject?)] = [:]
    private var nextSubscription: UInt64 = 2
    /// The subscription that all answers come by.
    private static let inbox: UInt64 = 1

    /// - Parameter inbox: a token of subjects that no other client has: letters and digits, by chance.
    package init(_ configuration: ConnectionConfiguration, inbox: String) {
        self.configuration = configuration
        decoder = VerbDecoder(role: .client, limits: configuration.limits)
        cutOff = CutOffWatch(configuration.presence, patience: configuration.cutOffPatience)
        requests = RequestTable(name: inbox, maximum: configuration.maximumRequests)
    }

    /// The server that takes messages now.
    package var server: ServerInfo? { if case .ready(let info) = state { info } else { nil } }

    /// Requests that wait for an answer.
    package var outstandingRequests: Int { requests.count }

    // MARK: The socket

    /// The TCP connection is there, and the server's INFO is to come.
    package mutating func opened(_ now: NIODeadline) {
        state = .awaitingInfo
        handshakeDeadline = now + configuration.handshakeTimeout
        complaint = nil
        isLeaving = false
        output = ConnectionOutput()
    }

    /// The TLS handshake is complete.
    package mutating func secured(_ now: NIODeadline) {
        guard case .securing(let info) = state else { return }
        greet(info)
    }

    /// Takes what was read from the socket.
    package mutating func receive(_ octets: ByteBuffer, _ now: NIODeadline) {
        guard isOpen else { return }
        outstandingPings = 0
        pingDue = now + configuration.pingInterval
        if incoming.readableBytes == 0 {
            incoming = octets
        } else {
            incoming.discardReadBytes()
            incoming.writeImmutableBuffer(octets)
        }
        do throws(VerbError) {
            while isOpen, let verb = try decoder.next(from: &incoming) { receive(verb, now) }
        } catch {
            close(.malformed(error.detail))
        }
        if incoming.readableBytes == 0 { incoming = ByteBuffer() }
    }

    /// The socket was closed, by whomever.
    package mutating func ended(_ failure: ConnectionFailure) {
        close(complaint.map { .refused($0) } ?? failure)
    }

    /// Ends the connection, if there is one. What is to be written before goes out with `takeOutput`.
    package mutating func close(_ failure: ConnectionFailure) {
        guard isOpen else { return }
        state = .idle
        (handshakeDeadline, pingDue) = (.distantFuture, .distantFuture)
        outstandingPings = 0
        incoming = ByteBuffer()
        for request in requests.takeAll() where !cutOff.hasAsked(request) {
            effects.append(.answered(request, .disconnected))
        }
        cutOff.end()
        effects.append(.closed(failure))
    }

    private var isOpen: Bool { if case .idle = state { false } else { true } }

    // MARK: Time

    /// When `advance` has something to do.
    package var nextDeadline: NIODeadline {
        let questions = isReady ? min(pingDue, cutOff.due) : .distantFuture
        return min(handshakeDeadline, questions, requests.nextDeadline ?? .distantFuture)
    }

    package mutating func advance(_ now: NIODeadline) {
        while let request = requests.takeExpired(now) {
            if !cutOff.take(isAnswered: false, to: request, now) { effects.append(.answered(request, .timedOut)) }
        }
        if now >= handshakeDeadline { return close(.handshakeTimedOut) }
        if isReady, cutOff.isOver(now) { return close(.cutOff) }
        if isReady, now >= cutOff.due, let subject = cutOff.subject {
            cutOff.asked(try? request(Publication(to: subject), deadline: now + CutOffWatch.interval), now)
        }
        guard isReady, now >= pingDue else { return }
        guard outstandingPings < configuration.maximumOutstandingPings else { return close(.silent) }
        outstandingPings += 1
        pingDue = now + configuration.pingInterval
        output.write(.ping)
    }

    private var isReady: Bool { server != nil }

    // MARK: What comes out

    /// What is to be written, in order.
    package mutating func takeOutput() -> [ByteBuffer] { output.isEmpty ? [] : output.take() }

    /// What is to be done, in order.
    package mutating func takeEffects() -> [ConnectionEffect] {
        if effects.isEmpty { return [] }
        var taken: [ConnectionEffect] = []
        swap(&taken, &effects)
        return taken
    }

    // MARK: Messages

    /// Subscribes now, and again on every later connection.
    package mutating func subscribe(_ subject: Subject, queueGroup: Subject? = nil) -> SubscriptionIdentifier {
        let number = nextSubscription
        nextSubscription += 1
        subscriptions[number] = (subject, queueGroup)
        if isGreeted {
            output.write(.subscribe(subject: subject.octets, queueGroup: queueGroup?.octets, identifier: number))
        }
        return SubscriptionIdentifier(number: number)
    }

    /// Messages that are under way do not come any more.
    package mutating func unsubscribe(_ subscription: SubscriptionIdentifier) {
        guard subscriptions.removeValue(forKey: subscription.number) != nil, isGreeted else { return }
        output.write(.unsubscribe(identifier: subscription.number, after: nil))
    }

    package mutating func publish(_ publication: Publication) throws(SendFailure) {
        guard case .ready(let info) = state else { throw .notConnected }
        let size = (publication.headers?.octets.readableBytes ?? 0) + publication.payload.readableBytes
        guard size <= info.maximumPayload else { throw .tooLarge(maximum: info.maximumPayload) }
        output.write(publication)
    }

    /// Publishes, and reports what becomes of it by one `ConnectionEffect.answered`.
    package mutating func request(
        _ publication: Publication,
        deadline: NIODeadline
    ) throws(SendFailure) -> RequestIdentifier {
        guard isReady else { throw .notConnected }
        guard let request = requests.add(deadline: deadline) else { throw .tooManyRequests }
        var publication = publication
        publication.replyTo = requests.replySubject(of: request)
        do throws(SendFailure) {
            try publish(publication)
        } catch {
            _ = requests.take(requests.replySubject(of: request))
            throw error
        }
        return request
    }

    // MARK: Verbs of the server

    private mutating func receive(_ verb: Verb, _ now: NIODeadline) {
        complaint = nil
        switch verb {
        case .info(let json): receive(info: json)
        case .message(let identifier, let publication): receive(publication, by: identifier, now)
        case .ping: output.write(.pong)
        case .pong:
            guard case .greeting(let info) = state else { return }
            state = .ready(info)
            handshakeDeadline = .distantFuture
            pingDue = now + configuration.pingInterval
            cutOff.begin(now)
            effects.append(.ready(info))
            noticeLameDuck(info)
        case .error(let text):
            let text = String(buffer: text)
            complaint = text  // until the server goes on
            effects.append(.complained(text))
        case .ok: break
        case .connect, .publish, .subscribe, .unsubscribe: break  // which the decoder of a client refuses
        }
    }

    private mutating func receive(_ publication: Publication, by identifier: UInt64, _ now: NIODeadline) {
        guard identifier == Self.inbox else {
            guard subscriptions[identifier] != nil else { return }
            return effects.append(.message(SubscriptionIdentifier(number: identifier), publication))
        }
        // An answer that comes too late is nobody's.
        guard let request = requests.take(publication.subject) else { return }
        let isEmpty = publication.payload.readableBytes == 0
        let isUnheard = isEmpty && publication.headers?.status == 503
        if cutOff.take(isAnswered: !isUnheard, to: request, now) { return }
        effects.append(.answered(request, isUnheard ? .noResponders : .answer(publication)))
    }

    private mutating func receive(info json: ByteBuffer) {
        guard let info = ServerInfo(json: json) else { return close(.malformedInfo) }
        switch state {
        case .idle, .securing: break
        case .awaitingInfo: meet(info)
        case .greeting: state = .greeting(info)
        case .ready(let earlier):
            state = .ready(info)
            if info.connectURLs != earlier.connectURLs { effects.append(.informed(info)) }
            noticeLameDuck(info)
        }
    }

    private mutating func noticeLameDuck(_ info: ServerInfo) {
        guard info.isLameDuck == true, !isLeaving else { return }
        isLeaving = true
        effects.append(.lameDuck)
    }

    /// Judges a server by its first INFO, which comes in the clear also where TLS follows.
    private mutating func meet(_ info: ServerInfo) {
        guard let version = ServerVersion(info.version), version >= .least else {
            return close(.versionTooOld(found: String(info.version.prefix(32))))
        }
        guard info.hasHeaders == true else { return close(.headersUnsupported) }
        guard configuration.requiresTLS else {
            return info.requiresTLS == true ? close(.tlsRequired) : greet(info)
        }
        guard info.requiresTLS == true || info.offersTLS == true else { return close(.tlsUnsupported) }
        guard incoming.readableBytes == 0 else { return close(.octetsBeforeTLS) }
        state = .securing(info)
        effects.append(.startTLS)
    }

    private mutating func greet(_ info: ServerInfo) {
        do throws(ConnectionFailure) {
            guard let connect = try ConnectOptions(configuration, nonce: info.nonce).octets else {
                throw .credentialsTooLong
            }
            output.write(.connect(connect))
        } catch {
            return close(error)
        }
        output.write(.subscribe(subject: requests.inbox.octets, queueGroup: nil, identifier: Self.inbox))
        for (number, (subject, queueGroup)) in subscriptions.sorted(by: { $0.key < $1.key }) {
            output.write(.subscribe(subject: subject.octets, queueGroup: queueGroup?.octets, identifier: number))
        }
        output.write(.ping)
        state = .greeting(info)
    }

    /// Whether the server was told the subscriptions.
    private var isGreeted: Bool {
        switch state {
        case .greeting, .ready: true
        case .idle, .awaitingInfo, .securing: false
        }
    }
}
