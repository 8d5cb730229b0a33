import BrokerCluster
package import Logging
import MQTTBroker
import NIOConcurrencyHelpers
package import NIOCore
import NIOPosix
package import QUICTransport
import ServiceLifecycle

/// A running broker: event loops, shards and listeners.
///
/// As a `Service` (swift-service-lifecycle) it opens its listeners, serves until a graceful shutdown is triggered, ends all
/// connections with DISCONNECT and returns.
package struct BrokerServer: Service, CustomStringConvertible {
    /// Names the service in the log.
    package var description: String { "broker" }

    private let configuration: BrokerServerConfiguration
    private let logger: Logger
    private let listening: @Sendable ([Listening]) -> Void
    private let running = NIOLockedValueBox<NodeRelay?>(nil)
    /// Says how the broker is, from before it runs.
    package let observer: BrokerObserver
    /// What is set at run time.
    package let meta = MetaAccess()
    private let reloads = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    /// An open listener.
    package struct Listening: Sendable {
        package let transport: String
        package let name: String
        package let address: SocketAddress
    }

    /// - Parameter listening: called once, when every listener is open.
    package init(
        _ configuration: BrokerServerConfiguration,
        logger: Logger,
        listening: @escaping @Sendable ([Listening]) -> Void = { _ in }
    ) {
        self.configuration = configuration
        self.logger = logger
        self.listening = listening
        observer = BrokerObserver(name: configuration.nodeName, version: configuration.version)
    }

    /// The relay of a running broker, which is told the members by `update`; `nil` before `listening` is called, and without one.
    package var relay: NodeRelay? { running.withLockedValue { $0 } }

    /// Reads the certificates' files again, also if they have not changed.
    package func reloadCertificates() { reloads.continuation.yield() }

    /// - Throws: `ListenerError`.
    package func run() async throws {
        let loops = MultiThreadedEventLoopGroup(numberOfThreads: configuration.loops)
        do {
            // A node that waits for its cluster stops as well.
            let node = try await cancelWhenGracefulShutdown {
                try await Node(configuration, loops: loops, observer: observer, meta: meta, logger: logger)
            }
            if let limit = configuration.descriptorLimit {
                DescriptorBudget(limit: limit).report(configuration.listeners, to: logger)
            }
            running.withLockedValue { $0 = node.relay?.relay }
            observer.note { $0.isServing = true }
            listening(node.listening)
            await withTaskGroup(of: Void.self) { group in
                group.addTask { try? await gracefulShutdown() }
                group.addTask { await node.certificateWatch.run(requests: reloads.stream) }
                group.addTask { await node.followLiveSettings() }
                await group.next()
                group.cancelAll()
            }
            running.withLockedValue { $0 = nil }
            meta.use(nil)
            await node.shutDown()
        } catch {
            meta.use(nil)
            observer.note { $0 = BrokerObserver.Parts() }
            configuration.store?.close()
            try? await loops.shutdownGracefully()
            if Task.isShuttingDownGracefully { return }
            throw error
        }
        // Nobody is asked on loops that have ended.
        observer.note { $0 = BrokerObserver.Parts() }
        configuration.store?.close()
        try await loops.shutdownGracefully()
    }
}

/// Everything that exists from the start to the end of a graceful shutdown.
private struct Node {
    private let configuration: BrokerServerConfiguration
    private let shards: ShardGroup
    /// `nil` without a cluster.
    private var cluster: NIOLoopBound<NodeCluster>?
    private let authentication: AuthenticationExecutor
    private let live: LiveSettingsApplier?
    /// Says that records have changed.
    private let changes: AsyncStream<Void>
    private let reporter: MetricsReporter
    private let logWindows: [RepeatedTask]
    private var tcp: [TCPListener] = []
    private var quic: [QUICListener] = []
    private(set) var relay: BrokerRelay?
    private(set) var listening: [BrokerServer.Listening] = []
    private let logger: Logger

