import DequeModule
import HeapModule
import MQTTCodec
package import NIOCore

/// The broker, as far as one event loop owns it: its connections, their sessions, their subscriptions and deadlines.
///
/// A shard does no IO and has no clock. The shell calls it with what happened and the current instant, then carries out
/// what it left behind: `swapDirty(with:)` names the connections with something to write or to close,
/// `takeHandOver()` gives what other shards are to be told, `nextDeadline` says when `advance(to:)` is due.
package struct Shard: ~Copyable {
    package let index: Int
    /// Shards of this broker, 1 to 32.
    package let count: Int
    package let limits: Limits
    package internal(set) var counters = Counters()
    var events = ShardEvents()

    let authenticator: Authenticator
    var random: any RandomNumberGenerator

    var connections: [Connection?] = []
    private var freeSlots: [Int] = []
    private var lastConnectionNumber: UInt64 = 0
    package private(set) var connectionCount = 0
    /// Those of them whose transport is gone.
    private var goneCount = 0
    /// Set by the shell while it reads from nobody, since another shard does not keep up.
    package private(set) var isStalled = false

    var sessions: [UTF8Key: Session] = [:]
    private var lastSessionNumber: UInt64 = 0
    var directory: ClientDirectory
    /// Sessions on their way here.
    var arriving: [UTF8Key: Session] = [:]

    var tree = TopicTree()
    var routes: RouteCache
    var retained = RetainedMessages()
    /// Present where there are other shards.
    var ownInterest: Interest.Own?
    var othersInterest: Interest.Others?
    /// Raised with every change of the others' interest; with the tree's own it makes a route stale.
    var interestGeneration: UInt64 = 0
    var subscribing: [UInt64: PendingSubscribe] = [:]
    var lastToken: UInt64 = 0

    var deadlines = Heap<Deadline>()
    /// At this number those that have become useless are looked for.
    var deadlinesBeforeSweep = Self.fewDeadlines

    private var dirty: [Connection] = []
    private var buffers: [ByteBuffer] = []
    private var handOver: HandOver
    private var local: Deque<ShardMessage> = []
    private var isSettling = false
    /// What this shard tells itself of a session that moves. It holds from the end of the burst, as for the other shards.
    private var ownSwitches: [ShardMessage] = []
    private var isShuttingDown = false

    /// Octets of a fresh output buffer, and of the largest and number of those that are kept for reuse.
    private static let bufferCapacity = 2048
    private static let keptBufferCapacity = 262_144
    private static let keptBuffers = 64

    package static let maximumCount = 32

    /// - Precondition: `index` is below `count`, which is 1 to 32.
    package init(
        index: Int,
        count: Int,
        limits: Limits = Limits(),
        authenticator: Authenticator = .everybody,
        random: any RandomNumberGenerator
    ) {
        precondition((1...Self.maximumCount).contains(count) && (0..<count).contains(index))
        self.index = index
        self.count = count
        self.limits = limits
        self.authenticator = authenticator
        self.random = random
        directory = ClientDirectory(limits: limits)
        routes = RouteCache(limits: limits)
        ownInterest = count > 1 ? Interest.Own() : nil
        othersInterest = count > 1 ? Interest.Others() : nil
        handOver = HandOver(count: count)
    }

    package var sessionCount: Int { sessions.count }
    package var subscriptionCount: Int { tree.count }
    package var retainedCount: Int { retained.count }

    // MARK: - Connections

    /// A transport is up. Its CONNECT is due within `limits.connectTimeout`.
    package mutating func accept(_ peer: Peer, now: NIODeadline) -> Connection {
        let connection = newConnection(peer, now: now)
        connectionCount += 1
        counters.connectionsAccepted += 1
        if isShuttingDown {
            leave(connection, publishesWill: false, now: now)
            markDirty(connection)
        } else {
            look(at: connection, noLaterThan: now + limits.connectTimeout)
        }
        return connection
    }

    /// Octets have arrived.
    package mutating func receive(_ bytes: ByteBuffer, on connection: Connection, now: NIODeadline) {
        if connection.isClosed { return }
        if connection.isDataStream, !admits(bytes, onEarly: connection, now: now) { return }
        var bytes = bytes
        if connection.pending.readableBytes > 0 {
            connection.gather(from: &bytes)
            resume(connection, now: now)
        }
        if bytes.readableBytes > 0, !connection.isClosed { process(&bytes, isOwned: false, on: connection, now: now) }
        settleLocally(now: now)
    }

    /// The peer has ended its side of the transport: the connection ends once all that has arrived is handled.
    package mutating func finished(_ connection: Connection, now: NIODeadline) {
        connection.isFinished = true
        endIfFinished(connection, now: now)
        settleLocally(now: now)
    }

    private mutating func endIfFinished(_ connection: Connection, now: NIODeadline) {
        guard connection.isFinished, !connection.isHeld, !connection.isClosed else { return }
        leave(connection, publishesWill: true, now: now)
        markDirty(connection)
    }

    /// The handshake of an early connection is complete: what it sends is its own, and what waited for that goes on.
    package mutating func confirmed(_ connection: Connection, now: NIODeadline) {
        connection.peer.earlyData = nil
        for stream in connection.streams { stream.peer.earlyData = nil }
        if !connection.isClosed { resume(connection, now: now) }
        for stream in connection.streams where !stream.isClosed {
            resume(stream, now: now)
            // The shell is to read on.
            markDirty(stream)
        }
        settleLocally(now: now)
    }

    /// The transport is gone; nothing more can be sent. Frees the slot, at once or when what arrived before is handled. A
    /// connection's data streams have ended with it, and their slots are to be freed likewise.
    package mutating func closed(_ connection: Connection, now: NIODeadline) {
        if connection.hasMoreToSay, goneCount < limits.maximumGoneConnections {
            connection.isGone = true
            connection.isFinished = true
            goneCount += 1
        } else {
            if connection.hasMoreToSay { counters.connectionsUnheard += 1 }
            leave(connection, publishesWill: true, now: now)
            free(connection)
        }
        settleLocally(now: now)
    }

    mutating func free(_ connection: Connection) {
        guard connections[connection.slot] === connection else { return }
        connections[connection.slot] = nil
        freeSlots.append(connection.slot)
        if connection.isGone { goneCount -= 1 }
        if connection.isDataStream {
            counters.streamsClosed += 1
        } else {
            connectionCount -= 1
            counters.connectionsClosed += 1
        }
    }

    /// The peer has proved to be at another address (RFC 9000 §9). Until then everything goes by the one before.
    package mutating func addressChanged(_ connection: Connection, to address: SocketAddress) {
        connection.peer.identity.address = address
        for stream in connection.streams { stream.peer.identity.address = address }
        counters.addressChanges += 1
    }

    /// The transport has learned more of the client since the connection was accepted, and before its first packet.
    package mutating func identified(_ connection: Connection, by identity: Peer.Identity) {
        connection.peer.identity.add(identity)
    }

    mutating func newConnection(_ peer: Peer, control: Connection? = nil, now: NIODeadline) -> Connection {
        lastConnectionNumber += 1
        let slot = freeSlots.popLast() ?? connections.count
        let connection = Connection(
            slot: slot,
            number: lastConnectionNumber,
            peer: peer,
            control: control,
            limits: limits,
            now: now
        )
        if slot == connections.count { connections.append(connection) } else { connections[slot] = connection }
        return connection
    }

    /// The transport has ceased or begun to take what it is given.
    package mutating func setBlocked(_ isBlocked: Bool, _ connection: Connection, now: NIODeadline) {
        if isBlocked, !connection.isBlocked { counters.transportsBlocked += 1 }
        if !isBlocked, connection.isBlocked { progressed(connection, now: now) }
        connection.isBlocked = isBlocked
        if !isBlocked { pump(connection, now: now) }
    }

    /// A transport that was full has got rid of something.
    package mutating func progressed(_ connection: Connection, now: NIODeadline) {
        (connection.control ?? connection).lastProgress = now
    }

    /// The shell has ceased to read from everybody.
    package mutating func stall() { isStalled = true }

    /// It reads again: from these it did not.
    package mutating func resume(_ unread: [Connection], now: NIODeadline) {
        isStalled = false
        for connection in unread { progressed(connection, now: now) }
    }

    /// The transport has taken all that it was given: what waited behind the bound of a burst can go.
    package mutating func flushed(_ connection: Connection, now: NIODeadline) {
        pump(connection, now: now)
    }

    /// The outcome of an authentication that took its time.
    package mutating func authenticated(
        _ ticket: Authenticator.Ticket,
        _ verdict: Authenticator.Verdict,
        now: NIODeadline
    ) {
        guard let connection = connection(ticket), let connect = connection.connect else { return }
        if connection.hasGivenUp {
            leave(connection, publishesWill: false, now: now)
            markDirty(connection)
            return
        }
        admit(connect.packet, on: connection, verdict: verdict, now: now)
        settleLocally(now: now)
    }

    /// Says goodbye to everybody: DISCONNECT with 0x8B where the version has it [MQTT-3.14.4-1]. Wills stay unpublished,
    /// since nobody is left to read them.
    ///
    /// A transport that comes up later is closed at once.
    package mutating func shutDown(now: NIODeadline) {
        isShuttingDown = true
        for case let connection? in connections where !connection.isClosed && !connection.isDataStream {
            connection.will = nil
            fail(connection, .serverShuttingDown, now: now)
        }
        settleLocally(now: now)
    }

    func connection(_ ticket: Authenticator.Ticket) -> Connection? {
        connection(slot: ticket.slot, number: ticket.number)
    }

    func connection(slot: Int, number: UInt64) -> Connection? {
        guard slot < connections.count, let connection = connections[slot], connection.number == number else {
            return nil
        }
        return connection
    }

    func ticket(_ connection: Connection) -> Authenticator.Ticket {
        Authenticator.Ticket(shard: index, slot: connection.slot, number: connection.number)
    }

    mutating func newSession(_ client: UTF8Key, parent: Session? = nil) -> Session {
        lastSessionNumber += 1
        return Session(clientIdentifier: client, number: lastSessionNumber, parent: parent)
    }

    // MARK: - Packets

    /// Goes on with what waited behind an answer.
    mutating func resume(_ connection: Connection, now: NIODeadline) {
        var bytes = connection.pending
        connection.pending = ByteBuffer()
        process(&bytes, isOwned: true, on: connection, now: now)
        endIfFinished(connection, now: now)
    }

    private mutating func process(_ bytes: inout ByteBuffer, isOwned: Bool, on connection: Connection, now: NIODeadline)
    {
        do throws(CodecError) {
            while !connection.isHeld, let packet = try connection.decoder.next(from: &bytes) {
                handle(packet, on: connection, now: now)
                settleLocally(now: now)
                if connection.isClosed { return }
            }
        } catch {
            counters.malformedPackets += 1
            tell(.malformedPacket, connection, error.reasonCode)
            fail(connection, error.reasonCode, now: now)
            return
        }
        // Silence is a client's, on whatever stream it could speak.
        (connection.control ?? connection).lastPacket = now
        guard bytes.readableBytes > 0 else { return }
        if isOwned {
            bytes.discardReadBytes()
            connection.pending = bytes
        } else {
            connection.keep(bytes)
        }
    }

    private mutating func handle(_ packet: consuming Packet, on connection: Connection, now: NIODeadline) {
        counters.packetsReceived += 1
        switch consume packet {
        case .publish(let publish):
            receive(publish, on: connection, now: now)
        case .acknowledgement(let acknowledgement):
            receive(acknowledgement, on: connection, now: now)
        case .pingRequest:
            write(.pingResponse, to: connection, now: now)
        case .subscribe(let subscribe):
            receive(subscribe, on: connection, now: now)
        case .unsubscribe(let unsubscribe):
            receive(unsubscribe, on: connection, now: now)
        case .connect(let connect):
            receive(connect, on: connection, now: now)
        case .disconnect(let disconnect):
            receive(disconnect, on: connection, now: now)
        case .authentication:
            // CONNECT named no method that this server knows, so there is nothing to continue [MQTT-4.12.0-7].
            fail(connection, .protocolError, now: now)
        case .connectAcknowledgement, .subscribeAcknowledgement, .unsubscribeAcknowledgement, .pingResponse:
            fail(connection, .protocolError, now: now)
        }
    }

    // MARK: - Output

    /// Whether there is anything to carry out.
    package var hasEffects: Bool {
        !dirty.isEmpty || !handOver.isEmpty || !ownSwitches.isEmpty || !events.isEmpty
    }

    /// Takes the connections with something to write or to close, each once, and leaves an empty array in their place.
    package mutating func swapDirty(with taken: inout [Connection]) {
        taken.removeAll(keepingCapacity: true)
        swap(&dirty, &taken)
    }

    package mutating func takeOutput(of connection: Connection) -> Output {
        connection.isDirty = false
        let output = connection.output
        connection.output = Output(buffer: ByteBuffer())
        return output
    }

    /// Gives a buffer back that was written out, so that the next burst need not allocate one.
    package mutating func recycle(_ buffer: consuming ByteBuffer) {
        guard buffers.count < Self.keptBuffers, buffer.capacity <= Self.keptBufferCapacity else { return }
        buffer.clear()
        buffers.append(buffer)
    }

    mutating func markDirty(_ connection: Connection) {
        if connection.isDirty { return }
        connection.isDirty = true
        connection.output.buffer = takeBuffer()
        dirty.append(connection)
    }

    mutating func takeBuffer() -> ByteBuffer {
        buffers.popLast() ?? ByteBufferAllocator().buffer(capacity: Self.bufferCapacity)
    }

    /// Appends a packet to a connection's output. One that is larger than the client's Maximum Packet Size ends the
    /// connection with 0x95.
    mutating func write(_ packet: Packet, to connection: Connection, now: NIODeadline) {
        if !writeIfTaken(packet, to: connection) { fail(connection, .packetTooLarge, now: now) }
    }

    /// Appends a packet to a connection's output, unless it is larger than the client's Maximum Packet Size. Returns
    /// whether it was appended.
    @discardableResult
    mutating func writeIfTaken(_ packet: Packet, to connection: Connection) -> Bool {
        let version = connection.version
        return append(to: connection) { $0.write(packet, version: version) }
    }

    /// Appends what `write` writes, and takes it back where it is larger than the client's Maximum Packet Size
    /// [MQTT-3.1.2-24].
    ///
    /// - Parameter write: returns the octets that it has appended.
    mutating func append(to connection: Connection, _ write: (inout ByteBuffer) -> Int) -> Bool {
        markDirty(connection)
        let size = write(&connection.output.buffer)
        if size <= connection.maximumPacketSize { return true }
        connection.output.buffer.moveWriterIndex(to: connection.output.buffer.writerIndex - size)
        return false
    }

    // MARK: - Other shards

    /// Ends a burst: what to tell the other shards; `nil` where there is nothing.
    package mutating func takeHandOver(now: NIODeadline) -> HandOver? {
        defer {
            let switches = ownSwitches
            ownSwitches = []
            for message in switches { handle(message, from: index, now: now) }
            settleLocally(now: now)
        }
        if handOver.isEmpty { return nil }
        // Before the switches are heeded: what that leads to belongs to the next burst.
        let taken = handOver
        handOver = HandOver(count: count)
        return taken
    }

    /// What shard `source` told.
    package mutating func receive(_ messages: [ShardMessage], from source: Int, now: NIODeadline) {
        for message in messages { handle(message, from: source, now: now) }
        settleLocally(now: now)
    }

    mutating func send(_ body: ShardMessage.Body, to shard: Int) {
        let message = ShardMessage(body)
        if shard != index {
            handOver.append(message, for: shard)
        } else if message.isSwitch {
            ownSwitches.append(message)
        } else {
            local.append(message)
        }
    }

    mutating func broadcast(_ body: ShardMessage.Body) {
        for shard in 0..<count where shard != index { send(body, to: shard) }
    }

    /// Handles what this shard has told itself, in order: what comes up meanwhile waits its turn, however deep it does.
    mutating func settleLocally(now: NIODeadline) {
        if isSettling || local.isEmpty { return }
        isSettling = true
        defer { isSettling = false }
        while let message = local.popFirst() { handle(message, from: index, now: now) }
    }

    private mutating func handle(_ message: ShardMessage, from source: Int, now: NIODeadline) {
        switch message.body {
        case .publish(let publish): receiveHandOver(publish, from: source, now: now)
        case .retain(let publish): retain(publish, now: now)
        case .interest(let change): heed(change, of: source)
        case .announce(let token): send(.announced(token: token), to: source)
        case .announced(let token): announced(token, now: now)
        case .findRetained(let filters, let limit, let token):
            findRetained(filters, atMost: limit, token: token, for: source, now: now)
        case .foundRetained(let found, let token): foundRetained(found, token: token, now: now)
        case .claim(let claim): carryOut(directory.claim(claim))
        case .create(let claim): create(claim, now: now)
        case .refuse(let claim): refuse(claim, now: now)
        case .surrender(let claim): surrender(claim, now: now)
        case .settled(let client, let holder): carryOut(directory.settled(client, holder: holder))
        case .ended(let client): directory.ended(client, holder: source)
        case .leaving(let claim, let subscriptions): beginArrival(claim, subscriptions, from: source, now: now)
        case .switchOver(let client, let from, let to):
            send(.switchedAway(client), to: from)
            send(.switchedHere(client), to: to)
        case .switchedAway(let client): switchedAway(client, by: source)
        case .switchedHere(let client): switchedHere(client, by: source)
        case .arrived(let claim, let state): finishArrival(claim, state, now: now)
        }
    }
}
