import Logging
import NATSClient
import NIOCore
import NIOPosix
import Testing

@testable import BrokerCluster

/// The meta lane of a node of a test's cluster, from outside its loop.
struct TestMeta: Sendable {
    let loop: any EventLoop
    private let client: NIOLoopBound<NATSClient>
    private let lane: NIOLoopBound<MetaLane>
    private let changes: NIOLoopBoundBox<Int>
    let access: MetaLaneAccess

    static func bucket() throws -> KeyValueBucket {
        let cluster = try #require(ClusterName("test"))
        return try #require(MetaSubjects(cluster)).bucket
    }

    init(_ ports: [Int], limits: MetaLimits = MetaLimits()) async throws {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let nats = ClientConfiguration(
            servers: ports.map { ServerAddress(host: "127.0.0.1", port: $0) },
            connection: ConnectionConfiguration(name: "meta")
        )
        let cluster = try #require(ClusterName("test"))
        let changes = NIOLoopBoundBox.makeBoxSendingValue(0, eventLoop: loop)
        self.loop = loop
        self.changes = changes
        (client, lane) = try await loop.submit {
            let client = try NATSClient(nats, on: loop)
            var quiet = Logger(label: "test")
            quiet.logLevel = .critical
            let lane = try MetaLane(cluster, sharing: client, limits: limits, logger: quiet)
            lane.onChange = { changes.value += 1 }
            client.start()
            lane.start()
            return (NIOLoopBound(client, eventLoop: loop), NIOLoopBound(lane, eventLoop: loop))
        }.get()
        access = MetaLaneAccess(lane)
    }

    func waitUntilCurrent() async throws {
        let lane = lane
        try await loop.flatSubmit { lane.value.whenCurrent() }.get()
    }

    func now<Result: Sendable>(_ body: @escaping @Sendable (MetaLane) -> Result) async throws -> Result {
        let lane = lane
        return try await loop.submit { body(lane.value) }.get()
    }

    /// How often it was told that something has changed.
    func changeCount() async throws -> Int {
        let changes = changes
        return try await loop.submit { changes.value }.get()
    }

    /// The values of the configuration, by name.
    func values() async -> [String: String] {
        let records = await access.records(of: .configuration)
        return Dictionary(uniqueKeysWithValues: records.map { ($0.key.text, String(buffer: $0.value)) })
    }

    @discardableResult
    func set(_ name: String, _ value: String?, expecting revision: UInt64? = nil) async throws -> UInt64 {
        try await access.write(
            value.map { ByteBuffer(string: $0) },
            at: MetaKey(.configuration, name),
            expecting: revision
        )
    }

    /// Deletes a stream, as its administrator can.
    func deleteStream(_ name: String) async throws {
        let client = client
        let subject = Subject(trusted: "$JS.API.STREAM.DELETE.\(name)")
        _ = try await loop.flatSubmit { client.value.request(Publication(to: subject)) }.get()
    }

    /// Appends as somebody who knows nothing of the lane.
    func publish(_ append: Append) async throws -> AppendAnswer {
        let client = client
        return try await loop.flatSubmit { client.value.append(append) }.get()
    }

    func stop() async throws {
        let (client, lane) = (client, lane)
        try await loop.flatSubmit {
            lane.value.stop()
            return client.value.stop()
        }.get()
    }
}
