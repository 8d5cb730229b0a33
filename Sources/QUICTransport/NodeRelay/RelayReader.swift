internal import NIOCore

/// The channel handler of a relay's UDP socket: it passes the frames that SwiftNIO reads to the relay.
final class RelayReader: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>

    /// Keeps the relay alive for as long as its socket is open.
    private let home: RelayHome

    init(home: RelayHome) {
        self.home = home
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { self.home.receive(self.unwrapInboundIn(data)) }
    func channelReadComplete(context: ChannelHandlerContext) { self.home.finishBurst() }

    /// An error that closes the socket is followed by `channelInactive`; others need no action.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {}

    func channelInactive(context: ChannelHandlerContext) { self.home.socketClosed(context.channel) }
}