    init(
        _ configuration: BrokerServerConfiguration,
        loops: MultiThreadedEventLoopGroup,
        observer: BrokerObserver,
        meta: MetaAccess,
        logger: Logger
    ) async throws {
        self.configuration = configuration
        self.logger = logger
        let authentication = AuthenticationExecutor(configuration.authentication)
        let all = Array(loops.makeIterator())
        let (cluster, member) = try await Self.join(configuration, all, observer, logger) ?? (nil, nil)
        self.cluster = cluster
        let (store, changes) = try await Self.records(configuration, cluster)
        self.changes = changes
        live = store.flatMap { LiveSettingsApplier(configuration, $0) }
        // Before the shards are there, so that nothing is done under other limits.
        let limits = SharedLimits(await live?.limits() ?? configuration.limits)
        let shards = try await ShardGroup(loops: all, log: ClientLog(logger), logger: logger) { index in
            Shard(
                index: index,
                count: all.count,
                node: member?.node,
                limits: limits,
                authenticator: authentication.authenticator,
                isLogging: configuration.store != nil,
                random: SystemRandomNumberGenerator()
            )
        }
        self.shards = shards
        observer.note { $0.shards = shards }
        await live?.begin(shards)
        meta.use(store, live)
        self.authentication = authentication
        authentication.open(for: shards)
        reporter = MetricsReporter(shards: shards)
        logWindows = shards.repeatOnEachLoop(every: ClientLog.window) { $0.endLogWindow() }
        do {
            if let store = configuration.store { try await shards.open(store, logger: logger) }
            relay = try await BrokerRelay(Self.relayed(configuration, member), loops: all, logger: logger)
            let opened = relay?.relay
            observer.note { $0.relay = opened }
            if let cluster, let settings = configuration.cluster, let member {
                if let relay = relay?.relay { try await cluster.eventLoop.submit { cluster.value.use(relay) }.get() }
                try await shards.begin(cluster, settings, member, all, logger: logger)
            }
            for listener in configuration.listeners {
                switch listener.transport {
                case .tcp: try await openTCP(listener, tls: nil, loops)
                case .tls(let configuration): try await openTCP(listener, tls: configuration, loops)
                case .quic(let quicConfiguration):
                    let opened = try await QUICListener(
                        listener,
                        quicConfiguration,
                        relay: relay,
                        shards: shards,
                        loops: loops,
                        logger: logger
                    )
                    quic.append(opened)
                    listening.append(.init(transport: "quic", name: listener.name, address: opened.address))
                }
            }
            if let cluster { try await giveKeys(by: cluster) }
        } catch {
            await shutDown()
            throw error
        }
        reporter.start(
            listeners: tcp.map(\.admission) + quic.map(\.admission),
            endpoints: quic.map { ($0.label, $0.endpoints) },
            store: configuration.store,
            on: all[0],
            every: configuration.metricsInterval
        )
        relay?.report(on: all[0], every: configuration.metricsInterval)
    }

    /// Becomes a member of the cluster.
    ///
    /// - Returns: `nil` without a cluster.
    private static func join(
        _ configuration: BrokerServerConfiguration,
        _ loops: [any EventLoop],
        _ observer: BrokerObserver,
        _ logger: Logger
    ) async throws -> (NIOLoopBound<NodeCluster>, Member)? {
        guard let settings = configuration.cluster, let run = configuration.run else { return nil }
        let memory = try run.membershipFile()
        let loop = loops[0]
        let interval = configuration.metricsInterval
        let cluster = try await loop.submit {
            let cluster = NodeCluster(settings, metricsInterval: interval, on: loop, logger: logger) {
                [weak observer] in observer?.answer($0)
            }
            return NIOLoopBound(cluster, eventLoop: loop)
        }.get()
        observer.note { $0.cluster = cluster }
        let hasQUIC = configuration.listeners.contains { if case .quic = $0.transport { true } else { false } }
        let place = hasQUIC ? try await ClusterRelay.place(settings, on: loop) : nil
        let member = try await withTaskCancellationHandler {
            try await loop.flatSubmit {
                cluster.value.join(.init(shards: loops.count, relay: place), memory: memory)
            }.get()
        } onCancel: {
            loop.execute { _ = cluster.value.leave() }
        }
        return (cluster, member)
    }

