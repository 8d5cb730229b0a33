import MQTTBroker
import MQTTCodec
import NIOCore
import NIOTLS

/// The last handler of a TCP channel's pipeline, and the transport of its MQTT connection: hands octets that are read to the
/// shard of the channel's loop, and writes the shard's output.
final class TCPConnectionHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let runner: ShardRunner
    private let admission: Admission
    /// Holds back the octets before CONNECT; `nil` once CONNECT was read.
    private var first: FirstOctetsHandler?
    /// `nil` before the channel is active, once it is closed, and if the listener has refused it.
    private var connection: Connection?
    private var context: ChannelHandlerContext?
    private var isReadingPaused = false
    /// A `read()` that came while reading was paused.
    private var isReadDue = false
    private var hasWritten = false
    /// Closes the channel if the peer does not.
    private var linger: Scheduled<Void>?
    /// Checks once an interval, while the channel is not writable, whether the peer reads.
    private var progress: Scheduled<Void>?

    /// Time for a peer to read the last output; then the socket is closed.
    private static let lingerTimeout = TimeAmount.seconds(5)
    /// Time for a peer to close its side after the broker has closed its own.
    private static let closeTimeout = TimeAmount.seconds(1)
    private static let progressInterval = TimeAmount.seconds(1)

    init(runner: ShardRunner, admission: Admission, first: FirstOctetsHandler) {
        self.runner = runner
        self.admission = admission
        self.first = first
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelActive(context: ChannelHandlerContext) {
        guard admission.enter() else {
            runner.tell(.tooManyConnections, of: peer(context))
            abandon(context)
            return
        }
        connection = runner.accept(self, from: peer(context))
    }

    private func peer(_ context: ChannelHandlerContext) -> Peer {
        Peer(address: context.remoteAddress, listener: admission.listener)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if let connection { runner.receive(Self.unwrapInboundIn(data), on: connection) }
        guard let first else { return }
        self.first = nil
        first.complete()
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

    /// Octets that are written and not yet given to the system.
    private var waitingBytes: Int? {
        try? context?.channel.syncOptions?.getOption(.bufferedWritableBytes)
    }

    /// The end of the peer's side (`inputClosed`) leaves the broker's side open, since the peer may wait for answers.
    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case TLSUserEvent.handshakeCompleted:
            if context.hasShownExpiredCertificate {
                runner.tell(.handshakeFailed, of: peer(context), detail: "certificate_expired")
                abandon(context)
                return
            }
            // Packets come after the handshake, so that the certificate is known when CONNECT is handled.
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
        first = nil
        guard let connection else { return }
        self.connection = nil
        progress?.cancel()
        progress = nil
        linger?.cancel()
        admission.leave()
        runner.closed(connection)
    }

    /// An error of the socket or of TLS closes the channel, and `channelInactive` tells the shard. After the end of a TLS
    /// session without close_notify `inputClosed` follows.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if error.isUncleanShutdown { return }
        if let failure = error.handshakeFailure {
            runner.tell(.handshakeFailed, of: peer(context), detail: failure)
        }
        abandon(context)
    }

    /// Closes the channel without waiting for the peer to read. TLS still waits for the peer's close_notify.
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
        // A socket that is closed with octets unread resets the connection, and the peer loses what it has not read yet of
        // the last output (RFC 1122 §4.2.2.13). So octets are read and ignored until the peer closes too.
        setReadingPaused(false)
        close(in: Self.lingerTimeout)
        // The promise of an empty write succeeds when everything written before it has been sent.
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
