import DequeModule
import MQTTCodec
package import NIOCore

/// The broker, as far as one event loop owns it: its connections, their sessions, their subscriptions and deadlines.
///
/// A shard does no IO and has no clock. The shell calls it with what happened and the present instant, then carries out what
/// the shard left behind: `swapDirty(with:)` names the connections with something to write or to close,
/// `swapHandOver(with:)` gives what other shards are to be told, `nextDeadline` says when `advance(to:)` is due.
package struct Shard: ~Copyable {
    /// The name of the shard.
    package let own: ShardReference
    /// Shards of this node, 1 to 32.
    package let count: Int
    /// The other nodes; `nil` without a cluster.
    var neighbours: Neighbours?
    private(set) var sharedLimits: SharedLimits
    package internal(set) var counters = Counters()

    let authenticator: Authenticator
    var random: any RandomNumberGenerator

    var connections: ConnectionTable
    var sessions: SessionTable
    /// The deputies of connections in other shards whose sessions are at home here, and of their data streams.
    var deputies: [ConnectionReference: Connection] = [:]
    var router: Router
    var lanes: LaneTable
    var recovery = Recovery()
    /// True from the end of recovery until all shards know each other's interest.
    var isRestoring = false
    /// The number of the last SUBSCRIBE.
    var lastSubscribe: UInt64
    /// When messages are handed over again that a lane's leader did not take.
    var limboDeadline: Deadline.Handle?
    /// `nil` unless the shard writes what is alive again.
    var cleaning: LaneCleaning?
    var retained = RetainedMessages()
    /// Look-ups of retained messages that go on with the next tick, each in its turn.
    var lookUps: Deque<RetainedLookUp> = []
    /// Inquiries that go on with the next tick, each in its turn, and answers that the shell has not taken yet.
    var inquiries: Deque<(number: UInt64, inquiry: OpenInquiry)> = []
    var answers: [(number: UInt64, answer: Inquiry.Answer)] = []
    var deadlines = DeadlineQueue<Deadline>()
    var pace: Pace
    var effects: Effects
    /// True while the messages of this shard to itself are handled (`drainLocal`), so that those that follow from them wait.
    var isDrainingLocal = false
    /// True while the shell reads from no connection, since another shard does not keep up.
    package internal(set) var isStalled = false
    var isShuttingDown = false
    /// The slot of the client that was let go last (`letGo`).
    var nextToLetGo = 0

    package static let maximumCount = 32

    /// - Parameters:
    ///   - count: shards of the node.
    ///   - node: the number of the node in its cluster, 0 to 31; `nil` without a cluster.
    ///   - isLogging: true if durable sessions and retained messages outlive the process: the shell takes their batches (`takeBatches`)
    ///     and tells when these are committed. Always so in a cluster.
    /// - Precondition: `index` is below `count`, which is 1 to 32.
    package init(
        index: Int,
        count: Int,
        node: Int? = nil,
        limits: SharedLimits = SharedLimits(Limits()),
        authenticator: Authenticator = .everybody,
        isLogging: Bool = false,
        random: any RandomNumberGenerator
    ) {
        precondition((1...Self.maximumCount).contains(count) && (0..<count).contains(index))
        own = ShardReference(node: node ?? 0, shard: index)
        self.count = count
        neighbours = node.map { _ in Neighbours() }
        sharedLimits = limits
        self.authenticator = authenticator
        var random = random
        // Beyond what a run counts, and few octets in a message.
        let firstNumber: UInt64 = node == nil ? 0 : random.next() >> 16
        self.random = random
        connections = ConnectionTable(shard: own, lastNumber: firstNumber)
        sessions = SessionTable(limits: limits)
        router = Router(count: count, isClustered: node != nil, speaks: node != nil && index == 0, limits: limits)
        lastSubscribe = firstNumber
        lanes = LaneTable(
            isLogging: isLogging || node != nil,
            lastHandOver: firstNumber,
            leaders: node == nil ? { $0.leader(among: count) } : nil
        )
        pace = Pace(stepsPerTick: limits.values.maximumStepsPerTick)
        effects = Effects(shard: own, count: count)
    }

    /// The index of the shard in its node.
    package var index: Int { own.index }
    package var limits: Limits { sharedLimits.values }
    package var connectionCount: Int { connections.count }
    package var sessionCount: Int { sessions.count }
    /// The sessions of these that are durable and logged.
    package var durableSessionCount: Int { sessions.durableCount }
    package var subscriptionCount: Int { router.subscriptionCount }
    package var retainedCount: Int { retained.count }
    /// Messages that wait for lanes to get leaders, and their octets.
    package var heldMessages: (count: Int, octets: Int) { (lanes.limbo.messages.count, lanes.limbo.octets) }
    /// Octets of the messages whose acknowledgements wait.
    package var withheldOctets: Int { lanes.withheldOctets }
    /// True while nothing new is kept.
    package var isSuspended: Bool { lanes.suspension != nil }

    /// From here on these limits are in force. What is kept already is kept, and what the CONNACK of a client said holds until its connection ends. Only
    /// QoS 2 of a session that is at home in another shard is judged there, by the limits of when that shard learned of the connection.
    package mutating func use(_ limits: SharedLimits) {
        sharedLimits = limits
        router.use(limits)
    }

    // MARK: - The way of a packet

    /// Octets have arrived.
    package mutating func receive(_ bytes: ByteBuffer, on connection: Connection, now: Instant) {
        if connection.isClosed { return }
        connection.traffic.octetsReceived &+= UInt64(bytes.readableBytes)
        if connection.isDataStream, !admits(bytes, onEarly: connection, now: now) { return }
        var bytes = bytes
        if connection.inbound.pending.readableBytes > 0 {
            connection.inbound.gather(from: &bytes, isHeld: connection.isHeld)
            handlePending(connection, now: now)
        }
        if bytes.readableBytes > 0, !connection.isClosed { decode(&bytes, isOwned: false, on: connection, now: now) }
        drainLocal(now: now)
    }

    /// Handles the packets of a connection that had to wait.
    mutating func handlePending(_ connection: Connection, now: Instant) {
        // The packet that is being handled was answered at once: those behind it are handled after it.
        if connection.inbound.isDecoding { return }
        var bytes = connection.inbound.pending
        connection.inbound.pending = ByteBuffer()
        decode(&bytes, isOwned: true, on: connection, now: now)
        endIfFinished(connection, now: now)
        answer(connection)
    }

    /// Handles packets until one has to wait, and keeps the octets that are left.
    ///
    /// - Parameter isOwned: true if the octets are the connection's own and not a slice of a read buffer.
    private mutating func decode(_ bytes: inout ByteBuffer, isOwned: Bool, on connection: Connection, now: Instant) {
        connection.inbound.isDecoding = true
        defer { connection.inbound.isDecoding = false }
        do throws(CodecError) {
            while !connection.isHeld, let packet = try connection.inbound.decoder.next(from: &bytes) {
                handle(packet, on: connection, now: now)
                drainLocal(now: now)
                if connection.isClosed { return }
            }
        } catch {
            counters.malformedPackets += 1
            tell(.malformedPacket, connection, error.reasonCode)
            fail(connection, error.reasonCode, now: now)
            return
        }
        // The keep alive is the client's, whatever stream it sends on.
        (connection.control ?? connection).inbound.lastPacket = now.monotonic
        guard bytes.readableBytes > 0 else { return }
        if isOwned {
            bytes.discardReadBytes()
            connection.inbound.pending = bytes
        } else {
            connection.inbound.keep(bytes)
        }
    }

    private mutating func handle(_ packet: consuming Packet, on connection: Connection, now: Instant) {
        counters.packetsReceived += 1
        switch consume packet {
        case .publish(let publish):
            handle(publish, on: connection, now: now)
        case .acknowledgement(let acknowledgement):
            handle(acknowledgement, on: connection, now: now)
        case .pingRequest:
            write(.pingResponse, to: connection, now: now)
        case .subscribe(let subscribe):
            handle(subscribe, on: connection, now: now)
        case .unsubscribe(let unsubscribe):
            handle(unsubscribe, on: connection, now: now)
        case .connect(let connect):
            handle(connect, on: connection, now: now)
        case .disconnect(let disconnect):
            handle(disconnect, on: connection, now: now)
        case .authentication:
            // CONNECT named no method that the server knows, so there is nothing to continue [MQTT-4.12.0-7].
            fail(connection, .protocolError, now: now)
        case .connectAcknowledgement, .subscribeAcknowledgement, .unsubscribeAcknowledgement, .pingResponse:
            fail(connection, .protocolError, now: now)
        }
    }
}
