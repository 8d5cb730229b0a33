import BrokerAdmin
import BrokerConfiguration
import BrokerServer
import Foundation
import Logging
import MQTTBroker
import NIOCore
import QUICTransport

/// Makes the server's configuration of the settings: reads files, makes certificates and resolves addresses.
struct ServerPlan {
    private let settings: ServerSettings
    private let authentication: ClientAuthentication
    private let loops: Int
    /// The files of listeners whose certificate is not generated, by label such as `listeners.quic.default`.
    private var certificates: [String: CertificateFiles] = [:]
    private let secrets: NodeSecrets
    private let cluster: ClusterPlan?
    private let logLevel: LogLevel
    private let environment = ProcessInfo.processInfo.environment

    /// Why the settings cannot be served.
    struct Failure: Error, CustomStringConvertible { let description: String }

    /// Reads the files that the settings name, and changes nothing.
    init(_ settings: ServerSettings) throws {
        self.settings = settings
        logLevel = LogLevel(settings.logLevel)
        loops = min(settings.node.loops ?? System.coreCount, Shard.maximumCount)
        authentication = try AuthenticationChain(settings).authentication
        secrets = try NodeSecrets(settings.node, settings.cluster)
        if settings.cluster.isEnabled {
            let (number, name) = (settings.node.number, Self.nodeName(settings))
            cluster = try ClusterPlan(settings.cluster, number: number, secrets: secrets.ofCluster, nodeName: name)
        } else {
            cluster = nil
        }
        for (name, listener) in settings.listeners.tls where listener.isEnabled {
            let label = "listeners.ssl.\(name)"
            let files = try files(listener.options, of: label)
            _ = try files.map { try load($0, of: label, listener) }
            certificates[label] = files
        }
        for (name, listener) in settings.listeners.quic where listener.isEnabled {
            let label = "listeners.quic.\(name)"
            let files = try files(listener.options.certificate, of: label)
            _ = try files.map { try load($0, of: label, listener) }
            certificates[label] = files
            _ = try identifierMode(listener.options, of: name)
        }
    }

    /// - Returns: `nil` for a generated pair; the authorities, if any, must be good all the same.
    private func files(_ certificate: CertificateSettings, of label: String) throws -> CertificateFiles? {
        let authorities = authorities(certificate)
        switch certificate.pair(in: environment, fileExists: FileManager.default.fileExists) {
        case .files(let chain, let key):
            let files = CertificateFiles(
                chain: chain,
                key: key,
                password: certificate.password,
                intermediates: certificate.authorityFile.map { CertificateSettings.expanded($0, in: environment) },
                authorities: authorities
            )
            for warning in files.warnings { Terminal.note("warning: \(label): \(warning)") }
            return files
        case .generated(let warning):
            if let warning { Terminal.note("warning: \(label): \(warning)") }
            try Self.named(label) { try authorities.map(CertificateFiles.check) }
            return nil
        }
    }

    private func authorities(_ certificate: CertificateSettings) -> String? {
        certificate.clientAuthorityFile.map { CertificateSettings.expanded($0, in: environment) }
    }

    private static func named<Result>(_ label: String, _ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch {
            throw Failure(description: "\(label): \(error)")
        }
    }

    /// Writes to standard error, in the name of the node.
    var logger: Logger {
        let level = logLevel
        var logger = Logger(
            label: "martlet",
            factory: { SharedLevelLogHandler(StreamLogHandler.standardError(label: $0), level) }
        )
        logger[metadataKey: "node"] = "\(Self.nodeName(settings))"
        return logger
    }

    /// The socket by which commands ask this broker.
    var controlSocket: String { ControlPath.socket(in: settings.node.dataDirectory) }

