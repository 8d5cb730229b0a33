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
    private var pairs: [String: CertificatePair] = [:]
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
        for (name, listener) in configuration.listeners.quic where listener.isEnabled {
            switch listener.certificate.pair(fileExists: FileManager.default.fileExists) {
            case .files(let chain, let key):
                let pair: CertificatePair
                do {
                    pair = try CertificatePair.files(certificate: chain, key: key)
                } catch {
                    throw Failure(description: "listeners.quic.\(name): \(error)")
                }
                do throws(QUICError) {
                    // The node's own secret is not known yet, and has no part in it.
                    try quicConfiguration(listener, pair, Array(repeating: 0, count: 32)).validateWithCertificate()
                } catch {
                    throw Failure(
                        description:
                            "listeners.quic.\(name): \(chain) and \(key) are no certificate chain and private key "
                            + "in PEM that fit each other: \(error)"
                    )
                }
                pairs[name] = pair
            case .generated(let warning):
                if let warning { Terminal.note("warning: listeners.quic.\(name): \(warning)") }
            }
            _ = try identifierMode(listener.connectionID, of: name)
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
        for (name, listener) in configuration.listeners.tcp.sorted(by: { $0.key < $1.key }) where listener.isEnabled {
            listeners.append(
                .init(
                    name: name,
                    address: try Self.address(listener.bind),
                    transport: .tcp,
                    maximumConnections: listener.maximumConnections,
                    connectionRate: Self.connectionRate(listener)
                )
            )
        }
        let quic = configuration.listeners.quic.filter(\.value.isEnabled)
        var run: NodeRun?
        if !quic.isEmpty {
            let folder = try DataFolder(path: configuration.node.dataDirectory)
            let begun = try folder.beginRun()
            run = begun
            let secret = try secrets.own ?? folder.secret()
            for (name, listener) in quic.sorted(by: { $0.key < $1.key }) {
                let pair = try pairs[name] ?? folder.certificate()
                var transport = quicConfiguration(listener, pair, secret)
                transport.identifiers = secrets.identifiers(
                    try identifierMode(listener.connectionID, of: name),
                    incarnation: begun.incarnation
                )
                listeners.append(
                    .init(
                        name: name,
                        address: try Self.address(listener.bind),
                        transport: .quic(transport),
                        maximumConnections: listener.maximumConnections,
                        connectionRate: Self.connectionRate(listener)
                    )
                )
            }
        }
        var server = BrokerServerConfiguration(loops: loops, listeners: listeners)
        server.run = run
        server.limits = limits
        server.authentication = authentication
        return server
    }

    private func quicConfiguration(
        _ listener: QUICListenerConfiguration,
        _ pair: CertificatePair,
        _ secret: [UInt8]
    ) -> QUICServerConfiguration {
        var quic = QUICServerConfiguration(
            certificateChain: pair.certificateChain,
            privateKey: pair.privateKey,
            staticSecret: secret
        )
        quic.common.idleTimeout = listener.idleTimeout == .zero ? nil : listener.idleTimeout
        quic.common.handshakeTimeout = listener.handshakeIdleTimeout
        quic.common.keepAliveInterval = listener.keepAliveInterval == .zero ? nil : listener.keepAliveInterval
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

    private var limits: Limits {
        let mqtt = configuration.mqtt
        var limits = Limits()
        limits.connectTimeout = mqtt.idleTimeout.map { .init($0) } ?? .hours(24 * 365)
        limits.maximumPacketSize = mqtt.maximumPacketSize
        limits.maximumClientIdentifierLength = mqtt.maximumClientIdentifierLength
        limits.maximumTopicLevels = mqtt.maximumTopicLevels
        limits.maximumTopicAlias = UInt16(clamping: mqtt.maximumTopicAlias)
        limits.maximumQoS = QualityOfService(rawValue: UInt8(clamping: mqtt.maximumQualityOfService)) ?? .exactlyOnce
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
            configuration.retainer.backend.maximumRetainedMessages.map { ($0 + loops - 1) / loops } ?? .max
        return limits
    }

    /// All interfaces are those of both IP versions.
    private static func address(_ bind: BindAddress) throws -> SocketAddress {
        try SocketAddress(ipAddress: bind.host ?? "::", port: bind.port)
    }

    /// As configuration and commands write it.
    static func text(_ address: SocketAddress) -> String {
        let host = address.ipAddress ?? "?"
        return "\(host.contains(":") ? "[\(host)]" : host):\(address.port ?? 0)"
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