    /// The records of what is set at run time, all of which are known, and what says that some have changed.
    private static func records(
        _ configuration: BrokerServerConfiguration,
        _ cluster: NIOLoopBound<NodeCluster>?
    ) async throws -> ((any MetaStore)?, AsyncStream<Void>) {
        let (changes, announce) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        guard let cluster else { return (configuration.metaFile, changes) }
        let access = try await cluster.eventLoop.submit { () -> MetaLaneAccess? in
            guard let lane = cluster.value.meta else { return nil }
            lane.onChange = { announce.yield() }
            return MetaLaneAccess(NIOLoopBound(lane, eventLoop: lane.eventLoop))
        }.get()
        return (access, changes)
    }

    /// Brings what other nodes set at run time into force, until it is cancelled.
    func followLiveSettings() async {
        for await _ in changes { await live?.apply() }
    }

    /// Lets the cluster's secrets make the keys of the relay and of all QUIC listeners.
    private func giveKeys(by cluster: NIOLoopBound<NodeCluster>) async throws {
        let (relay, endpoints) = (relay?.relay, quic.flatMap(\.endpoints))
        let loop = cluster.eventLoop
        try await loop.submit {
            cluster.value.useKeys { ring in
                var told = endpoints.map { endpoint in
                    endpoint.eventLoop.submit { try endpoint.value.use(ring) }
                }
                if let relay { told.append(relay.use(ring)) }
                return EventLoopFuture.andAllSucceed(told, on: loop)
            }
        }.get()
    }

    /// The configuration with the relay of a member of a cluster.
    private static func relayed(
        _ configuration: BrokerServerConfiguration,
        _ member: Member?
    ) throws -> BrokerServerConfiguration {
        guard let settings = configuration.cluster, let member, let own = ClusterRelay.member(member) else {
            return configuration
        }
        var configuration = configuration
        configuration.relay = RelayConfiguration(
            address: try ClusterRelay.bind(settings.relay),
            membership: RelayMembership(own: own)
        )
        return configuration
    }

    private mutating func openTCP(
        _ listener: BrokerServerConfiguration.Listener,
        tls: TLSServerConfiguration?,
        _ loops: MultiThreadedEventLoopGroup
    ) async throws {
        let opened = try await TCPListener(listener, tls: tls, shards: shards, loops: loops, logger: logger)
        tcp.append(opened)
        listening.append(.init(transport: listener.transport.name, name: listener.name, address: opened.address))
    }

    var certificateWatch: CertificateWatch {
        CertificateWatch(tcp + quic, interval: configuration.certificateInterval, logger: logger)
    }

    /// Lets the other nodes of a cluster take this one's lanes, stops accepting, sends DISCONNECT to all clients, waits until their
    /// connections are closed or `shutdownTimeout` is over, and closes the listeners.
    func shutDown() async {
        try? await retire()
        for listener in tcp { await listener.close() }
        let timeout = configuration.shutdownTimeout
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                try? await shards.shutDown()
                try? await shards.finishCommits(within: timeout)
                try? await leave()
            }
            group.addTask { try? await Task.sleep(for: .nanoseconds(timeout.nanoseconds)) }
            await group.next()
            // Ends the first task too if the time is over before all connections are closed.
            try? await shards.onEachLoop { $0.dissolve() }
            group.cancelAll()
        }
        for listener in quic { await listener.close() }
        await relay?.close()
        reporter.stop()
        for window in logWindows { window.cancel() }
        try? await shards.onEachLoop { $0.endLogWindow() }
        authentication.close()
    }

    private func retire() async throws {
        guard let cluster else { return }
        try await cluster.eventLoop.flatSubmit { cluster.value.retire() }.get()
    }

    private func leave() async throws {
        guard let cluster else { return }
        try await cluster.eventLoop.flatSubmit { cluster.value.leave() }.get()
    }
}