    /// Where administrators are served; `nil` for nowhere.
    var administration: Administration.Plan? {
        get throws {
            guard let bind = settings.dashboard.bind else { return nil }
            var accounts = AccountsConfiguration(
                dataFolder: settings.node.dataDirectory,
                defaultPassword: settings.dashboard.defaultPassword
            )
            accounts.defaultUser = settings.dashboard.defaultUser
            accounts.tokenLife = Int(settings.dashboard.tokenLife / .milliseconds(1))
            accounts.bootstrapFile = settings.dashboard.bootstrapFile
            try accounts.check()
            var limits = HTTPLimits()
            limits.maximumConnections = settings.dashboard.maximumConnections
            return Administration.Plan(address: try Self.address(bind), accounts: accounts, limits: limits)
        }
    }

    private static func nodeName(_ settings: ServerSettings) -> String {
        settings.node.name ?? ProcessInfo.processInfo.hostName
    }

    /// Makes the data folder and what belongs into it.
    func serverConfiguration() throws -> BrokerServerConfiguration {
        var listeners: [BrokerServerConfiguration.Listener] = []
        for (name, listener) in Self.enabled(settings.listeners.tcp) {
            listeners.append(try Self.listener(name, listener, .tcp))
        }
        let tls = Self.enabled(settings.listeners.tls)
        let quic = Self.enabled(settings.listeners.quic)
        let folder = try DataFolder(path: settings.node.dataDirectory)
        let run = try folder.beginRun()
        for (name, listener) in tls {
            let label = "listeners.ssl.\(name)"
            let authorities = authorities(listener.options)
            let files = try certificates[label] ?? folder.certificateFiles(authorities: authorities)
            var made = try Self.listener(name, listener, .tls(try load(files, of: label, listener)))
            made.certificateFiles = files
            listeners.append(made)
        }
        if !quic.isEmpty { try addQUIC(quic, folder, run, to: &listeners) }
        var server = BrokerServerConfiguration(loops: loops, listeners: listeners)
        server.nodeName = Self.nodeName(settings)
        server.version = Version.text
        server.run = run
        server.cluster = cluster?.configuration
        // A cluster keeps what outlives a process in JetStream.
        if settings.store.engine == .sqlite, cluster == nil {
            let folder = settings.store.path ?? folder.path + "/store"
            server.store = try SQLiteCommitStore(
                folder: folder,
                limits: settings.store.limits,
                maximumDelay: settings.store.maximumDelay,
                logger: logger
            )
        }
        server.limits = limits(settings)
        server.logLevel = logLevel
        if cluster == nil { server.metaFile = try folder.metaFile() }
        server.authentication = authentication
        return server
    }

    private func addQUIC(
        _ quic: [(key: String, value: ListenerSettings<QUICListenerOptions>)],
        _ folder: DataFolder,
        _ run: NodeRun,
        to listeners: inout [BrokerServerConfiguration.Listener]
    ) throws {
        let secret = try secrets.own ?? folder.secret()
        let earlyData = earlyDataStore(for: quic.map(\.value.options))
        for (name, listener) in quic {
            let label = "listeners.quic.\(name)"
            let authorities = authorities(listener.options.certificate)
            let files = try certificates[label] ?? folder.certificateFiles(authorities: authorities)
            var transport = try load(files, of: label, listener)
            transport.staticSecret = secret
            transport.resumption = resumption(of: listener.options, earlyData)
            transport.identifiers = secrets.identifiers(
                try identifierMode(listener.options, of: name),
                incarnation: run.incarnation
            )
            var made = try Self.listener(name, listener, .quic(transport))
            made.certificateFiles = files
            made.earlyData = listener.options.earlyData ?? .everything
            listeners.append(made)
        }
    }

    /// In the order of their names.
    private static func enabled<Options>(
        _ listeners: [String: ListenerSettings<Options>]
    ) -> [(key: String, value: ListenerSettings<Options>)] {
        listeners.filter(\.value.isEnabled).sorted { $0.key < $1.key }
    }

