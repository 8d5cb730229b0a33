import Logging
import MQTTClient
import MQTTCodec
import NIOCore
import NIOPosix
import QUICTransport
import ServiceLifecycle
import ServiceLifecycleTestKit

@testable import BrokerServer

/// A broker in this process, on ports that the system chose, with a listener for each transport.
struct RunningBroker: Sendable {
    let listening: [BrokerServer.Listening]
    let server: BrokerServer

    /// One pair for all tests: making it takes longer than a handshake.
    static let certificate = Result { try CertificatePair.selfSigned() }

    /// Starts a broker, lets `body` use it, shuts it down gracefully and waits for its end.
    static func run(
        loops: Int = 2,
        configure: (inout BrokerServerConfiguration) -> Void = { _ in },
        _ body: @escaping @Sendable (RunningBroker, _ shutDown: @escaping @Sendable () -> Void) async throws -> Void
    ) async throws {
        let pair = try certificate.get()
        var quic = QUICServerConfiguration(
            certificateChain: pair.certificateChain,
            privateKey: pair.privateKey,
            staticSecret: Array(repeating: 5, count: 32)
        )
        // Every moment of silence folds a connection, so that all that is tested here goes through that.
        quic.common.foldDelay = .milliseconds(1)
        let any = try SocketAddress(ipAddress: "127.0.0.1", port: 0)
        var configuration = BrokerServerConfiguration(
            loops: loops,
            listeners: [
                .init(name: "default", address: any, transport: .tcp),
                .init(name: "default", address: any, transport: .tls(TLSServerConfiguration(pair: pair))),
                .init(name: "default", address: any, transport: .quic(quic)),
            ]
        )
        configure(&configuration)
        let (opened, announce) = AsyncStream.makeStream(of: [BrokerServer.Listening].self)
        let server = BrokerServer(configuration, logger: Logger(label: "test")) { announce.yield($0) }
        try await testGracefulShutdown { trigger in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    defer { announce.finish() }
                    try await server.run()
                }
                var iterator = opened.makeAsyncIterator()
                if let listening = await iterator.next() {
                    do {
                        try await body(RunningBroker(listening: listening, server: server)) {
                            trigger.triggerGracefulShutdown()
                        }
                    } catch {
                        trigger.triggerGracefulShutdown()
                        throw error
                    }
                    trigger.triggerGracefulShutdown()
                }
                try await group.waitForAll()
            }
        }
    }

    /// Where clients of tests run.
    var loop: any EventLoop { MultiThreadedEventLoopGroup.singleton.next() }

    func address(_ transport: Transport) -> SocketAddress? {
        listening.first { $0.transport == transport.rawValue }?.address
    }

    /// A client that is not connected yet.
    func client(
        _ identifier: String,
        over transport: Transport,
        version: ProtocolVersion = .v5,
        cleanStart: Bool = true,
        expiry: UInt32? = nil,
        keepAlive: UInt16 = 60,
        responseTimeout: TimeAmount = .seconds(30),
        userName: String? = nil,
        password: String? = nil,
        will: Connect.Will? = nil,
        messageLimit: Int = 1024,
        trusting authorities: [UInt8]? = nil,
        identity: QUICIdentity? = nil
    ) throws -> MQTTClient {
        var connect = Connect(
            version: version,
            clientIdentifier: identifier,
            cleanStart: cleanStart,
            keepAlive: keepAlive,
            userName: userName,
            password: password.map { ByteBuffer(string: $0) },
            will: will
        )
        connect.properties.sessionExpiryInterval = expiry
        return try client(
            ClientConfiguration(connect: connect, responseTimeout: responseTimeout),
            over: transport,
            messageLimit: messageLimit,
            trusting: authorities,
            identity: identity
        )
    }

    func client(
        _ configuration: ClientConfiguration,
        over transport: Transport,
        at address: SocketAddress? = nil,
        messageLimit: Int = 1024,
        trusting authorities: [UInt8]? = nil,
        identity: QUICIdentity? = nil
    ) throws -> MQTTClient {
        MQTTClient(
            configuration: configuration,
            target: ConnectionTarget(
                addresses: (address ?? self.address(transport)).map { [$0] } ?? [],
                transport: try transport.client(trusting: authorities, identity: identity),
                identity: identity
            ),
            eventLoop: loop,
            messageLimit: messageLimit
        )
    }

    /// Whether a client that trusts `pair` alone connects.
    func connects(
        over transport: RunningBroker.Transport,
        trusting pair: CertificatePair
    ) async -> Bool {
        guard let client = try? self.client("c", over: transport, trusting: pair.certificateChain) else {
            return false
        }
        let isConnected = (try? await client.connect()) != nil
        await client.disconnect()
        return isConnected
    }

    enum Transport: String, CaseIterable, Sendable {
        case tcp
        case tls = "ssl"
        case quic

        fileprivate func client(trusting authorities: [UInt8]?, identity: QUICIdentity?) throws
            -> ConnectionTarget.Transport
        {
            let trust = ServerTrust.authorities(
                pem: try authorities ?? RunningBroker.certificate.get().certificateChain
            )
            return switch self {
            case .tcp: .tcp
            case .tls: .tls(serverName: "localhost", try TLSClientContext(trust: trust, identity: identity))
            case .quic: .quic(serverName: "localhost", trust: trust)
            }
        }
    }
}

extension Publish {
    init(
        _ topic: String,
        _ payload: String,
        qos: QualityOfService = .atMostOnce,
        retain: Bool = false
    ) {
        self.init(
            topic: ByteBuffer(string: topic),
            payload: ByteBuffer(string: payload),
            qos: qos,
            retain: retain
        )
    }
}

extension MQTTClient {
    func subscribe(_ filter: String, qos: QualityOfService = .atMostOnce) async throws {
        try await subscribe([.init(topicFilter: filter, options: SubscriptionOptions(maximumQoS: qos))])
    }

    /// The payload of the next message as text.
    func nextPayload(on stream: ClientStreamID = .control) async throws -> String? {
        try await nextMessage(on: stream).map { String(buffer: $0.payload) }
    }
}
