import NIOCore
import QUICTransport

/// A QUIC connection. Its first bidirectional stream is the control stream, further ones are data streams.
final class QUICClientTransport: ClientTransport {
    private let address: SocketAddress
    private let local: SocketAddress
    private let ownsSocket: Bool
    private let configuration: QUICClientConfiguration
    private let loop: ClientLoop
    /// Present until the end is reported.
    private var owner: ClientConnection?
    /// The UDP socket, if it is for this connection alone.
    private var ownEndpoint: QUICEndpoint?
    private var connection: QUICConnection?
    private var stream: QUICStream?
    private var isClosing = false
    /// Data streams that are not over yet.
    private var openStreams = 0
    /// The octets to send once the data streams have ended.
    private var lastWords = ClientOutput()
    private var closeTimer: Scheduled<Void>?

    /// How long the peer may take to acknowledge what was written before a close.
    private static let closeTimeout = TimeAmount.seconds(5)

    init(
        to address: SocketAddress,
        from local: SocketAddress?,
        ownsSocket: Bool,
        configuration: QUICClientConfiguration,
        for owner: ClientConnection
    ) {
        self.address = address
        self.local = local ?? address.unspecified
        self.ownsSocket = ownsSocket
        self.configuration = configuration
        self.owner = owner
        loop = owner.loop
    }

    var isWritable: Bool {
        guard let stream else { return false }
        return !stream.isCongested
    }

    var isReadingPaused = false {
        didSet { stream?.isReadingPaused = isReadingPaused }
    }

    func open() {
        let endpoint = ownsSocket ? loop.makeEndpoint(localAddress: local) : loop.endpoint(localAddress: local)
        endpoint.assumeIsolated().whenComplete { result in
            let endpoint = try? result.get().value
            if self.ownsSocket { self.ownEndpoint = endpoint }
            guard self.owner != nil else { return self.closeSocket() }
            do {
                self.connection = try result.get().value.connect(
                    to: self.address,
                    configuration: self.configuration,
                    delegate: self
                )
            } catch {
                self.closeSocket()
                self.ended(TransportFailure(quic: error))
            }
        }
    }

    func write(_ bytes: ByteBuffer) { stream?.write(bytes) }

    func migrate(to local: SocketAddress, _ migration: QUICEndpoint.Migration) -> EventLoopFuture<Void> {
        guard let connection else { return loop.eventLoop.makeFailedFuture(ClientError.notConnected) }
        return connection.endpoint.rebind(to: local, migration: migration).flatMapErrorThrowing { error in
            throw ClientError.transport(TransportFailure(quic: error))
        }
    }

    func openStream(_ link: ClientLink, priority: UInt16) throws(ClientError) -> any DataStreamTransport {
        guard let connection, self.stream != nil, owner != nil else { throw .notConnected }
        do throws(QUICError) {
            let opened = try connection.openBidirectionalStream()
            opened.priority = priority
            openStreams += 1
            return QUICDataStreamTransport(opened, for: link)
        } catch {
            switch error {
            case .streamLimitReached: throw .streamLimitReached
            case .closed: throw .notConnected
            default: throw .transport(TransportFailure(quic: error))
            }
        }
    }

    func close(_ lastWords: ClientOutput) {
        owner = nil
        guard let connection, !isClosing else { return }
        isClosing = true
        loop.transportClosing()
        guard stream != nil, connection.isOpen else { return closeConnection() }
        self.lastWords = lastWords
        closeTimer = loop.eventLoop.assumeIsolated().scheduleTask(in: Self.closeTimeout) {
            self.sayLastWords()
            self.closeConnection()
        }
        if openStreams == 0 { sayLastWords() }
    }

    /// Sends the last octets on the control stream: the server has received everything that went over data streams.
    private func sayLastWords() {
        guard let stream else { return }
        while lastWords.readableBytes > 0 { stream.write(lastWords.takePiece(.max)) }
        stream.finish()
        if stream.pendingBytes == 0 { closeConnection() }
    }

    /// Ends the connection below the stream; `closed` follows.
    private func closeConnection() {
        closeTimer?.cancel()
        closeTimer = nil
        connection?.close(applicationError: 0, reason: "")
    }

    private func ended(_ failure: TransportFailure) {
        guard let owner else { return }
        self.owner = nil
        owner.closed(self, failure)
    }
}

