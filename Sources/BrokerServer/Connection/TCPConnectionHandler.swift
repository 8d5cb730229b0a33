import MQTTBroker
import MQTTCodec
import NIOCore
import NIOTLS

/// The end of a TCP channel: its octets go to the shard of its loop, and the shard's come back.
final class TCPConnectionHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let runner: ShardRunner
    private let admission: Admission
    private var connection: Connection?
    private var context: ChannelHandlerContext?
    private var isReadingPaused = false
    private var isReadDue = false
    private var hasWritten = false
    private var linger: Scheduled<Void>?
    /// Looks at what a slow peer takes while the channel is not writable.
    private var progress: Scheduled<Void>?

    /// How long a peer may take to read its last octets before the socket is closed all the same.
    private static let lingerTimeout = TimeAmount.seconds(5)
    /// How long a peer that has been told the end may take to close its side.
    private static let closeTimeout = TimeAmount.seconds(1)
    private static let progressInterval = TimeAmount.seconds(1)

    init(runner: ShardRunner, admission: Admission) {
        self.runner = runner
        self.admission = admission
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelActive(context: ChannelHandlerContext) {
        guard admission.enter() else {
            abandon(context)
            return
        }
        connection = runner.accept(self, from: Peer(address: context.remoteAddress, listener: admission.listener))
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if let connection { runner.receive(Self.unwrapInboundIn(data), on: connection) }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        guard let connection else { return }
        let isBlocked = !context.channel.isWritable
        progress?.cancel()
        progress = nil
        if isBlocked { watchProgress() }
        runner.setBlocked(isBlocked, connection)
    }

    private func watchProgress() {
        guard let context, let before = waitingBytes else { return }
        progress = context.eventLoop.assumeIsolated().scheduleTask(in: Self.progressInterval) {
            if let connection = self.connection, let left = self.waitingBytes, left < before {
                self.runner.progressed(connection)
            }
            self.watchProgress()
        }
    }

    /// Octets that the system has not taken.
    private var waitingBytes: Int? {
        try? context?.channel.syncOptions?.getOption(.bufferedWritableBytes)
    }

    /// A peer that has ended its side may still wait for answers.
    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case TLSUserEvent.handshakeCompleted:
            if context.hasShownExpiredCertificate {
                abandon(context)
                return
            }
            // Known from the first packet on, which comes after this.
            guard let connection, let certificate = Peer.Certificate(context) else { break }
            runner.identified(connection, by: Peer.Identity(certificate: certificate))
        case ChannelEvent.inputClosed:
            if let connection { runner.finished(connection) }
        default:
            break
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        guard let connection else { return }
        self.connection = nil
        progress?.cancel()
        progress = nil
        linger?.cancel()
        admission.leave()
        runner.closed(connection)
    }

    /// A socket's error ends its connection; the shard hears of it by `channelInactive`. A ragged end is followed by that of
    /// the input.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if !error.isRaggedEnd { abandon(context) }
    }

    /// Closes at once. The peer's end is all that TLS waits for then.
    private func abandon(_ context: ChannelHandlerContext) {
        try? context.channel.syncOptions?.setOption(.allowRemoteHalfClosure, value: false)
        context.close(promise: nil)
    }

    func read(context: ChannelHandlerContext) {
        if isReadingPaused { isReadDue = true } else { context.read() }
    }
}

extension TCPConnectionHandler: ConnectionTransport {
    func write(_ output: Output) {
        guard let context else { return }
        hasWritten = true
        for part in output.parts { context.write(Self.wrapOutboundOut(part), promise: nil) }
        context.writeAndFlush(Self.wrapOutboundOut(output.buffer), promise: nil)
    }

    func close(_ reason: ReasonCode?) {
        guard let context, linger == nil else { return }
        guard hasWritten else {
            abandon(context)
            return
        }
        // To close while the peer still sends would reset the connection, and take from the peer what it has not read of
        // the last words (RFC 1122 §4.2.2.13). So its octets are read, to no purpose, until it closes too.
        setReadingPaused(false)
        close(in: Self.lingerTimeout)
        // An empty write is done when everything before it is.
        let promise = context.eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenSuccess {
            self.context?.close(mode: .output, promise: nil)
            self.close(in: Self.closeTimeout)
        }
        context.writeAndFlush(Self.wrapOutboundOut(ByteBuffer()), promise: promise)
    }

    private func close(in time: TimeAmount) {
        guard let context else { return }
        linger?.cancel()
        linger = context.eventLoop.assumeIsolated().scheduleTask(in: time) {
            if let context = self.context { self.abandon(context) }
        }
    }

    func setReadingPaused(_ isPaused: Bool) {
        if isPaused == isReadingPaused { return }
        isReadingPaused = isPaused
        if !isPaused, isReadDue, let context {
            isReadDue = false
            context.read()
        }
    }
}
