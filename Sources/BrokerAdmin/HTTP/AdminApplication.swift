import Hummingbird
import HummingbirdCore
import Logging
import NIOCore

/// What serves administrators: Hummingbird, by HTTP/1.1, with bounds. It runs on the event loop of `MultiThreadedEventLoopGroup.singleton`, which no
/// client is on and which lives as long as the process, since Hummingbird may still use its loop when it says that it has ended.
enum AdminApplication {
    /// - Parameter opened: called once the address is bound.
    static func make(
        _ router: Router<AdminContext>,
        at address: BindAddress,
        _ limits: HTTPLimits,
        logger: Logger,
        opened: @escaping @Sendable (any Channel) async -> Void
    ) -> some ApplicationProtocol {
        // Hummingbird reports as errors what is none, such as that a broker that cannot start ends its socket as well.
        var quiet = logger
        quiet.logLevel = .critical
        var decoder = HTTP1Channel.Configuration.DecoderConfiguration()
        decoder.maxHeaderFieldSize = limits.maximumHeaderOctets
        decoder.maxHeaderListSize = limits.maximumHeaderOctets
        decoder.maxHeaderFieldCount = limits.maximumHeaders
        return Application(
            router: router,
            server: .http1(
                configuration: .init(
                    additionalChannelHandlers: [RequestBounds(limits)],
                    idleTimeout: limits.patience,
                    httpDecoderConfiguration: decoder
                )
            ),
            configuration: ApplicationConfiguration(
                address: address,
                serverName: "martlet",
                availableConnectionsDelegate: MaximumAvailableConnections(limits.maximumConnections, logger: quiet)
            ),
            onServerRunning: opened,
            eventLoopGroupProvider: .singleton,
            logger: quiet
        )
    }
}
