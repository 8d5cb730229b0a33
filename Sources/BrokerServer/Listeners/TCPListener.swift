import Logging
import MQTTBroker
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import NIOSSL

/// A listener for TCP, with TLS or without, whose connections go to the event loops in turn.
struct TCPListener {
    let label: String
    let address: SocketAddress
    let admission: Admission
    let certificateFiles: CertificateFiles?
    private let channel: any Channel
    private let tls: TLS?

    /// The certificate for new connections, which changes with its files.
    private struct TLS {
        let needsClientCertificate: Bool
        let context: NIOLockedValueBox<NIOSSLContext>
    }

    /// Octets in a channel above which its connection counts as slow, and below which it does no longer.
    private static let writeBuffer = ChannelOptions.Types.WriteBufferWaterMark(low: 65_536, high: 262_144)

    init(
        _ listener: BrokerServerConfiguration.Listener,
        tls: TLSServerConfiguration? = nil,
        shards: ShardGroup,
        loops: MultiThreadedEventLoopGroup,
        logger: Logger
    ) async throws {
        let admission = Admission(listener)
        let tls = try tls.map {
            TLS(needsClientCertificate: $0.needsClientCertificate, context: .init(try Self.context($0, for: listener)))
        }
        let context = tls?.context
        let bootstrap = ServerBootstrap(group: loops)
            .serverChannelOption(.backlog, value: BrokerServerConfiguration.backlog)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(DescriptorShortage(admission, logger: logger))
                    try channel.pipeline.syncOperations.addHandler(AcceptPace(admission))
                }
            }
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.writeBufferWaterMark, value: Self.writeBuffer)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let runner = shards.runner(on: channel.eventLoop) else { return }
                    // The time to CONNECT runs from here, so that it bounds the handshake too.
                    let first = FirstOctetsHandler(runner.handshakes, admission: admission, isTLS: context != nil)
                    try channel.pipeline.syncOperations.addHandler(first)
                    if let context = context?.withLockedValue({ $0 }) {
                        try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context))
                    }
                    try channel.pipeline.syncOperations.addHandler(
                        TCPConnectionHandler(runner: runner, admission: admission, first: first)
                    )
                }
            }
        // A wildcard address stands for IPv4 and IPv6, whatever the system's default is.
        if listener.address.protocol == .inet6 {
            let onlyIPv6 = ChannelOptions.Types.SocketOption(level: .ipv6, name: .ipv6_v6only)
            _ = bootstrap.serverChannelOption(onlyIPv6, value: 0)
        }
        do {
            channel = try await bootstrap.bind(to: listener.address).get()
        } catch {
            throw ListenerError(listener, cannotBind: error)
        }
        label = listener.label
        address = channel.localAddress ?? listener.address
        self.admission = admission
        certificateFiles = listener.certificateFiles
        self.tls = tls
    }

    private static func context(
        _ tls: TLSServerConfiguration,
        for listener: BrokerServerConfiguration.Listener
    ) throws -> NIOSSLContext {
        do {
            return try tls.makeContext()
        } catch {
            throw ListenerError(listener: listener.label, "its certificate and key cannot be used: \(error)")
        }
    }

    /// Stops accepting.
    func close() async { try? await channel.close().get() }
}

extension TCPListener: CertificateListener {
    func readCertificates(_ files: CertificateFiles) async throws {
        guard let tls else { return }
        let context = try files.load(needsClientCertificate: tls.needsClientCertificate).makeContext()
        tls.context.withLockedValue { $0 = context }
    }
}
