import MQTTBroker
import NIOCore

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

    /// How long a peer may take to read its last octets before the socket is closed all the same.
    private static let lingerTimeout = TimeAmount.seconds(5)

    init(runner: ShardRunner, admission: Admission) {
        self.runner = runner
        self.admission = admission
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelActive(context: ChannelHandlerContext) {
        guard admission.enter() else {
            context.close(promise: nil)
            return
        }
        connection = runner.accept(self, from: Peer(address: context.remoteAddress, listener: admission.listener))
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if let connection { runner.receive(Self.unwrapInboundIn(data), on: connection) }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if let connection { runner.setBlocked(!context.channel.isWritable, connection) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        guard let connection else { return }
        self.connection = nil
        admission.leave()
        runner.closed(connection)
    }

    /// A socket's error ends its connection; the shard hears of it by `channelInactive`.
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    func read(context: ChannelHandlerContext) {
        if isReadingPaused { isReadDue = true } else { context.read() }
    }
}

extension TCPConnectionHandler: ConnectionTransport {
    func write(_ output: Output) {
        guard let context else { return }
        for part in output.parts { context.write(Self.wrapOutboundOut(part), promise: nil) }
        context.writeAndFlush(Self.wrapOutboundOut(output.buffer), promise: nil)
    }

    func close() {
        guard let context else { return }
        // An empty write is done when everything before it is.
        let promise = context.eventLoop.makePromise(of: Void.self)
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        let linger = context.eventLoop.assumeIsolated().scheduleTask(in: Self.lingerTimeout) {
            bound.value.close(promise: nil)
        }
        promise.futureResult.assumeIsolated().whenComplete { _ in
            linger.cancel()
            bound.value.close(promise: nil)
        }
        context.writeAndFlush(Self.wrapOutboundOut(ByteBuffer()), promise: promise)
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