extension QUICClientTransport: QUICConnectionDelegate {
    func established(_ connection: QUICConnection) {
        guard let owner else { return }
        self.connection = connection
        do throws(QUICError) {
            let stream = try connection.openBidirectionalStream()
            stream.isReadingPaused = isReadingPaused
            self.stream = stream
            owner.opened(self, isEarly: connection.isEarly)
        } catch {
            ended(TransportFailure(quic: error))
            connection.close(applicationError: 0, reason: "")
        }
    }

    func confirmed(_ connection: QUICConnection) { owner?.confirmed(self, connection.earlyData) }

    func received(_ ticket: QUICSessionTicket, on connection: QUICConnection) { owner?.received(ticket, from: self) }

    func received(_ bytes: ByteBuffer, on stream: QUICStream, finished: Bool) {
        guard stream === self.stream else {
            (stream.context as? QUICDataStreamTransport)?.received(bytes, finished: finished)
            return
        }
        guard let owner else { return }
        var bytes = bytes
        if bytes.readableBytes > 0 { owner.received(&bytes, from: self) }
        if finished { streamEnded("by the server") }
    }

    func writable(_ stream: QUICStream) {
        if stream === self.stream {
            owner?.becameWritable()
        } else {
            (stream.context as? QUICDataStreamTransport)?.becameWritable()
        }
    }

    func reset(_ stream: QUICStream, code: UInt64) {
        if stream === self.stream {
            streamEnded("stream reset by the server, code \(code)")
        } else {
            (stream.context as? QUICDataStreamTransport)?.ended(code: code)
        }
    }

    func stopSending(_ stream: QUICStream, code: UInt64) {
        if stream === self.stream {
            streamEnded("stream stopped by the server, code \(code)")
        } else {
            // The other half's end, which may come with it, tells more.
            loop.eventLoop.assumeIsolated().execute {
                (stream.context as? QUICDataStreamTransport)?.ended(code: code)
            }
        }
    }

    func closedStream(_ stream: QUICStream) {
        guard stream === self.stream else {
            openStreams -= 1
            (stream.context as? QUICDataStreamTransport)?.closed()
            if isClosing, openStreams == 0 { sayLastWords() }
            return
        }
        if isClosing { closeConnection() } else { streamEnded("by the server") }
    }

    /// An MQTT server opens no streams, and gets no credit for any.
    func opened(_ stream: QUICStream) { stream.reset(code: 0) }

    func remoteAddressChanged(_ connection: QUICConnection) {}

    func closed(_ connection: QUICConnection, reason: QUICCloseReason) {
        closeTimer?.cancel()
        closeTimer = nil
        self.connection = nil
        stream = nil
        closeSocket()
        if isClosing {
            isClosing = false
            loop.transportClosed()
        }
        ended(TransportFailure(reason))
    }

    private func closeSocket() {
        guard let endpoint = ownEndpoint else { return }
        ownEndpoint = nil
        loop.transportClosing()
        endpoint.close().assumeIsolated().whenComplete { _ in self.loop.transportClosed() }
    }

    /// The end of the control stream is the end of the connection.
    private func streamEnded(_ detail: String) {
        guard owner != nil else { return }
        ended(.closed(detail))
        connection?.close(applicationError: 0, reason: "")
    }
}

extension TransportFailure {
    fileprivate init(quic error: any Error) {
        switch error as? QUICError {
        case .socket(_, let errno): self.init(IOError(errnoCode: errno, reason: "socket"))
        case .certificate(let text), .trustRoots(let text): self = .security(text)
        case let error?: self = .other(error.description)
        case nil: self.init(error)
        }
    }

    fileprivate init(_ reason: QUICCloseReason) {
        switch reason {
        case .handshakeTimeout: self = .timedOut
        case .idleTimeout: self = .idle
        case .statelessReset: self = .closed("the server lost the connection")
        case .versionNegotiation: self = .other("the server speaks no QUIC version of ours")
        case .application(_, let code, let text): self = .closed("code \(code) \(text)")
        case .transport(_, let code, let text):
            if let alert = reason.tlsAlert {
                self = .security(text.isEmpty ? "alert \(alert)" : "\(text) (alert \(alert))")
            } else if code == 2 {
                // CONNECTION_REFUSED (RFC 9000 §20.1).
                self = .refused
            } else {
                self = .closed("QUIC error \(code) \(text)")
            }
        }
    }
}

extension SocketAddress {
    /// Any address of the same family, and any port.
    fileprivate var unspecified: SocketAddress {
        let any = self.protocol == .inet6 ? "::" : "0.0.0.0"
        return (try? SocketAddress(ipAddress: any, port: 0)) ?? self
    }
}
