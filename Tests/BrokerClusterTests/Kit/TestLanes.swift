import NATSClient
import NATSFixture
import NIOCore
import NIOPosix
import Testing

@testable import BrokerCluster

/// The lanes of one event loop of a node, from outside the loop.
struct TestLanes: Sendable {
    private let loop: any EventLoop
    private let bound: NIOLoopBound<LaneStreams>
    private let health: NIOLoopBoundBox<[String]>

    static let cluster = "test"

    init(_ ports: [Int], node: Int, replicas: Int = 3, limits: LaneLimits = LaneLimits()) async throws {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let nats = ClientConfiguration(
            servers: ports.map { ServerAddress(host: "127.0.0.1", port: $0) },
            connection: ConnectionConfiguration(name: "test")
        )
        let cluster = try #require(ClusterName(Self.cluster))
        var configuration = LaneConfiguration(cluster: cluster, replicas: replicas)
        configuration.maximumOctets = 64 << 20
        configuration.limits = limits
        let member = Member(
            node: node,
            run: UInt64(node) * 1_000,
            name: "node-\(node)",
            shards: 1,
            relay: nil,
            format: 1
        )
        let health = NIOLoopBoundBox.makeBoxSendingValue([String](), eventLoop: loop)
        self.loop = loop
        self.health = health
        bound = try await loop.submit { [configuration] in
            let lanes = try LaneStreams(configuration, nats: nats, on: loop)
            lanes.onHealth = { lane, state in
                switch state {
                case .serving: health.value.append("\(lane) serves")
                case .suspended: health.value.append("\(lane) is suspended")
                case .full: health.value.append("\(lane) is full")
                }
            }
            lanes.start()
            lanes.begin(as: member)
            return NIOLoopBound(lanes, eventLoop: loop)
        }.get()
    }

    func call<Result: Sendable>(
        _ body: @escaping @Sendable (LaneStreams) -> EventLoopFuture<Result>
    ) async throws -> Result {
        let bound = bound
        return try await loop.flatSubmit { body(bound.value) }.get()
    }

    func now<Result: Sendable>(_ body: @escaping @Sendable (LaneStreams) -> Result) async throws -> Result {
        let bound = bound
        return try await loop.submit { body(bound.value) }.get()
    }

    func healthLines() async throws -> [String] { try await loop.submit { health.value }.get() }

    func prepare() async throws -> Result<Void, LanePreparationFailure> {
        try await call { $0.prepare(until: .now() + .seconds(60)) }
    }

    /// Takes a lane, and returns what was replayed as well.
    func take(_ lane: Int, isServed: Bool = false) async throws -> (
        Result<LaneTerm, LaneFailure>, batches: [ByteBuffer]
    ) {
        let batches = NIOLoopBoundBox.makeBoxSendingValue([ByteBuffer](), eventLoop: loop)
        let result = try await call { $0.take(lane, isServed: isServed) { batches.value.append($0) } }
        return (result, try await loop.submit { batches.value }.get())
    }

    func append(_ batch: ByteBuffer, to lane: Int) async throws -> Result<LanePosition, LaneFailure> {
        try await call { $0.append(batch, to: lane) }
    }

    func append(_ text: String, to lane: Int) async throws -> Result<LanePosition, LaneFailure> {
        try await append(ByteBuffer(string: text), to: lane)
    }

    /// The server that leads a stream.
    func leader(ofStream stream: Int) async throws -> String {
        var leader: String?
        try await waitUntil("a leader of stream \(stream)") {
            let name = "MARTLET_\(Self.cluster)_L\(stream)"
            let info = try? await call { $0.client.ask(.info(of: name)) }.get()
            leader = info?.cluster?.leader
            return leader != nil
        }
        return try #require(leader)
    }

    /// Appends as somebody who does not know what a lane is.
    func publish(_ append: Append) async throws -> AppendAnswer { try await call { $0.client.append(append) } }

    func stop() async throws { try await call { $0.stop() } }
}

/// Waits for something that comes about on its own; the time is a bound for what never does, and nothing that a test promises.
func waitUntil(_ what: String, _ isSo: () async throws -> Bool) async throws {
    let end = ContinuousClock.now + .seconds(60)
    while ContinuousClock.now < end {
        if try await isSo() { return }
        try await Task.sleep(for: .milliseconds(20))
    }
    throw NATSCluster.Failure(description: "timed out waiting for \(what)")
}
