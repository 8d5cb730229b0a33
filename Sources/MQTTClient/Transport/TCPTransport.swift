import NIOCore
import NIOPosix
import NIOTLS
import QUICTransport

/// MQTT on a TCP connection, with TLS or without.
final class TCPTransport: ClientTransport {
    private let address: SocketAddress
    private let local: SocketAddress?
    private let tls: (serverName: String, context: TLSClientContext)?
    /// Present until the channel is closed.
    private var connection: ClientConnection?
    private let eventLoop: any EventLoop
    private var channel: (any Channel)?
    private var context: ChannelHandlerContext?
    /// True once the TLS handshake is complete; octets written before it wait in the TLS handler.
    private var isSecured = false

    /// How long the peer may take to read what was written before a close.
    private static let closeTimeout = TimeAmount.seconds(5)

    init(
        to address: SocketAddress,
        from local: SocketAddress?,
        tls: (serverName: String, context: TLSClientContext)? = nil,
        for connection: ClientConnection
    ) {
        self.address = address
        self.local = local
        self.tls = tls
        self.connection = connection
        eventLoop = connection.loop.eventLoop
    }

    var isWritable: Bool { channel?.isWritable ?? false }

    var isReadingPaused = false {
        didSet {
            guard isReadingPaused != oldValue, let channel else { return }
            channel.setOption(.autoRead, value: !isReadingPaused).whenFailure { _ in }
        }
    }

    func open() {
        let timeout = connection?.control.session.configuration.responseTimeout ?? .seconds(30)
        let handler = NIOLoopBound(TCPHandler(self), eventLoop: eventLoop)
        let tls = tls
        var bootstrap = ClientBootstrap(group: eventLoop)
            .connectTimeout(timeout)
            .channelOption(.socketOption(.so_reuseaddr), value: 1)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    // What is written before the handshake is done waits in its handler.
                    if let tls {
                        try channel.pipeline.syncOperations.addHandler(tls.context.handler(serverName: tls.serverName))
                    }
                    try channel.pipeline.syncOperations.addHandler(handler.value)
                }
            }
        if let local {
            bootstrap = bootstrap.bind(to: local)
            #if os(Linux)
                // The port is chosen at connect, so that each local address has a whole range of them per peer (ip(7)).
                let bindAddressNoPort = ChannelOptions.Types.SocketOption(level: .ip, name: .init(rawValue: 24))
                bootstrap = bootstrap.channelOption(bindAddressNoPort, value: 1)
            #endif
        }
        bootstrap.connect(to: address).assumeIsolated().whenFailure { self.ended(TransportFailure($0)) }
    }

    func write(_ bytes: ByteBuffer) {
        context?.writeAndFlush(NIOAny(bytes), promise: nil)
    }

    /// The addresses of a TCP connection cannot change (RFC 9293 §3.3.1).
    func migrate(to local: SocketAddress, _ migration: QUICEndpoint.Migration) -> EventLoopFuture<Void> {
        eventLoop.makeFailedFuture(ClientError.cannotMigrate)
    }

    func openStream(_ link: ClientLink, priority: UInt16) throws(ClientError) -> any DataStreamTransport {
        throw .streamsNotSupported
    }

    func close(_ lastWords: ClientOutput) {
        guard let loop = connection?.loop else { return }
        connection = nil
        guard let channel else { return }
        var lastWords = lastWords
        while lastWords.readableBytes > 0 { write(lastWords.takePiece(.max)) }
        loop.transportClosing()
        channel.closeFuture.assumeIsolated().whenComplete { _ in loop.transportClosed() }
        guard channel.isActive, tls == nil || isSecured else { return channel.close(promise: nil) }
        let sent = eventLoop.makePromise(of: Void.self)
        sent.futureResult.whenComplete { _ in channel.close(promise: nil) }
        context?.writeAndFlush(NIOAny(ByteBuffer()), promise: sent)
        let deadline = eventLoop.scheduleTask(in: Self.closeTimeout) { channel.close(promise: nil) }
        channel.closeFuture.whenComplete { _ in deadline.cancel() }
    }

    // MARK: Reports of the handler

    fileprivate func added(_ context: ChannelHandlerContext) {
        self.context = context
        channel = context.channel
        if connection == nil { context.close(promise: nil) }
    }

    /// The handler, its context and the channel hold each other until here.
    fileprivate func removed() {
        context = nil
        channel = nil
    }

    fileprivate func activated() {
        guard let connection else { return close(ClientOutput()) }
        connection.opened(self)
    }

    fileprivate func secured() { isSecured = true }

    fileprivate func received(_ bytes: inout ByteBuffer) {
        connection?.received(&bytes, from: self)
    }

    fileprivate func becameWritable() {
        connection?.becameWritable()
    }

    fileprivate func ended(_ failure: TransportFailure) {
        guard let connection else { return }
        self.connection = nil
        connection.closed(self, failure)
    }
}

/// The one handler in the channel's pipeline.
private final class TCPHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let transport: TCPTransport
    private var failure = TransportFailure.closed("by the server")

    init(_ transport: TCPTransport) {
        self.transport = transport
    }

    func handlerAdded(context: ChannelHandlerContext) { transport.added(context) }

    func handlerRemoved(context: ChannelHandlerContext) { transport.removed() }

    func channelActive(context: ChannelHandlerContext) { transport.activated() }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        transport.received(&bytes)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case TLSUserEvent.handshakeCompleted = event { transport.secured() }
        context.fireUserInboundEventTriggered(event)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { transport.becameWritable() }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        failure = TransportFailure(error)
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) { transport.ended(failure) }
}
