import NATSClient
import NIOCore
import NIOPosix
import Testing

@testable import BrokerCluster

/// The links of one event loop of a node, from outside the loop. It sends numbered messages, and checks those that come.
struct TestLinks: Sendable {
    private let loop: any EventLoop
    private let bound: NIOLoopBound<State>

    /// What is only touched on the loop.
    final class State {
        let links: ShardLinks
        /// The next number from each shard, and how many messages came that are not the next.
        var next: [[Int]: UInt64] = [:]
        var wrong = 0
        var came = 0
        var resets: [String] = []
        var rooms = 0
        var sent: [[Int]: UInt64] = [:]
        var isHeldBack = false

        init(_ links: ShardLinks) { self.links = links }

        /// Sends messages until there is no room.
        func send(_ count: Int, size: Int, to node: Int, _ shard: Int) -> Bool {
            var hasRoom = true
            for _ in 0..<count where hasRoom {
                let number = sent[[node, shard], default: 0]
                sent[[node, shard]] = number + 1
                var message = ByteBuffer(integer: number)
                message.writeRepeatingByte(UInt8(truncatingIfNeeded: number), count: size)
                hasRoom = links.send(message, to: node, shard: shard)
            }
            links.flush()
            return hasRoom
        }

        fileprivate func receive(_ message: ByteBuffer, _ node: Int, _ shard: Int) {
            var rest = message
            let number: UInt64? = rest.readInteger()
            let expected = next[[node, shard], default: 0]
            let isIntact = rest == ByteBuffer(repeating: UInt8(truncatingIfNeeded: expected), count: rest.readableBytes)
            if number != expected || !isIntact { wrong += 1 }
            next[[node, shard]] = (number ?? expected) + 1
            came += 1
        }
    }

    static func member(_ node: Int, run: UInt64 = 1, shards: Int = 2) -> Member {
        Member(node: node, run: run, name: "node-\(node)", shards: shards, relay: nil, format: 1)
    }

    init(_ ports: [Int], _ own: Member, shard: Int, limits: LinkLimits = LinkLimits()) async throws {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let nats = ClientConfiguration(
            servers: ports.map { ServerAddress(host: "127.0.0.1", port: $0) },
            connection: ConnectionConfiguration(name: "links \(own.node) \(shard)")
        )
        let cluster = try #require(ClusterName("test"))
        self.loop = loop
        bound = try await loop.submit {
            let links = try ShardLinks(cluster, shard: shard, limits: limits, nats: nats, on: loop)
            let state = State(links)
            links.onMessage = { [weak state] in state?.receive($0, $1, $2) }
            links.onReset = { [weak state] node, shard, reason in state?.resets.append("\(node) \(shard) \(reason)") }
            links.onRoom = { [weak state] _, _ in state?.rooms += 1 }
            links.begin(as: own)
            links.start()
            return NIOLoopBound(state, eventLoop: loop)
        }.get()
    }

    func now<Result: Sendable>(_ body: @escaping @Sendable (State) -> Result) async throws -> Result {
        let bound = bound
        return try await loop.submit { body(bound.value) }.get()
    }

    func open(_ members: Member...) async throws {
        try await now { state in for member in members { state.links.open(to: member) } }
    }

    func stop() async throws {
        let bound = bound
        try await loop.flatSubmit { bound.value.links.stop() }.get()
    }
}
