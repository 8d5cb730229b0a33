import NIOCore
import QUICTransport

/// Holds back the first octets of a TCP client, a ClientHello or CONNECT, until its loop has time for them. The
/// handler is the first of the channel's pipeline, and leaves the pipeline once CONNECT was read.
final class FirstOctetsHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// How far the client is.
    private enum State {
        /// The client has sent nothing.
        case silent
        /// What the client has sent waits. Nothing more is read meanwhile.
        case waiting(first: ByteBuffer, more: [ByteBuffer])
        case begun(HandshakePace.Start)
        case over
    }

    let admission: Admission
    private let gate: HandshakeGate
    /// True if a client that has half-closed can still be served; false if it waits for a TLS handshake.
    private let servesHalfClosed: Bool
    private var state = State.silent
    private var context: ChannelHandlerContext?
    private var isReadDue = false
    private var isHalfClosed = false

    init(_ gate: HandshakeGate, admission: Admission, isTLS: Bool) {
        self.gate = gate
        self.admission = admission
        servesHalfClosed = !isTLS
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch state {
        case .silent:
            state = .waiting(first: Self.unwrapInboundIn(data), more: [])
            gate.arrive(self)
        case .waiting(let first, var more):
            more.append(Self.unwrapInboundIn(data))
            state = .waiting(first: first, more: more)
        case .begun:
            let begun = HandshakeGate.now
            context.fireChannelRead(data)
            gate.didWork(cost: HandshakeGate.now - begun)
        case .over:
            context.fireChannelRead(data)
        }
    }

    /// Passes the client's first octets on, since the loop has time for the handshake.
    func begin(_ start: HandshakePace.Start) {
        guard case .waiting(let first, let more) = state, let context else { return gate.end(start) }
        state = .begun(start)
        // The handler leaves the pipeline meanwhile if CONNECT is whole, and its context leads nowhere then.
        let pipeline = context.channel.pipeline.syncOperations
        context.fireChannelRead(Self.wrapInboundOut(first))
        for octets in more { pipeline.fireChannelRead(Self.wrapInboundOut(octets)) }
        pipeline.fireChannelReadComplete()
        if isHalfClosed { pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed) }
        guard isReadDue else { return }
        isReadDue = false
        pipeline.read()
    }

    /// The client's CONNECT was read.
    func complete() {
        guard case .begun(let start) = state else { return }
        state = .over
        gate.complete(start)
        if let context { context.pipeline.syncOperations.removeHandler(self, promise: nil) }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if case .waiting = state { return }
        context.fireChannelReadComplete()
    }

    func read(context: ChannelHandlerContext) {
        if case .waiting = state { isReadDue = true } else { context.read() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case .waiting = state, case ChannelEvent.inputClosed? = event as? ChannelEvent else {
            context.fireUserInboundEventTriggered(event)
            return
        }
        isHalfClosed = true
        if !servesHalfClosed { context.close(promise: nil) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        switch state {
        case .waiting: gate.leave(self)
        case .begun(let start): gate.end(start)
        case .silent, .over: break
        }
        state = .over
        context.fireChannelInactive()
    }
}
