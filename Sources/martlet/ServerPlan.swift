import BrokerConfiguration
import BrokerServer
import Foundation
import Logging
import MQTTBroker
import MQTTCodec
import NIOCore
import QUICTransport

/// From what is configured to what the server is made of: here files are read, certificates made and addresses resolved.
struct ServerPlan {
    private let configuration: BrokerConfiguration
    private let authentication: ClientAuthentication
    private let loops: Int
    /// Those of listeners whose certificate is not generated, by label such as `listeners.quic.default`.
    private var certificates: [String: CertificateFiles] = [:]
    private let secrets: NodeSecrets

    /// Octets of the IPv6 and UDP headers, which a configured MTU counts and QUIC does not.
    private static let headers = 48

    struct Failure: Error, CustomStringConvertible { let description: String }

    /// Reads the files that the configuration names, and changes nothing.
    init(_ configuration: BrokerConfiguration) throws {
        self.configuration = configuration
        loops = min(configuration.node.loops ?? System.coreCount, Shard.maximumCount)
        authentication = try AuthenticationChain(configuration).authentication
        secrets = try NodeSecrets(configuration.node)
        for (name, listener) in configuration.listeners.tls where listener.isEnabled {
            let label = "listeners.ssl.\(name)"
            let (source, authorities) = (listener.tls.certificate, listener.tls.clientAuthorityFile)
            let files = try Self.files(source, password: listener.tls.password, authorities: authorities, of: label)
            _ = try files.map { try load($0, of: label, listener) }
            certificates[label] = files
        }
        for (name, listener) in configuration.listeners.quic where listener.isEnabled {
            let label = "listeners.quic.\(name)"
            let (source, authorities) = (listener.certificate, listener.clientAuthorityFile)
            let files = try Self.files(source, password: listener.tls.password, authorities: authorities, of: label)
            _ = try files.map { try load($0, of: label, listener) }
            certificates[label] = files
            _ = try identifierMode(listener.connectionID, of: name)
        }
    }

    /// `nil` for those that this installation makes, to which the authorities must be good all the same.
    private static func files(
        _ source: CertificateSource,
        password: String?,
        authorities: String?,
        of label: String
    ) throws -> CertificateFiles? {
        switch source.pair(fileExists: FileManager.default.fileExists) {
        case .files(let chain, let key):
            return CertificateFiles(chain: chain, key: key, password: password, authorities: authorities)
        case .generated(let warning):
            if let warning { Terminal.note("warning: \(label): \(warning)") }
            try named(label) { try authorities.map(CertificateFiles.check) }
            return nil
        }
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
        var logger = Logger(label: "martlet", factory: { StreamLogHandler.standardError(label: $0) })
        logger.logLevel = logLevel
        logger[metadataKey: "node"] = "\(configuration.node.name ?? ProcessInfo.processInfo.hostName)"
        return logger
    }

    private var logLevel: Logger.Level {
        switch configuration.log.console.level {
        case .debug: .debug
        case .info: .info
        case .notice: .notice
        case .warning: .warning
        case .error: .error
        case .critical, .alert, .emergency: .critical
        }
    }

    /// Makes the data folder and what belongs into it.
    func serverConfiguration() throws -> BrokerServerConfiguration {
        var listeners: [BrokerServerConfiguration.Listener] = []
        for (name, listener) in Self.enabled(configuration.listeners.tcp) {
            listeners.append(try Self.listener(name, listener, .tcp))
        }
        let tls = Self.enabled(configuration.listeners.tls)
        let quic = Self.enabled(configuration.listeners.quic)
        var run: NodeRun?
        if !tls.isEmpty || !quic.isEmpty {
            let folder = try DataFolder(path: configuration.node.dataDirectory)
            for (name, listener) in tls {
                let label = "listeners.ssl.\(name)"
                let authorities = listener.tls.clientAuthorityFile
                let files = try certificates[label] ?? folder.certificateFiles(authorities: authorities)
                var made = try Self.listener(name, listener, .tls(try load(files, of: label, listener)))
                made.certificateFiles = files
                listeners.append(made)
            }
            if !quic.isEmpty { run = try addQUIC(quic, folder, to: &listeners) }
        }
        var server = BrokerServerConfiguration(loops: loops, listeners: listeners)
        server.run = run
        server.limits = limits
        server.authentication = authentication
        return server
    }

