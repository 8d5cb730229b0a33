import MQTTBroker
import MQTTCodec
import NIOCore

/// A broker of one shard and its store, in memory: restored from batches, then served by its clients and its store in turns.
struct RestoredShard: ~Copyable {
    private var shard = Shard(index: 0, count: 1, isLogging: true, random: Sequence())
    private(set) var now = Instant(monotonic: .uptimeNanoseconds(1_000_000_000_000), wall: 1_700_000_000_000)
    /// What the shard has committed.
    private var log = ByteBuffer()
    private var client: Client?

    /// Turns of a shard with its store and its client before it counts as never at rest.
    private static let turns = 100_000

    private struct Sequence: RandomNumberGenerator {
        private var last: UInt64 = 0

        mutating func next() -> UInt64 {
            last &+= 0x9e37_79b9_7f4a_7c15
            return last ^ last >> 31
        }
    }

    private struct Client {
        let connection: Connection
        var decoder = PacketDecoder(role: .client, maximumPacketSize: .max, version: .v5)
        var octets = ByteBuffer()
    }

    struct Contents: Equatable {
        let sessions: Int
        let subscriptions: Int
        let retained: Int
    }

    var contents: Contents {
        Contents(
            sessions: shard.sessionCount,
            subscriptions: shard.subscriptionCount,
            retained: shard.retainedCount
        )
    }

    /// True if nothing may be deleted of the log, and so nothing is written again.
    var keepsWholeLog: Bool { shard.keepsWholeLog }

    mutating func restore(_ log: ByteBuffer) throws { try shard.restore(log, now: now) }

    /// Everything is restored: the shard begins to serve.
    mutating func start() throws {
        shard.finishRecovery(now: now)
        shard.handOverRestored(now: now)
        try wait(.zero)
    }

    /// Connects a client to its session, which takes and acknowledges what it is sent.
    mutating func serve(_ identifier: String) throws {
        let connection = shard.accept(Peer(address: nil, listener: "fuzz"), now: now)
        client = Client(connection: connection)
        var connect = Connect(version: .v5, clientIdentifier: identifier, cleanStart: false, keepAlive: 0)
        connect.properties.sessionExpiryInterval = 1_000
        send(.connect(connect))
        send(.subscribe(Subscribe(packetIdentifier: 1, subscriptions: [.init(topicFilter: "fleet/#")])))
        try settle()
    }

    /// Writes what is alive into the log again, and returns that.
    mutating func clean() throws -> ByteBuffer {
        log = ByteBuffer()
        shard.beginCleaning()
        var turns = 0
        while turns < Self.turns, shard.isCleaning {
            turns += 1
            _ = shard.clean(octets: 1_000, now: now)
            try settle()
        }
        return log
    }

    /// The client goes away, and all that expires expires.
    mutating func end() throws {
        if let client {
            shard.closed(client.connection, now: now)
            self.client = nil
        }
        try wait(.hours(300 * 366 * 24 / 2))
    }

    // MARK: - Turns

    /// Lets time pass, and does what is due.
    private mutating func wait(_ time: TimeAmount) throws {
        now = Instant(monotonic: now.monotonic + time, wall: now.wall + time.nanoseconds / 1_000_000)
        for _ in 0..<Self.turns {
            shard.advance(to: now)
            try settle()
            guard let next = shard.nextDeadline else { return }
            if next > now.monotonic {
                // The next tick of long work, and no more.
                guard next <= now.monotonic + .milliseconds(2) else { return }
                now = Instant(monotonic: next, wall: now.wall)
            }
        }
        throw LaneLogOracle.Fault(message: "deadlines never end")
    }

    /// Carries out what the shard leaves behind until nothing is left.
    private mutating func settle() throws {
        var turns = 0
        while turns < Self.turns, shard.hasEffects || shard.hasRecords {
            turns += 1
            let batches = shard.takeBatches(now: now)
            for batch in batches { batch.write(to: &log, now: now) }
            for batch in batches { shard.committed(batch, now: now) }
            carryOut()
        }
        if shard.hasEffects || shard.hasRecords { throw LaneLogOracle.Fault(message: "the shard is never at rest") }
    }

    private mutating func carryOut() {
        var handOver = HandOver(count: 1)
        _ = shard.swapHandOver(with: &handOver, now: now)
        var dirty: [Connection] = []
        shard.swapDirty(with: &dirty)
        for connection in dirty {
            let output = shard.takeOutput(of: connection)
            for part in output.parts { client?.octets.writeImmutableBuffer(part) }
            client?.octets.writeImmutableBuffer(output.buffer)
            if connection.isClosed {
                client = nil
                shard.closed(connection, now: now)
            } else {
                shard.flushed(connection, now: now)
            }
        }
        answer()
    }

    private mutating func answer() {
        guard var client else { return }
        var answers: [Packet] = []
        while let packet = try? client.decoder.next(from: &client.octets) {
            switch packet {
            case .publish(let publish) where publish.qos == .atLeastOnce:
                answers.append(.acknowledgement(PublishAcknowledgement(.received, publish.packetIdentifier)))
            case .publish(let publish) where publish.qos == .exactlyOnce:
                answers.append(.acknowledgement(PublishAcknowledgement(.recorded, publish.packetIdentifier)))
            case .acknowledgement(let answer) where answer.kind == .release:
                answers.append(.acknowledgement(PublishAcknowledgement(.complete, answer.packetIdentifier)))
            default: break
            }
        }
        self.client = client
        for answer in answers { send(answer) }
    }

    private mutating func send(_ packet: Packet) {
        guard let client, !client.connection.isClosed else { return }
        var octets = ByteBuffer()
        octets.write(packet, version: .v5)
        shard.receive(octets, on: client.connection, now: now)
    }
}
