import MQTTBroker
import MQTTCodec
import NIOCore

/// A broker without sockets whose shards one thread drives, each as its event loop would: a burst goes in, and what it
/// causes is carried out at its end.
///
/// A cluster has one shard a node, and what one has for another goes as octets.
final class LoadedBroker {
    private let loops: [Loop]
    private let isCluster: Bool
    private(set) var now = Instant(monotonic: .uptimeNanoseconds(1_000_000_000), wall: 1_000)
    /// Batches that one shard gave another.
    private(set) var handOverCount = 0

    /// A shard, and what its loop keeps from tick to tick.
    private final class Loop {
        var shard: Shard
        var dirty: [Connection] = []
        var handOver: HandOver
        var mailbox: [(source: ShardReference, messages: [ShardMessage])] = []

        init(_ shard: consuming Shard) {
            handOver = HandOver(node: shard.own.node, count: shard.count)
            self.shard = shard
        }
    }

    /// The other end of a connection.
    struct Client {
        let connection: Connection
        let shard: Int
    }

    /// - Parameter isLogging: true if durable sessions are logged, and `commit()` commits them.
    init(shards count: Int, isLogging: Bool = false) {
        isCluster = false
        loops = (0..<count).map { index in
            Loop(Shard(index: index, count: count, isLogging: isLogging, random: CountingGenerator()))
        }
    }

    /// A cluster, whose first node leads all lanes.
    init(nodes count: Int) {
        isCluster = true
        loops = (0..<count).map { node in
            Loop(Shard(index: 0, count: 1, node: node, random: CountingGenerator()))
        }
        for (node, loop) in loops.enumerated() {
            for other in loops.indices where other != node { loop.shard.joined(node: other, shards: 1, now: now) }
        }
        for lane in 0..<Lane.count { loops[0].shard.clear(lane: lane) }
        _ = loops[0].shard.lead((0..<Lane.count).map { ($0, 1) }, now: now)
        for node in loops.indices { flush(node) }
        carryOut()
    }

    var shards: Int { loops.count }

    func total(_ counter: KeyPath<Counters, UInt64>) -> Int {
        loops.reduce(0) { $0 + Int($1.shard.counters[keyPath: counter]) }
    }

    func open(on shard: Int = 0) -> Client {
        let peer = Peer(address: nil, listener: "tcp:default")
        return Client(connection: loops[shard].shard.accept(peer, now: now), shard: shard)
    }

    /// A client that is connected.
    ///
    /// - Parameter isDurable: true if its session outlives the connection.
    func connect(_ identifier: String, on shard: Int = 0, isDurable: Bool = false) -> Client {
        let client = open(on: shard)
        var connect = Connect(clientIdentifier: identifier)
        if isDurable { connect.properties.sessionExpiryInterval = .max }
        receive(ByteBuffer(.connect(connect)), from: client)
        commit()
        return client
    }

    /// One read burst, and everything that comes of it.
    func receive(_ octets: ByteBuffer, from client: Client) {
        loops[client.shard].shard.receive(octets, on: client.connection, now: now)
        flush(client.shard)
        carryOut()
    }

    /// Everything that the shards have told each other.
    private func carryOut() {
        while let shard = loops.firstIndex(where: { !$0.mailbox.isEmpty }) {
            let mailbox = loops[shard].mailbox
            loops[shard].mailbox.removeAll(keepingCapacity: true)
            for (source, messages) in mailbox { loops[shard].shard.receive(messages, from: source, now: now) }
            flush(shard)
        }
    }

    /// One commit of what each shard has logged. Returns its octets.
    @discardableResult
    func commit() -> Int {
        var octets = ByteBuffer()
        for shard in loops.indices where loops[shard].shard.hasRecords {
            for batch in loops[shard].shard.takeBatches(now: now) {
                batch.write(to: &octets, now: now)
                loops[shard].shard.committed(batch, now: now)
            }
            flush(shard)
        }
        return octets.readableBytes
    }

    func advance(by amount: TimeAmount) {
        now = Instant(monotonic: now.monotonic + amount, wall: now.wall + amount.nanoseconds / 1_000_000)
        for shard in loops.indices where loops[shard].shard.nextDeadline.map({ $0 <= now.monotonic }) ?? false {
            loops[shard].shard.advance(to: now)
            flush(shard)
        }
    }

    /// Messages as another node reads them.
    private func sent(_ messages: [ShardMessage]) -> [ShardMessage] {
        var octets = ByteBuffer()
        ShardMessage.write(messages, to: &octets, now: now)
        return ShardMessage.read(from: &octets, now: now) ?? []
    }

    /// What the loop's tick ends with.
    private func flush(_ index: Int) {
        let loop = loops[index]
        while loop.shard.hasEffects {
            if loop.shard.swapHandOver(with: &loop.handOver, now: now) {
                loop.handOver.deliver { destination, messages, _ in
                    handOverCount += 1
                    if isCluster {
                        let source = ShardReference(node: index, shard: 0)
                        loops[Int(destination.node)].mailbox.append((source, sent(messages)))
                    } else {
                        loops[destination.index].mailbox.append((ShardReference(shard: index), messages))
                    }
                }
            }
            loop.shard.swapDirty(with: &loop.dirty)
            for connection in loop.dirty {
                let output = loop.shard.takeOutput(of: connection)
                loop.shard.recycle(consume output)
                if connection.isClosed {
                    loop.shard.closed(connection, now: now)
                } else {
                    loop.shard.flushed(connection, now: now)
                }
            }
            loop.dirty.removeAll(keepingCapacity: true)
        }
    }
}

/// Numbers that are the same in every run.
private struct CountingGenerator: RandomNumberGenerator {
    private var last: UInt64 = 0

    mutating func next() -> UInt64 {
        last &+= 0x9e37_79b9_7f4a_7c15
        return last
    }
}

extension ByteBuffer {
    /// Packets of MQTT 5.0, one behind the other.
    init(_ packets: Packet...) { self.init(packets) }

    init(_ packets: [Packet]) {
        self.init()
        for packet in packets { write(packet, version: .v5) }
    }
}
