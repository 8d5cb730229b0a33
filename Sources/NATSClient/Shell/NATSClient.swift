package import NIOCore
import NIOPosix

/// A client of a NATS cluster, on one event loop: it stays connected to one of the servers, and goes to the next one when a connection
/// ends. All methods are called on the loop, and all that it tells comes on the loop.
package final class NATSClient {
    package let configuration: ClientConfiguration
    package let eventLoop: any EventLoop
    private let tls: TLSContext?
    private var connection: NATSConnection
    private var rotation: ServerRotation
    private var random = SystemRandomNumberGenerator()

    private var server: ServerAddress?
    private var channel: (any Channel)?
    private var timer: Scheduled<Void>?
    private var timerDeadline = NIODeadline.distantFuture
    private var attempt: Scheduled<Void>?
    private var isFlushScheduled = false
    private(set) var isStopped = false

    private var subscribers: [SubscriptionIdentifier: (Publication) -> Void] = [:]
    private var requesters: [RequestIdentifier: EventLoopPromise<Reply>] = [:]
    private var onEvent: (ClientEvent) -> Void
    /// Is called on the loop when `isWritable` becomes true again.
    package var onWritable: () -> Void = {}

    /// - Parameter onEvent: is called on the loop.
    /// - Throws: for authorities and identities that are no PEM certificates and keys.
    package init(
        _ configuration: ClientConfiguration,
        on eventLoop: any EventLoop,
        onEvent: @escaping (ClientEvent) -> Void = { _ in }
    ) throws {
        self.configuration = configuration
        self.eventLoop = eventLoop
        self.onEvent = onEvent
        let isByTLS = configuration.connection.requiresTLS
        tls = isByTLS ? try TLSContext(configuration.trust, configuration.identity) : nil
        connection = NATSConnection(configuration.connection, inbox: Self.token())
        rotation = ServerRotation(configuration.servers, first: configuration.first ?? .random(in: 0...Int(UInt16.max)))
    }

    /// A token that nobody else has: 22 letters and digits, some 130 bits.
    package static func token() -> String {
        let letters = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
        return String((0..<22).map { _ in letters[Int.random(in: 0..<letters.count)] })
    }

    package func start() { connectNext() }

    /// Ends the connection once what was published is written, and makes no other.
    package func stop() -> EventLoopFuture<Void> {
        isStopped = true
        attempt?.cancel()
        let closed = channel?.closeFuture ?? eventLoop.makeSucceededVoidFuture()
        connection.close(.closedHere)
        carryOut()
        return closed
    }

    /// Goes to the next server, since this one is cut off from the others.
    package func leaveCutOffServer() {
        connection.close(.cutOff)
        carryOut()
    }

    /// True while messages can be sent.
    package var isReady: Bool { connection.server != nil }

    /// The server that takes messages now.
    package var serverInfo: ServerInfo? { connection.server }

    /// Where the server is that takes messages now; `nil` without one.
    package var serverAddress: ServerAddress? { isReady ? server : nil }

    /// False while the socket takes no more octets for now: publishers should wait.
    package var isWritable: Bool { channel?.isWritable ?? false }

    // MARK: Messages

    /// Subscribes on this connection and all later ones.
    package func subscribe(
        _ subject: Subject,
        queueGroup: Subject? = nil,
        _ onMessage: @escaping (Publication) -> Void
    ) -> SubscriptionIdentifier {
        let subscription = connection.subscribe(subject, queueGroup: queueGroup)
        subscribers[subscription] = onMessage
        scheduleFlush()
        return subscription
    }

    package func unsubscribe(_ subscription: SubscriptionIdentifier) {
        subscribers[subscription] = nil
        connection.unsubscribe(subscription)
        scheduleFlush()
    }

    /// Publishes, once at most. The message leaves at the end of the loop's tick.
    package func publish(_ publication: Publication) throws(SendFailure) {
        try connection.publish(publication)
        scheduleFlush()
    }

    /// Publishes messages, each once at most, and writes them at once: for a caller that has gathered those of a tick itself. What the
    /// connection does not take is left out.
    package func publish(_ publications: [Publication]) {
        for publication in publications { try? connection.publish(publication) }
        carryOut()
    }

    /// Publishes, and waits for one answer. It fails only with `SendFailure`, if nothing was sent.
    package func request(_ publication: Publication, timeout: TimeAmount? = nil) -> EventLoopFuture<Reply> {
        let promise = eventLoop.makePromise(of: Reply.self)
        do throws(SendFailure) {
            let deadline = NIODeadline.now() + (timeout ?? configuration.requestTimeout)
            requesters[try connection.request(publication, deadline: deadline)] = promise
            scheduleFlush()
        } catch {
            promise.fail(error)
        }
        return promise.futureResult
    }

    // MARK: The connection

    private func connectNext() {
        guard !isStopped, channel == nil, let (server, pause) = rotation.take(using: &random) else { return }
        let loopBound = NIOLoopBound(self, eventLoop: eventLoop)
        guard pause > .zero else { return connect(to: server) }
        attempt = eventLoop.scheduleTask(in: pause) { loopBound.value.connect(to: server) }
    }

    private func connect(to server: ServerAddress) {
        guard !isStopped else { return }
        self.server = server
        let handler = NIOLoopBound(NATSChannelHandler(self), eventLoop: eventLoop)
        ClientBootstrap(group: eventLoop)
            .connectTimeout(configuration.connectTimeout)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(handler.value) }
            }
            .connect(host: server.host, port: server.port)
            .assumeIsolated()
            .whenFailure { error in
                self.onEvent(.disconnected(ConnectionFailure(connecting: error), server))
                self.connectNext()
            }
    }

    func opened(_ channel: any Channel) {
        guard !isStopped else { return channel.close(promise: nil) }
        self.channel = channel
        connection.opened(.now())
        carryOut()
    }

    func secured() {
        connection.secured(.now())
        carryOut()
    }

    func received(_ octets: ByteBuffer) {
        connection.receive(octets, .now())
        carryOut()
    }

    func writabilityChanged(_ channel: any Channel) {
        if self.channel === channel, channel.isWritable { onWritable() }
    }

    func ended(_ failure: ConnectionFailure, _ channel: any Channel) {
        guard self.channel === channel else { return }
        connection.ended(failure)
        carryOut()
    }

    // MARK: What the connection wants

    /// One task at the end of the loop's tick for all that was sent in it.
    private func scheduleFlush() {
        guard !isFlushScheduled else { return }
        isFlushScheduled = true
        let loopBound = NIOLoopBound(self, eventLoop: eventLoop)
        eventLoop.execute { loopBound.value.carryOut() }
    }

    private func carryOut() {
        isFlushScheduled = false
        while true {
            let effects = connection.takeEffects()
            guard !effects.isEmpty else { break }
            for effect in effects { carryOut(effect) }
        }
        write()
        setTimer()
    }

    private func write() {
        guard let channel else { return }
        let pieces = connection.takeOutput()
        guard !pieces.isEmpty else { return }
        for piece in pieces { channel.write(piece, promise: nil) }
        channel.flush()
    }

    private func carryOut(_ effect: ConnectionEffect) {
        switch effect {
        case .startTLS: startTLS()
        case .ready(let info):
            rotation.succeeded()
            if let server { onEvent(.ready(info, server)) }
        case .informed: break
        case .lameDuck: connection.close(.lameDuck)
        case .message(let subscription, let publication): subscribers[subscription]?(publication)
        case .answered(let request, let reply): requesters.removeValue(forKey: request)?.succeed(reply)
        case .complained(let text): onEvent(.complained(text))
        case .closed(let failure):
            write()
            let closing = channel
            channel = nil
            closing?.close(promise: nil)
            if let server { onEvent(.disconnected(failure, server)) }
            connectNext()
        }
    }

    private func startTLS() {
        guard let channel, let tls, let server else { return }
        do {
            try channel.pipeline.syncOperations.addHandler(tls.handler(for: server), position: .first)
        } catch {
            connection.close(ConnectionFailure(tls: error))
        }
    }

    private func setTimer() {
        let deadline = connection.nextDeadline
        // A timer that fires too early looks again.
        guard deadline < timerDeadline else { return }
        timer?.cancel()
        timerDeadline = deadline
        let loopBound = NIOLoopBound(self, eventLoop: eventLoop)
        timer = eventLoop.scheduleTask(deadline: deadline) { loopBound.value.advance() }
    }

    private func advance() {
        timerDeadline = .distantFuture
        connection.advance(.now())
        carryOut()
    }
}

extension ConnectionFailure {
    /// Why there is no TCP connection: of several addresses of a name, the first one's reason.
    fileprivate init(connecting error: any Error) {
        guard let error = error as? NIOConnectionError else {
            self = .transport("\(error)")
            return
        }
        let reason = error.connectionErrors.first.map { "\($0.error)" }
        self = .transport(reason ?? "the server's name cannot be resolved")
    }
}
