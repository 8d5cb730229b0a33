import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdCore
package import Logging
import NIOConcurrencyHelpers
package import NIOCore
import ServiceLifecycle

/// The listener for administrators (`dashboard.listeners.http`): the REST interface under `/api/v5`, and `/status` for probes.
///
/// It runs on the event loop of the control socket, so that what is asked there delays no message. Whoever asks proves who he is by an account, except
/// where an operation is open to everybody.
package struct AdminServer: Service, CustomStringConvertible {
    /// Names the service in the log.
    package var description: String { "administration" }

    private let address: SocketAddress
    private let source: any ControlSource
    private let accounts: Accounts
    private let audit: AuditLog?
    private let operations: [APIOperation]
    private let limits: HTTPLimits
    private let logger: Logger
    private let serving: AsyncStream<Void>
    private let announce: @Sendable (Announcement) -> Void
    private let isOpen = NIOLockedValueBox(false)

    /// What is told to the person who has started the broker.
    package enum Announcement: Sendable {
        /// Requests are answered.
        case listening(SocketAddress)
        /// The password of the first user, which is told once.
        case firstPassword(FirstPassword)
        /// The default user has the password that everybody knows.
        case wellKnownPassword(user: String)
    }

    /// - Parameters:
    ///   - serving: tells when the broker serves, and so knows the records of the cluster.
    ///   - announce: is told what a person has to know.
    package init(
        _ address: SocketAddress,
        source: any ControlSource,
        accounts: Accounts,
        audit: AuditLog?,
        operations: [APIOperation],
        serving: AsyncStream<Void>,
        limits: HTTPLimits = HTTPLimits(),
        logger: Logger,
        announce: @escaping @Sendable (Announcement) -> Void
    ) {
        self.address = address
        self.source = source
        self.accounts = accounts
        self.audit = audit
        self.operations = operations
        self.serving = serving
        self.limits = limits
        self.logger = logger
        self.announce = announce
    }

    /// - Throws: `AdminFailure` if the address cannot be bound.
    package func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                do {
                    try await application.run()
                } catch  where !Task.isCancelled {
                    throw AdminFailure(address: address, reason: error)
                } catch {}
            }
            group.addTask { await cancelWhenGracefulShutdown { await keepAccounts() } }
            try await group.next()
            try await group.next()
        }
        await audit?.flush()
    }

    /// Opens the accounts once the broker serves, and removes tokens whose time is over.
    private func keepAccounts() async {
        for await _ in serving { break }
        if Task.isCancelled { return }
        let first = await startAccounts()
        if Task.isCancelled { return }
        isOpen.withLockedValue { $0 = true }
        if let first { announce(.firstPassword(first)) }
        if await accounts.hasWellKnownPassword {
            announce(.wellKnownPassword(user: accounts.configuration.defaultUser))
        }
        while (try? await Task.sleep(for: Self.sweepInterval)) != nil { _ = await accounts.sweep() }
    }

    /// Tries again while nothing can be stored, as when a stream of JetStream is full: the broker serves its clients meanwhile.
    private func startAccounts() async -> FirstPassword? {
        while !Task.isCancelled {
            do {
                return try await accounts.start()
            } catch {
                logger.error("administrators are not served yet", metadata: ["reason": "\(error)"])
                try? await Task.sleep(for: Self.retryInterval)
            }
        }
        return nil
    }

    private static let retryInterval = Duration.seconds(10)
    private static let sweepInterval = Duration.seconds(60)

    private var application: some ApplicationProtocol {
        let host = address.ipAddress ?? "0.0.0.0"
        return AdminApplication.make(router, at: .hostname(host, port: address.port ?? 0), limits, logger: logger) {
            if let address = $0.localAddress { announce(.listening(address)) }
        }
    }

    private var router: Router<AdminContext> {
        let router = Router(context: AdminContext.self)
        router.add(middleware: RequestErrors(logger: logger))
        let source = source
        for path in ["/status", "\(APIRouter.base)/status"] {
            router.get(RouterPath(path)) { request, _ in
                await StatusAnswer(source.nodeStatus()).response(
                    in: QueryItems(request.uri.query ?? "")["format"].last
                )
            }
        }
        var api = APIRouter(operations: operations, maximumBody: limits.maximumBody) { request, context, operation in
            await admit(request, context, operation)
        }
        if let audit {
            api.record = { asker, operation, status in
                await audit.record(
                    AuditEntry(
                        time: WallTime.now,
                        source: asker.address,
                        by: asker.principal,
                        operation: operation.name,
                        status: status
                    )
                )
            }
        }
        api.add(to: router)
        return router
    }

    private func admit(
        _ request: Request,
        _ context: AdminContext,
        _ operation: APIOperation
    ) async -> Result<APIRequest.Asker, APIFailure> {
        guard isOpen.withLockedValue({ $0 }) else {
            return .failure(APIFailure(.serviceUnavailable, "SERVICE_UNAVAILABLE", "the broker does not serve yet"))
        }
        if operation.isOpen { return .success(.init(nil, address: context.address)) }
        let authorization = request.headers[.authorization]
        do throws(AccountRefusal) {
            let principal = try await accounts.authorize(
                authorization,
                method: request.method.rawValue,
                path: String(request.uri.path.dropFirst(APIRouter.base.count))
            )
            return .success(.init(principal, address: context.address, authorization: authorization))
        } catch {
            return .failure(APIFailure(error))
        }
    }
}

/// Why the listener for administrators does not serve.
struct AdminFailure: Error, CustomStringConvertible {
    let address: SocketAddress
    let reason: any Error

    var description: String {
        "dashboard.listeners.http: cannot listen on \(address.ipAddress ?? "?"):\(address.port ?? 0): \(reason)"
    }
}

extension APIFailure {
    init(_ refusal: AccountRefusal) {
        self.init(HTTPResponse.Status(code: refusal.status), refusal.code.rawValue, refusal.message)
        if let seconds = refusal.retryAfter, let name = HTTPField.Name("Retry-After") { headers[name] = "\(seconds)" }
        // Not for tokens, since a browser would ask its user for a password then.
        if refusal.code == .badHeader || refusal.code == .wrongSecret {
            headers[.wwwAuthenticate] = #"Basic Realm="emqx-dashboard""#
        }
    }
}

extension WallTime {
    /// Milliseconds since 1970-01-01 UTC.
    package static var now: Int { Int(Date().timeIntervalSince1970 * 1_000) }
}
