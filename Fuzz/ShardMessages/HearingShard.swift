import MQTTBroker
import MQTTCodec
import NIOCore

/// A shard of a node in a cluster, with a client, which leads half of the lanes and hears messages of a shard of another node, which leads the
/// others. What it logs is committed at once.
struct HearingShard: ~Copyable {
    private var shard = Shard(index: 0, count: 1, node: 0, random: Sequence())
    private(set) var now = Instant(monotonic: .uptimeNanoseconds(1_000_000_000_000), wall: 1_700_000_000_000)
    private let speaker = ShardReference(node: 1, shard: 0)
    private var clients: [Connection] = []
    /// Messages that the shard has sent.
    private(set) var answers = 0

    /// Turns of the shard with its log and its client before it counts as never at rest.
    private static let turns = 10_000

    private struct Sequence: RandomNumberGenerator {
        private var last: UInt64 = 0

        // Small numbers, so that an input hits those of connections and hand-overs.
        mutating func next() -> UInt64 {
            last &+= 1
            return last << 16
        }
    }

    init() {
        shard.joined(node: 1, shards: 1, now: now)
        for lane in stride(from: 0, to: Lane.count, by: 2) { shard.clear(lane: lane) }
        shard.lead(stride(from: 0, to: Lane.count, by: 2).map { ($0, 1) }, now: now)
        settle()
        for (name, expiry) in [("car 7", UInt32(1_000)), ("car 8", 0), ("train 3", 1_000)] {
            connect(name, expiry: expiry)
        }
    }

    private mutating func connect(_ name: String, expiry: UInt32) {
        let connection = shard.accept(Peer(address: nil, listener: "fuzz"), now: now)
        clients.append(connection)
        var connect = Connect(version: .v5, clientIdentifier: name, cleanStart: false, keepAlive: 0)
        connect.properties.sessionExpiryInterval = expiry
        send(.connect(connect), on: connection)
        send(.subscribe(Subscribe(packetIdentifier: 1, subscriptions: [.init(topicFilter: "fleet/#")])), on: connection)
        settle()
    }

    private mutating func send(_ packet: Packet, on connection: Connection) {
        if connection.isClosed { return }
        var octets = ByteBuffer()
        octets.write(packet, version: .v5)
        shard.receive(octets, on: connection, now: now)
    }

    /// Messages of the other node have come. The clients publish, too.
    mutating func hear(_ batch: ByteBuffer) {
        var octets = batch
        if let messages = ShardMessage.read(from: &octets, now: now) {
            shard.receive(messages, from: speaker, now: now)
        }
        for (number, connection) in clients.enumerated() {
            let publish = Publish(
                topic: ByteBuffer(string: "fleet/\(number)"),
                payload: ByteBuffer(string: "here"),
                qos: number == 0 ? .exactlyOnce : .atLeastOnce,
                packetIdentifier: UInt16(number + 1),
                retain: number == 1
            )
            send(.publish(publish), on: connection)
        }
        settle()
    }

    /// Time passes, the other node dies, and the clients go.
    mutating func end() throws {
        for seconds in [1, 100] as [Int64] {
            now = Instant(monotonic: now.monotonic + .seconds(seconds), wall: now.wall + seconds * 1_000)
            shard.advance(to: now)
            settle()
        }
        shard.died(node: 1, now: now)
        let open = (0..<Lane.count).filter { shard.lanesWithoutLeader & 1 << UInt64($0) != 0 }
        for lane in open { shard.clear(lane: lane) }
        shard.lead(open.map { ($0, UInt64.max / 2) }, now: now)
        settle()
        for connection in clients where !connection.isClosed { shard.closed(connection, now: now) }
        settle()
        if shard.hasRecords { throw ShardMessagesOracle.Fault(message: "the shard is never at rest") }
    }

    // MARK: - Turns

    private mutating func settle() {
        var turns = 0
        while turns < Self.turns, shard.hasEffects || shard.hasRecords {
            turns += 1
            for batch in shard.takeBatches(now: now) { shard.committed(batch, now: now) }
            carryOut()
        }
    }

    private mutating func carryOut() {
        var handOver = HandOver(node: 0, count: 1)
        var sent = 0
        if shard.swapHandOver(with: &handOver, now: now) {
            handOver.deliver { _, messages, _ in sent += messages.count }
        }
        answers += sent
        var dirty: [Connection] = []
        shard.swapDirty(with: &dirty)
        for connection in dirty {
            _ = shard.takeOutput(of: connection)
            if connection.isClosed {
                shard.closed(connection, now: now)
            } else {
                shard.flushed(connection, now: now)
            }
        }
    }
}
