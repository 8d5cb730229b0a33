import BrokerCluster
import Foundation
import Logging
import NATSClient
import NATSFixture
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix

/// A data folder in memory.
final class TestFolder: MembershipMemory {
    let token: String
    private let state = NIOLockedValueBox<(run: UInt64, number: Int?)>((0, nil))

    init(_ token: String) { self.token = token }

    /// A process begins.
    func begin() { state.withLockedValue { $0.run += 1 } }

    var start: UInt64 { state.withLockedValue { $0.run } }

    func number(in cluster: ClusterName) -> Int? { state.withLockedValue { $0.number } }

    func remember(number: Int, run: UInt64, in cluster: ClusterName) throws {
        state.withLockedValue { $0 = (run, number) }
    }
}

/// A runner of a test's cluster, from outside its loop.
struct TestMember: Sendable {
    private let loop: any EventLoop
    private let bound: NIOLoopBound<MembershipRunner>
    private let log: NIOLockedValueBox<[MembershipEvent]>

    init(
        _ name: String,
        _ ports: [Int],
        _ folder: TestFolder,
        cluster: String = "test",
        number: Int? = nil,
        deadAfter: TimeAmount = .seconds(10),
        on loop: any EventLoop = MultiThreadedEventLoopGroup.singleton.next()
    ) async throws {
        guard let clusterName = ClusterName(cluster) else { throw NATSCluster.Failure(description: "no name") }
        let servers = ports.map { ServerAddress(host: "127.0.0.1", port: $0) }
        let nats = ClientConfiguration(servers: servers, connection: ConnectionConfiguration(name: name))
        var configuration = ClusterConfiguration(name: clusterName, nats: nats, secrets: [], nodeName: name)
        configuration.number = number
        configuration.deadAfter = deadAfter
        let log = NIOLockedValueBox<[MembershipEvent]>([])
        self.loop = loop
        self.log = log
        folder.begin()
        bound = try await loop.submit { [configuration] in
            let runner = MembershipRunner(
                configuration,
                MembershipRunner.Node(shards: 2),
                memory: folder,
                on: loop,
                logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
            ) { event in log.withLockedValue { $0.append(event) } }
            return NIOLoopBound(runner, eventLoop: loop)
        }.get()
    }

    var events: [MembershipEvent] { log.withLockedValue { $0 } }

    func start() async throws -> Member {
        let bound = bound
        return try await loop.flatSubmit { bound.value.start() }.get()
    }

    func leave() async throws {
        let bound = bound
        try await loop.flatSubmit { bound.value.leave() }.get()
    }

    /// Ends it as a process ends that is killed.
    func kill() async throws {
        let bound = bound
        try await loop.flatSubmit { bound.value.stop() }.get()
    }

    func now<Result: Sendable>(_ body: @escaping @Sendable (MembershipRunner) -> Result) async throws -> Result {
        let bound = bound
        return try await loop.submit { body(bound.value) }.get()
    }

    /// Lets the loop stand still, which no other test may need.
    func blockLoop(for time: Duration) async throws {
        try await loop.submit {
            Thread.sleep(forTimeInterval: Double(time.components.seconds) + Double(time.components.attoseconds) / 1e18)
        }
        .get()
    }

    /// Waits until the node knows these others, and holds its lease.
    func wait(for others: [Member]) async throws {
        try await poll("the members \(others.map(\.node))") {
            try await now { runner in
                runner.others == others && runner.holdsLease && !others.contains { runner.isSuspected($0.node) }
            }
        }
    }

    /// Waits until the node was told so.
    func wait(_ what: String, _ isSo: (MembershipEvent) -> Bool) async throws {
        try await poll(what) { events.contains(where: isSo) }
    }

    private func poll(_ what: String, _ isSo: () async throws -> Bool) async throws {
        let end = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < end {
            if try await isSo() { return }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw NATSCluster.Failure(description: "timed out waiting for \(what); events: \(events)")
    }
}
