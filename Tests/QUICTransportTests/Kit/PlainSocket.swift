import NIOCore
import NIOPosix

@testable import QUICTransport

/// A UDP socket that knows nothing of QUIC.
final class PlainSocket: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>

    private(set) var received: [AddressedEnvelope<ByteBuffer>] = []
    /// Takes datagrams instead of `received`.
    var onReceived: ((AddressedEnvelope<ByteBuffer>) -> Void)?
    private var channel: (any Channel)?

    static func bind(
        _ host: String = "127.0.0.1",
        on loop: any EventLoop,
        isolation: isolated (any Actor)? = #isolation
    ) async throws -> PlainSocket {
        let socket = PlainSocket()
        let bound = NIOLoopBound(socket, eventLoop: loop)
        socket.channel = try await DatagramBootstrap(group: loop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(bound.value)
                }
            }
            .bind(host: host, port: 0).get()
        return socket
    }

    var address: SocketAddress {
        get throws {
            guard let address = self.channel?.localAddress else { throw SceneError.timeout("bind") }
            return address
        }
    }

    func send(_ bytes: ByteBuffer, to address: SocketAddress) {
        self.channel?.writeAndFlush(AddressedEnvelope(remoteAddress: address, data: bytes), promise: nil)
    }

    func close(isolation: isolated (any Actor)? = #isolation) async throws {
        try await self.channel?.close().get()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let envelope = self.unwrapInboundIn(data)
        if let onReceived = self.onReceived { onReceived(envelope) } else { self.received.append(envelope) }
    }
}

/// First datagrams of honest clients.
enum Initials {
    static func capture(_ count: Int, in scene: isolated Scene) async throws -> [ByteBuffer] {
        let plain = try await PlainSocket.bind(on: scene.loop)
        let client = try await scene.client()
        var connections: [(QUICConnection, Recorder)] = []
        var seen = Set<[UInt8]>()
        var initials: [ByteBuffer] = []
        // As many at once as the socket has room for: what it drops comes again all together, and is dropped again.
        for begin in stride(from: 0, to: count, by: 32) {
            let end = min(count, begin + 32)
            for _ in begin..<end { connections.append(try scene.start(client, to: plain.address)) }
            try await scene.until("initials") {
                for envelope in plain.received {
                    let destination = Array(buffer: envelope.data.getSlice(at: 6, length: 17) ?? ByteBuffer())
                    if seen.insert(destination).inserted { initials.append(envelope.data) }
                }
                return initials.count == end
            }
        }
        for (connection, _) in connections { connection.close(applicationError: 0, reason: "") }
        try await plain.close()
        return initials
    }
}
