import CertificateFixture
import Logging
import NIOCore
import NIOPosix
import QUICTransport

/// QUIC in front of a broker that only speaks TCP: the first stream of each connection becomes a TCP connection.
struct QUICBridge: Sendable {
    let port: Int
    private let endpoint: NIOLoopBound<QUICEndpoint>

    init(toTCP tcpPort: Int, certificate: CertificatePair) async throws {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        var configuration = QUICServerConfiguration(
            certificateChain: certificate.certificate,
            privateKey: certificate.key,
            staticSecret: (0..<32).map { _ in UInt8.random(in: 0...255) }
        )
        configuration.resumption = QUICServerResumption(
            keys: TicketKeys(),
            earlyData: EarlyDataStore(window: .seconds(14_400))
        )
        let address = try SocketAddress(ipAddress: "127.0.0.1", port: 0)
        endpoint = try await loop.flatSubmit { [configuration] in
            QUICEndpoint.listen(
                on: address,
                configuration: configuration,
                loop: loop,
                logger: Logger(label: "bridge")
            ) { _ in BridgedConnection(tcpPort: tcpPort, loop: loop) }
        }.get()
        port = try await loop.submit { [endpoint] in endpoint.value.localAddress.port ?? 0 }.get()
    }

    func stop() async {
        try? await endpoint.eventLoop.flatSubmit { [endpoint] in endpoint.value.close() }.get()
    }
}

private final class BridgedConnection: QUICConnectionDelegate {
    private let tcpPort: Int
    private let loop: any EventLoop
    private var channel: (any Channel)?
    /// What came before the TCP connection stood.
    private var early = ByteBuffer()
    private var isFinished = false

    init(tcpPort: Int, loop: any EventLoop) {
        self.tcpPort = tcpPort
        self.loop = loop
    }

    func established(_ connection: QUICConnection) {}

    func opened(_ stream: QUICStream) {
        let answers = NIOLoopBound(BridgedAnswers(stream), eventLoop: loop)
        ClientBootstrap(group: loop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(answers.value) }
            }
            .connect(host: "127.0.0.1", port: tcpPort)
            .assumeIsolated()
            .whenComplete { result in
                switch result {
                case .success(let channel): self.connected(channel)
                case .failure: stream.reset(code: 0)
                }
            }
    }

    private func connected(_ channel: any Channel) {
        self.channel = channel
        channel.writeAndFlush(early, promise: nil)
        if isFinished { channel.close(promise: nil) }
    }

    func received(_ bytes: ByteBuffer, on stream: QUICStream, finished: Bool) {
        let copy = ByteBuffer(ByteBufferView(bytes))
        isFinished = isFinished || finished
        guard let channel else {
            early.writeImmutableBuffer(copy)
            return
        }
        channel.writeAndFlush(copy, promise: nil)
        if finished { channel.close(promise: nil) }
    }

    func closed(_ connection: QUICConnection, reason: QUICCloseReason) {
        isFinished = true
        channel?.close(promise: nil)
    }

    func reset(_ stream: QUICStream, code: UInt64) {}
    func stopSending(_ stream: QUICStream, code: UInt64) {}
    func writable(_ stream: QUICStream) {}
    func closedStream(_ stream: QUICStream) {}
    func remoteAddressChanged(_ connection: QUICConnection) {}
}

private final class BridgedAnswers: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let stream: QUICStream

    init(_ stream: QUICStream) { self.stream = stream }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { stream.write(unwrapInboundIn(data)) }

    func channelInactive(context: ChannelHandlerContext) { stream.finish() }
}
