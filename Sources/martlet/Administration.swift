import BrokerAdmin
import BrokerServer
import Logging
import NIOCore

/// The REST interface of a broker, and the listener for administrators if there is one.
struct Administration {
    let operations: [APIOperation]
    /// `nil` without `dashboard.listeners.http.bind`.
    let server: AdminServer?

    /// What the configuration says of the listener.
    struct Plan: Sendable {
        let address: SocketAddress
        let accounts: AccountsConfiguration
        let limits: HTTPLimits
    }

    /// - Parameters:
    ///   - plan: `nil` without the listener.
    ///   - serving: tells when the broker serves.
    init(_ plan: Plan?, _ broker: BrokerServer, serving: AsyncStream<Void>, logger: Logger) async {
        guard let plan else {
            operations = APIOperation.all(broker.observer, accounts: nil, audit: nil, version: Version.text)
            server = nil
            return
        }
        let audit = await AuditLog(folder: plan.accounts.dataFolder)
        let accounts = Accounts(broker.meta, plan.accounts, audit: audit) { WallTime.now }
        operations = APIOperation.all(broker.observer, accounts: accounts, audit: audit, version: Version.text)
        server = AdminServer(
            plan.address,
            source: broker.observer,
            accounts: accounts,
            audit: audit,
            operations: operations,
            serving: serving,
            limits: plan.limits,
            logger: logger,
            announce: Self.tell
        )
    }

    private static func tell(_ announcement: AdminServer.Announcement) {
        switch announcement {
        case .listening(let address): Terminal.print("listening http dashboard \(address.hostAndPort)")
        case .firstPassword(let first):
            Terminal.print(
                "REST interface: sign in as \(first.user) with the password \(first.password), which \(first.file) has, too"
            )
        case .wellKnownPassword(let user):
            Terminal.note(
                "warning: dashboard.default_password: \(user) has the password `public`, which everybody knows; set another one"
            )
        }
    }
}