    private func addQUIC(
        _ quic: [(key: String, value: QUICListenerConfiguration)],
        _ folder: DataFolder,
        to listeners: inout [BrokerServerConfiguration.Listener]
    ) throws -> NodeRun {
        let run = try folder.beginRun()
        let secret = try secrets.own ?? folder.secret()
        let earlyData = earlyDataStore(for: quic.map(\.value))
        for (name, listener) in quic {
            let label = "listeners.quic.\(name)"
            let files = try certificates[label] ?? folder.certificateFiles(authorities: listener.clientAuthorityFile)
            var transport = try load(files, of: label, listener)
            transport.staticSecret = secret
            transport.resumption = resumption(of: listener, earlyData)
            transport.identifiers = secrets.identifiers(
                try identifierMode(listener.connectionID, of: name),
                incarnation: run.incarnation
            )
            var made = try Self.listener(name, listener, .quic(transport))
            made.certificateFiles = files
            made.earlyData = listener.earlyData == .connect ? .connectOnly : .everything
            listeners.append(made)
        }
        return run
    }

    /// By name.
    private static func enabled<Listener: ListenerConfiguration>(
        _ listeners: [String: Listener]
    ) -> [(key: String, value: Listener)] {
        listeners.filter(\.value.isEnabled).sorted { $0.key < $1.key }
    }

    private static func listener(
        _ name: String,
        _ listener: some ListenerConfiguration,
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
        _ listener: TLSListenerConfiguration
    ) throws -> TLSServerConfiguration {
        try Self.named(label) { try files.load(needsClientCertificate: listener.tls.needsClientCertificate) }
    }

    private func load(
        _ files: CertificateFiles,
        of label: String,
        _ listener: QUICListenerConfiguration
    ) throws -> QUICServerConfiguration {
        try Self.named(label) { try files.load(into: quicConfiguration(listener)) }
    }

    /// One for all listeners, which remembers for as long as the longest of them needs; `nil` where none takes early data.
    private func earlyDataStore(for listeners: [QUICListenerConfiguration]) -> EarlyDataStore? {
        let longest = listeners.filter(\.takesEarlyData).map(\.ticketLifetime).max()
        return longest.map { EarlyDataStore(window: $0 * 2, capacity: configuration.node.earlyDataCapacity) }
    }

    private func resumption(
        of listener: QUICListenerConfiguration,
        _ earlyData: EarlyDataStore?
    ) -> QUICServerResumption? {
        guard listener.resumptionLevel > 0 else { return nil }
        return QUICServerResumption(
            keys: TicketKeys(lifetime: listener.ticketLifetime),
            earlyData: listener.takesEarlyData ? earlyData : nil
        )
    }

    /// Without the certificate, the secret and the ticket keys.
    private func quicConfiguration(_ listener: QUICListenerConfiguration) -> QUICServerConfiguration {
        var quic = QUICServerConfiguration(
            certificateChain: [],
            privateKey: [],
            staticSecret: Array(repeating: 0, count: 32)
        )
        quic.ciphers = (listener.ciphers ?? []).compactMap { QUICCipher(rawValue: $0.rawValue) }
        if quic.ciphers.isEmpty { quic.ciphers = QUICCipher.preferred }
        quic.keyLogFile = listener.keyLogFile
        quic.common.maximumHandshakeBytes = listener.maximumHandshakeSize
        quic.common.maximumGaps = listener.maximumGaps
        quic.common.idleTimeout = listener.idleTimeout == .zero ? nil : listener.idleTimeout
        quic.common.handshakeTimeout = listener.handshakeIdleTimeout
        quic.common.keepAliveInterval = listener.keepAliveInterval == .zero ? nil : listener.keepAliveInterval
        quic.common.foldDelay = listener.foldDelay == .zero ? nil : listener.foldDelay
        quic.common.bidirectionalStreams = listener.peerBidirectionalStreams
        quic.common.unidirectionalStreams = listener.peerUnidirectionalStreams
        quic.common.streamReceiveWindow = listener.streamReceiveWindow
        quic.common.connectionReceiveWindow = listener.connectionFlowControlWindow
        quic.common.initialRoundTripTime = listener.initialRoundTrip
        quic.common.maximumAcknowledgementDelay = listener.maximumAcknowledgementDelay
        quic.common.maximumUDPPayload = listener.maximumMTU - Self.headers
        quic.common.congestionController =
            switch listener.congestionControl {
            case .cubic: .cubic
            case .reno: .reno
            case .bbr: .bbr
            }
        quic.common.pacesPackets = listener.pacesPackets
        quic.common.marksECN = listener.marksECN
        quic.common.discoversMTU = listener.discoversMTU
        quic.socket = QUICSocketConfiguration(listener.socket)
        quic.maximumHandshakes = listener.maximumHandshakes
        // Of all loops together, which is less.
        quic.maximumConnections = listener.maximumConnections ?? .max
        quic.statelessPacketsPerSecond = listener.statelessPacketsPerSecond
        quic.newAddressBurst = listener.newAddressBurst
        quic.newAddressInterval = listener.newAddressInterval
        quic.steersInKernel = listener.steersInKernel
        quic.maximumTossedBytes = listener.maximumTossedBytes
        quic.retry.mode =
            switch listener.retry.mode {
            case .never: .never
            case .always: .always
            case .underLoad: .underLoad
            }
        quic.retry.load = Double(listener.retry.load) / 100
        quic.retry.tokenLifetime = listener.retry.tokenLifetime
        quic.retry.newTokenLifetime = listener.retry.newTokenLifetime
        quic.retry.retriesPerSecond = listener.retry.maximumRate
        return quic
    }

