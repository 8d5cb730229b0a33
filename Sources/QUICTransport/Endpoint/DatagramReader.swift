internal import NIOCore

/// Hands what SwiftNIO reads to the endpoint.
final class DatagramReader: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>

    /// Keeps the endpoint alive for as long as its socket is open.
    private let endpoint: QUICEndpoint

    init(endpoint: QUICEndpoint) {
        self.endpoint = endpoint
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.endpoint.receive(self.unwrapInboundIn(data))
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        self.endpoint.finishBurst()
    }

    /// Errors that do not close the socket need nothing; those that do are followed by `channelInactive`.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {}

    func channelInactive(context: ChannelHandlerContext) {
        self.endpoint.socketClosed(context.channel)
    }
}
