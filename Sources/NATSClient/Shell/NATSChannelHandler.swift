import NIOCore
import NIOSSL
import NIOTLS

/// The handler at the end of a connection's pipeline. It holds the client until the channel is closed.
final class NATSChannelHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let client: NATSClient
    private var failure = ConnectionFailure.transport("the server closed the connection")

    init(_ client: NATSClient) { self.client = client }

    func channelActive(context: ChannelHandlerContext) { client.opened(context.channel) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { client.received(unwrapInboundIn(data)) }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        client.writabilityChanged(context.channel)
        context.fireChannelWritabilityChanged()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case TLSUserEvent.handshakeCompleted = event { client.secured() }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        failure = ConnectionFailure(tls: error)
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) { client.ended(failure, context.channel) }
}