    private static func connectionRate(
        _ listener: some ListenerConfiguration
    ) -> BrokerServerConfiguration.Listener.ConnectionRate? {
        listener.connectionRate.map { rate in
            let nanoseconds = TimeAmount(rate.time).nanoseconds / Int64(rate.count)
            return .init(burst: listener.connectionBurst ?? rate.count, interval: .nanoseconds(max(1, nanoseconds)))
        }
    }

    /// What the load balancer controller of AWS tells a container.
    private static let serverIDVariable = "AWS_LBC_QUIC_SERVER_ID"

    private func identifierMode(
        _ configuration: ConnectionIdentifierConfiguration,
        of name: String
    ) throws -> QUICIdentifierConfiguration.Mode {
        switch configuration.mode {
        case .encrypted: return .encrypted
        case .plain: return .plain
        case .aws:
            if let serverID = configuration.serverID { return .aws(serverID: serverID) }
            let given = ProcessInfo.processInfo.environment[Self.serverIDVariable]
            guard let serverID = given.flatMap(ServerID.number) else {
                throw Failure(
                    description:
                        "listeners.quic.\(name).connection_id: mode = aws needs a server_id, 0x and 16 hexadecimal digits, "
                        + "and \(Self.serverIDVariable) \(given == nil ? "is not set" : "is something else")"
                )
            }
            return .aws(serverID: serverID)
        }
    }

    private func field(_ configured: MQTTConfiguration.CertificateField) -> Peer.Certificate.Field? {
        switch configured {
        case .disabled: nil
        case .commonName: .commonName
        case .subject: .subject
        }
    }

    private var limits: Limits {
        let mqtt = configuration.mqtt
        var limits = Limits()
        limits.connectTimeout = mqtt.idleTimeout.map { .init($0) } ?? .hours(24 * 365)
        limits.maximumPacketSize = mqtt.maximumPacketSize
        limits.maximumClientIdentifierLength = mqtt.maximumClientIdentifierLength
        limits.maximumTopicLevels = mqtt.maximumTopicLevels
        limits.maximumTopicAlias = UInt16(clamping: mqtt.maximumTopicAlias)
        limits.maximumQoS = QualityOfService(rawValue: UInt8(clamping: mqtt.maximumQualityOfService)) ?? .exactlyOnce
        limits.certificateAsUserName = field(mqtt.certificateAsUserName)
        limits.certificateAsClientIdentifier = field(mqtt.certificateAsClientIdentifier)
        limits.retainAvailable = mqtt.isRetainAvailable
        limits.wildcardSubscriptionAvailable = mqtt.isWildcardSubscriptionAvailable
        limits.serverKeepAlive = mqtt.serverKeepAlive.map { UInt16(clamping: $0) }
        limits.keepAliveMultiplier = mqtt.keepAliveMultiplier
        limits.sessionExpiryInterval = UInt32(clamping: mqtt.sessionExpiryInterval.components.seconds)
        limits.maximumSessionExpiryInterval =
            mqtt.maximumSessionExpiryInterval.map { UInt32(clamping: $0.components.seconds) } ?? .max
        limits.maximumInflight = mqtt.maximumInflight
        limits.maximumQueueLength = mqtt.maximumQueueLength ?? .max
        limits.maximumQueueBytes = mqtt.maximumQueueBytes ?? .max
        limits.queuesQoS0 = mqtt.queuesQualityOfServiceZero
        limits.maximumAwaitingRelease = mqtt.maximumAwaitingRelease.map { UInt16(clamping: $0) } ?? .max
        limits.maximumSubscriptions = mqtt.maximumSubscriptions ?? .max
        limits.maximumRetainedPayload = configuration.retainer.maximumPayloadSize
        // Their octets are bounded in any case.
        limits.maximumRetainedMessages =
            configuration.retainer.backend.maximumRetainedMessages.map { ($0 - 1) / loops + 1 } ?? .max
        return limits
    }

    /// All interfaces are those of both IP versions.
    private static func address(_ bind: BindAddress) throws -> SocketAddress {
        try SocketAddress(ipAddress: bind.host ?? (QUICEndpoint.hasIPv6 ? "::" : "0.0.0.0"), port: bind.port)
    }
}

extension QUICSocketConfiguration {
    fileprivate init(_ configured: UDPSocketConfiguration) {
        self.init()
        receiveBufferSize = configured.receiveBuffer
        sendBufferSize = configured.sendBuffer
        offloadsSegmentation = configured.offloadsSegmentation
        offloadsReceiving = configured.offloadsReceiving
        messagesPerCall = configured.messagesPerCall
    }
}
