import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Closes a connection whose request has too long a body, or takes too long to arrive.
final class RequestBounds: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart

    private let limits: HTTPLimits
    private var octets = 0
    private var deadline: Scheduled<Void>?

    init(_ limits: HTTPLimits) { self.limits = limits }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head:
            octets = 0
            deadline = context.eventLoop.assumeIsolated().scheduleTask(in: limits.patience) {
                context.close(promise: nil)
            }
        case .body(let part):
            octets += part.readableBytes
            if octets > limits.maximumBody { return context.close(promise: nil) }
        case .end:
            deadline?.cancel()
            deadline = nil
        }
        context.fireChannelRead(data)
    }

    func handlerRemoved(context: ChannelHandlerContext) { deadline?.cancel() }
}
