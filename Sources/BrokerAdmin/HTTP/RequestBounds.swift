import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Closes a connection whose request has too long a body, or takes too long to arrive.
final class RequestBounds: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart

    private let maximumBody: Int
    private let patience: TimeAmount
    private var octets = 0
    private var deadline: Scheduled<Void>?

    /// - Parameters:
    ///   - maximumBody: octets of a request's body.
    ///   - patience: how long a request may take to arrive.
    init(maximumBody: Int, patience: TimeAmount) {
        self.maximumBody = maximumBody
        self.patience = patience
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head:
            octets = 0
            deadline = context.eventLoop.assumeIsolated().scheduleTask(in: patience) {
                context.close(promise: nil)
            }
        case .body(let part):
            octets += part.readableBytes
            if octets > maximumBody { return context.close(promise: nil) }
        case .end:
            deadline?.cancel()
            deadline = nil
        }
        context.fireChannelRead(data)
    }

    func handlerRemoved(context: ChannelHandlerContext) { deadline?.cancel() }
}
