import CertificateFixture
import Logging
import NIOCore
import NIOPosix
import QUICTransport

/// A broker over QUIC that accepts every client and says nothing after that.
struct SilentBroker: Sendable {
    let port: Int
    private let endpoint: NIOLoopBound<QUICEndpoint>

    init() async throws {
        let certificate = try CertificatePair()
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let configuration = QUICServerConfiguration(
            certificateChain: certificate.certificate,
            privateKey: certificate.key,
            staticSecret: (0..<32).map { _ in UInt8.random(in: 0...255) }
        )
        let address = try SocketAddress(ipAddress: "127.0.0.1", port: 0)
        endpoint = try await loop.flatSubmit {
            QUICEndpoint.listen(on: address, configuration: configuration, loop: loop, logger: Logger(label: "silent"))
            {
                _ in SilentConnection()
            }
        }.get()
        port = try await loop.submit { [endpoint] in endpoint.value.localAddress.port ?? 0 }.get()
    }

    func stop() async {
        try? await endpoint.eventLoop.flatSubmit { [endpoint] in endpoint.value.close() }.get()
    }
}

private final class SilentConnection: QUICConnectionDelegate {
    private var hasAccepted = false

    /// The first packet of the control stream is CONNECT.
    func received(_ bytes: ByteBuffer, on stream: QUICStream, finished: Bool) {
        guard !hasAccepted else { return }
        hasAccepted = true
        let accepted: [UInt8] = [0x20, 3, 0, 0, 0]
        stream.write(ByteBuffer(bytes: accepted))
    }

    func established(_ connection: QUICConnection) {}
    func opened(_ stream: QUICStream) {}
    func closed(_ connection: QUICConnection, reason: QUICCloseReason) {}
    func reset(_ stream: QUICStream, code: UInt64) {}
    func stopSending(_ stream: QUICStream, code: UInt64) {}
    func writable(_ stream: QUICStream) {}
    func closedStream(_ stream: QUICStream) {}
    func remoteAddressChanged(_ connection: QUICConnection) {}
}
