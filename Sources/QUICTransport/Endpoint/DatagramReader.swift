internal import NIOCore

/// The channel handler of an endpoint's UDP socket: it passes the datagrams that SwiftNIO reads to the endpoint.
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
        self.endpoint.finishRead()
    }

    /// An error that closes the socket is followed by `channelInactive`; others need no action.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {}

    func channelInactive(context: ChannelHandlerContext) {
        self.endpoint.socketClosed(context.channel)
    }
}