    private static func listener(
        _ name: String,
        _ listener: ListenerSettings<some Any>,
        _ transport: BrokerServerConfiguration.Listener.Transport
    ) throws -> BrokerServerConfiguration.Listener {
        .init(
            name: name,
            address: try address(listener.bind),
            transport: transport,
            maximumConnections: listener.maximumConnections,
            connectionRate: connectionRate(listener)
        )
    }

    private func load(
        _ files: CertificateFiles,
        of label: String,
        _ listener: ListenerSettings<CertificateSettings>
    ) throws -> TLSServerConfiguration {
        try Self.named(label) { try files.load(needsClientCertificate: listener.options.needsClientCertificate) }
    }

    private func load(
        _ files: CertificateFiles,
        of label: String,
        _ listener: ListenerSettings<QUICListenerOptions>
    ) throws -> QUICServerConfiguration {
        var transport = listener.options.transport
        // The transport counts for each loop, the listener for all loops together.
        transport.maximumConnections = listener.maximumConnections ?? .max
        return try Self.named(label) { [transport] in try files.load(into: transport) }
    }

    /// One store for all listeners, which remembers for as long as the longest ticket needs; `nil` where no listener takes early
    /// data.
    private func earlyDataStore(for listeners: [QUICListenerOptions]) -> EarlyDataStore? {
        let longest = listeners.filter(\.takesEarlyData).map(\.ticketLifetime).max()
        return longest.map { EarlyDataStore(window: $0 * 2, capacity: settings.node.earlyDataCapacity) }
    }

    private func resumption(
        of listener: QUICListenerOptions,
        _ earlyData: EarlyDataStore?
    ) -> QUICServerResumption? {
        guard listener.resumptionLevel > 0 else { return nil }
        return QUICServerResumption(
            keys: TicketKeys(lifetime: listener.ticketLifetime),
            earlyData: listener.takesEarlyData ? earlyData : nil
        )
    }

    private static func connectionRate(
        _ listener: ListenerSettings<some Any>
    ) -> BrokerServerConfiguration.Listener.ConnectionRate? {
        listener.connectionRate.map { rate in
            let nanoseconds = TimeAmount(rate.time).nanoseconds / Int64(rate.count)
            return .init(burst: listener.connectionBurst ?? rate.count, interval: .nanoseconds(max(1, nanoseconds)))
        }
    }

    /// What the load balancer controller of AWS sets in a container.
    private static let serverIDVariable = "AWS_LBC_QUIC_SERVER_ID"

    private func identifierMode(
        _ options: QUICListenerOptions,
        of name: String
    ) throws -> QUICIdentifierConfiguration.Mode {
        switch options.identifiers {
        case .encrypted: return .encrypted
        case .plain: return .plain
        case .aws:
            let given = environment[Self.serverIDVariable]
            if let serverID = options.serverID ?? given.flatMap(ServerID.number) { return .aws(serverID: serverID) }
            throw Failure(
                description:
                    "listeners.quic.\(name).connection_id: mode = aws needs a server_id, 0x and 16 hexadecimal digits, "
                    + "and \(Self.serverIDVariable) \(given == nil ? "is not set" : "is something else")"
            )
        }
    }

    /// The limits of each shard that settings come to, which may be others than those of the start.
    var limits: @Sendable (ServerSettings) -> Limits {
        let loops = loops
        return { settings in
            var limits = settings.limits
            limits.maximumQueueMemory = settings.store.queueMemory
            if limits.maximumRetainedMessages < .max {
                // An equal share for each shard, rounded up.
                limits.maximumRetainedMessages = (limits.maximumRetainedMessages - 1) / loops + 1
            }
            return limits
        }
    }

    /// All interfaces are those of both IP versions.
    private static func address(_ bind: BindAddress) throws -> SocketAddress {
        try SocketAddress(ipAddress: bind.host ?? (QUICEndpoint.hasIPv6 ? "::" : "0.0.0.0"), port: bind.port)
    }
}
