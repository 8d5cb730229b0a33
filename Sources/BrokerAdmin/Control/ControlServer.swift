import BrokerCluster
import Foundation
import Hummingbird
import HummingbirdCore
package import Logging
import NIOCore
import ServiceLifecycle

/// The socket by which commands on the same machine ask a running broker: HTTP/1.1 with JSON over a Unix socket in the data folder, which only
/// its owner may use. Whoever can use it may know and do everything, so that no answer needs a password; secrets are in none.
///
/// If the socket cannot be opened, that is logged, and the broker serves without it.
package struct ControlServer: Service, CustomStringConvertible {
    /// Names the service in the log.
    package var description: String { "control socket" }

    private let path: String
    private let source: any ControlSource
    private let configuration: (any ConfigurationSource)?
    private let operations: [APIOperation]
    private let limits: ControlLimits
    private let logger: Logger
    private let opened: @Sendable () -> Void

    /// - Parameters:
    ///   - path: of the socket. What an earlier process left there is replaced.
    ///   - configuration: `nil` for a broker whose configuration does not change.
    ///   - operations: of the REST interface, which need no password here.
    ///   - opened: called once the socket can be used.
    package init(
        path: String,
        source: any ControlSource,
        configuration: (any ConfigurationSource)? = nil,
        operations: [APIOperation] = [],
        limits: ControlLimits = ControlLimits(),
        logger: Logger,
        opened: @escaping @Sendable () -> Void = {}
    ) {
        self.path = path
        self.source = source
        self.configuration = configuration
        self.operations = operations
        self.limits = limits
        self.logger = logger
        self.opened = opened
    }

    package func run() async throws {
        do {
            try await application.run()
            try? FileManager.default.removeItem(atPath: path)
        } catch  where !Task.isCancelled {
            logger.warning(
                "there is no control socket, so that martlet ctl does not work",
                metadata: ["path": "\(path)", "reason": "\(error)"]
            )
            try? await gracefulShutdown()
        } catch {}
    }

    private var application: some ApplicationProtocol {
        AdminApplication.make(router, at: .unixDomainSocket(path: path), limits.http, logger: logger) { _ in
            try? FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
            opened()
        }
    }

    private var router: Router<AdminContext> {
        let router = Router(context: AdminContext.self)
        router.add(middleware: RequestErrors(logger: logger))
        let source = source
        let status = SharedAnswer { await source.clusterStatus() }
        router.get(RouterPath(ControlPath.clusterStatus)) { _, _ -> Response in
            try Response.json(await status.value)
        }
        APIRouter(operations: operations, maximumBody: limits.http.maximumBody) { _, _, _ in
            .success(.controlSocket)
        }.add(to: router)
        if let configuration { router.addConfiguration(configuration, maximumBody: limits.http.maximumBody) }
        return router
    }
}
