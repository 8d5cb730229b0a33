import MQTTCodec
import NIOCore
import Testing

@testable import MQTTBroker

/// A whole broker in one thread: shards whose mailboxes are emptied in an order that a seed decides, and a clock that
/// stands still unless it is moved.
final class SimulatedBroker {
    /// The shards of all nodes, those of a node behind each other.
    var shards: [Seat]
    /// Shards are not copied, as elements of an array would be.
    final class Seat {
        var shard: Shard

        init(_ shard: consuming Shard) { self.shard = shard }
    }

    /// The wall clock is a thousand seconds ahead of the other.
    var now = Instant(monotonic: .uptimeNanoseconds(1_000_000_000), wall: 1_001_000)
    var mailboxes: [[(source: Int, messages: [ShardMessage])]]
    var random: SeededGenerator
    var clients: [ObjectIdentifier: SimulatedClient] = [:]
    /// The other nodes, and the lanes in the engine that they share; `nil` without a cluster.
    var cluster: SimulatedCluster?
    /// What the nodes of the cluster do wrong, if anything.
    var clusterFault: ClusterFault?
    /// What clients have sent to shards that stand still.
    var input: [Int: [(client: SimulatedClient, octets: ByteBuffer)]] = [:]

    /// Events of clients that the shards have told and nobody has taken.
    private(set) var events: [ShardEvent] = []

    func takeEvents() -> [ShardEvent] {
        defer { events = [] }
        return events
    }

    /// Messages that shards have handed over to others.
    private(set) var messagesBetweenShards = 0

    /// Told of each connection's output before it is written out, with its octets.
    var inspectOutput: ((Connection, Int) -> Void)?

    /// Whether a tick of a loop may hold more than one event, as chance has it, before its effects are carried out.
    private let hasLongTicks: Bool

    /// The commits that a restart finds; `nil` without a store.
    private(set) var store: SimulatedStore?
    /// The batches of each shard that are on their way to the disk.
    private var committing: [[LaneBatch]]
    /// What goes wrong on purpose, and when.
    private let fault: SimulatedFault?
    var faultRandom: SeededGenerator
    let limits: Limits
    private let authenticator: Authenticator
    /// How often the broker was started.
    var runs: UInt64 = 1

    init(
        shards count: Int = 1,
        limits: Limits = Limits(),
        authenticator: Authenticator = .everybody,
        seed: UInt64 = 1,
        hasLongTicks: Bool = false,
        hasStore: Bool = false,
        fault: SimulatedFault? = nil
    ) {
        self.fault = fault
        faultRandom = SeededGenerator(seed: seed &+ 1_000_000)
        self.hasLongTicks = hasLongTicks
        self.limits = limits
        self.authenticator = authenticator
        store = hasStore ? SimulatedStore(shards: count) : nil
        committing = Array(repeating: [], count: count)
        shards = (0..<count).map {
            Seat(
                Shard(
                    index: $0,
                    count: count,
                    limits: SharedLimits(limits),
                    authenticator: authenticator,
                    isLogging: hasStore,
                    random: SeededGenerator(seed: seed &+ UInt64($0))
                )
            )
        }
        mailboxes = Array(repeating: [], count: count)
        random = SeededGenerator(seed: seed)
    }

    /// A transport without CONNECT.
    func open(
        on shard: Int = 0,
        version: ProtocolVersion = .v5,
        earlyData: Peer.EarlyData? = nil
    ) -> SimulatedClient {
        let peer = Peer(address: nil, listener: "test", earlyData: earlyData)
        let connection = shards[shard].shard.accept(peer, now: now)
        let client = SimulatedClient(broker: self, shard: shard, connection: connection, version: version)
        clients[ObjectIdentifier(connection)] = client
        return client
    }

    func identify(_ client: SimulatedClient, by identity: Peer.Identity) {
        shards[client.shard].shard.identified(client.connection, by: identity)
    }

    /// A data stream beside a client's connection.
    func openStream(of client: SimulatedClient) throws -> SimulatedClient {
        guard let stream = openStreamIfPossible(of: client) else {
            throw SimulatedClient.Missing(what: "a connection for the stream")
        }
        return stream
    }

    func openStreamIfPossible(of client: SimulatedClient) -> SimulatedClient? {
        guard let connection = shards[client.shard].shard.openStream(of: client.connection, now: now) else {
            return nil
        }
        let stream = SimulatedClient(
            broker: self,
            shard: client.shard,
            connection: connection,
            version: client.version
        )
        clients[ObjectIdentifier(connection)] = stream
        client.streams.append(stream)
        return stream
    }

    /// A transport with CONNECT sent; settled unless told otherwise.
    @discardableResult
    func connect(
        _ identifier: String,
        on shard: Int = 0,
        version: ProtocolVersion = .v5,
        cleanStart: Bool = true,
        keepAlive: UInt16 = 0,
        expiry: UInt32? = nil,
        receiveMaximum: UInt16? = nil,
        maximumPacketSize: UInt32? = nil,
        will: Connect.Will? = nil,
        settles: Bool = true
    ) -> SimulatedClient {
        let client = open(on: shard, version: version)
        var connect = Connect(
            version: version,
            clientIdentifier: identifier,
            cleanStart: cleanStart,
            keepAlive: keepAlive,
            will: will
        )
        connect.properties.sessionExpiryInterval = expiry
        connect.properties.receiveMaximum = receiveMaximum
        connect.properties.maximumPacketSize = maximumPacketSize
        client.send(.connect(connect), settles: settles)
        return client
    }

    func receive(_ bytes: ByteBuffer, from client: SimulatedClient, settles: Bool) {
        if isAsleep(client.shard) {
            input[client.shard, default: []].append((client, bytes))
            return
        }
        shards[client.shard].shard.receive(bytes, on: client.connection, now: now)
        endTick(client.shard)
        if settles { settle() }
    }

    /// The client's network goes away without a word, or a stream is reset.
    func drop(_ client: SimulatedClient, settles: Bool = true) {
        close(client)
        endTick(client.shard)
        if settles { settle() }
    }

    /// The handshake of an early client is complete.
    func confirm(_ client: SimulatedClient) {
        shards[client.shard].shard.confirmed(client.connection, now: now)
        endTick(client.shard)
        settle()
    }

    /// The client sends nothing more.
    func finish(_ client: SimulatedClient, settles: Bool = true) {
        shards[client.shard].shard.finished(client.connection, now: now)
        endTick(client.shard)
        if settles { settle() }
    }

    func close(_ client: SimulatedClient) {
        client.isClosed = true
        clients[ObjectIdentifier(client.connection)] = nil
        shards[client.shard].shard.closed(client.connection, now: now)
        for stream in client.streams where !stream.isClosed { close(stream) }
    }

    func setBlocked(_ isBlocked: Bool, _ client: SimulatedClient, settles: Bool = true) {
        shards[client.shard].shard.setBlocked(isBlocked, client.connection, now: now)
        endTick(client.shard)
        if settles { settle() }
    }

    /// The verdict about a client comes, wherever that is by now.
    func authenticated(_ client: SimulatedClient, _ verdict: Authenticator.Verdict) {
        let reference = client.connection.reference
        shards[client.shard].shard.authenticated(reference, verdict, now: now)
        collect(client.shard)
        settle()
    }

    func shutDown() {
        for shard in shards.indices {
            shards[shard].shard.shutDown(now: now)
            collect(shard)
        }
        settle()
    }

    /// Lets time pass, stopping at each deadline on the way.
    func advance(by amount: TimeAmount) {
        let end = now.monotonic + amount
        while let next = shards.compactMap({ $0.shard.nextDeadline }).min(), next <= end {
            wait(until: next)
            settle()
        }
        standStill(for: max(.zero, end - now.monotonic))
    }

    /// Lets time pass during which nobody does anything.
    func standStill(for amount: TimeAmount) {
        now = Instant(monotonic: now.monotonic + amount, wall: now.wall + amount.nanoseconds / 1_000_000)
    }

    /// Somebody sets the wall clock.
    func setWallClock(forwardBy milliseconds: Int64) {
        now = Instant(monotonic: now.monotonic, wall: now.wall + milliseconds)
    }

    /// Lets time pass up to an instant, and carries out what is due then.
    func wait(until instant: NIODeadline) {
        standStill(for: max(.zero, instant - now.monotonic))
        for shard in awake {
            shards[shard].shard.advance(to: now)
            collect(shard)
        }
    }

    /// The client's transport has taken something of what it was given.
    func progress(_ client: SimulatedClient) { shards[client.shard].shard.progressed(client.connection, now: now) }

    /// Delivers one batch of some shard's mailbox. Returns whether there was any.
    @discardableResult
    func step() -> Bool {
        if cluster != nil, Bool.random(using: &random), stepBetweenNodes() { return true }
        let waiting = mailboxes.indices.filter { !mailboxes[$0].isEmpty && !isAsleep($0) }
        guard let shard = waiting.randomElement(using: &random) else { return stepBetweenNodes() }
        deliverMailbox(shard)
        return true
    }

    /// Delivers the first batch of a mailbox.
    func deliverMailbox(_ shard: Int) {
        let (source, messages) = mailboxes[shard].removeFirst()
        receive(messages, at: shard, from: source)
    }

    func receive(_ messages: [ShardMessage], at shard: Int, from source: Int) {
        clusterFault?.prepare(&shards[shard].shard)
        shards[shard].shard.receive(messages, from: shards[source].shard.own, now: now)
        endTick(shard)
    }

    /// Lets a commit of some shard end. Returns whether there was any.
    @discardableResult
    func commit() -> Bool {
        if cluster != nil { return appendToLane() }
        guard store != nil else { return false }
        let waiting = shards.indices.filter {
            !committing[$0].isEmpty || shards[$0].shard.hasRecords || shards[$0].shard.isCleaning
        }
        guard let shard = waiting.randomElement(using: &random) else { return false }
        let isCleaning = shards[shard].shard.isCleaning
        if committing[shard].isEmpty { beginCommit(of: shard) }
        let batches = committing[shard]
        committing[shard] = []
        if !batches.isEmpty || isCleaning { write(batches, of: shard) }
        for batch in batches { shards[shard].shard.committed(batch, now: now) }
        endTick(shard)
        return true
    }

    /// Lets a shard begin a commit, so that what it logs from now on is in the next one.
    func beginCommit() {
        guard store != nil, let shard = shards.indices.randomElement(using: &random), committing[shard].isEmpty
        else { return }
        beginCommit(of: shard)
        endTick(shard)
    }

    private func beginCommit(of shard: Int) {
        let isCleaning = shards[shard].shard.isCleaning
        if isCleaning, shards[shard].shard.clean(octets: 200, now: now).isDone { store?.cleaned(shard) }
        let age: LaneBatch.Age = isCleaning || Bool.random(using: &random) ? .any : .aged
        committing[shard] = shards[shard].shard.takeBatches(age, now: now)
        guard let fault else { return }
        for batch in committing[shard] where fault.isEarly(batch) { shards[shard].shard.committed(batch, now: now) }
    }

    private func write(_ batches: [LaneBatch], of shard: Int) {
        let written = fault.map { fault in batches.map { fault.written($0, using: &faultRandom) } } ?? batches
        store?.write(written, of: shard, now: now)
    }

    /// The store takes only what frees space from here on, or everything.
    func suspend(_ suspension: Suspension?, settles: Bool = true) {
        for shard in shards.indices {
            shards[shard].shard.suspended(suspension, now: now)
            collect(shard)
        }
        if settles { settle() }
    }

    var isSuspended: Bool { shards.contains { $0.shard.isSuspended } }

    /// Lets a shard begin to write again what is alive.
    func clean() {
        if let shard = shards.indices.randomElement(using: &random) { clean(shard) }
    }

    func clean(_ shard: Int) {
        guard let store, committing[shard].isEmpty, !store.isCleaning(shard) else { return }
        self.store?.cleaning(shard)
        if fault == .cleanedTooEarly { self.store?.cleaned(shard) }
        shards[shard].shard.beginCleaning()
    }

    /// Changes an octet of a commit that is on the disk.
    func damage(_ commit: Int, at offset: Int) { store?.damage(commit, at: offset) }

    /// Changes an octet of a segment that is on the disk.
    func damageSegment(_ number: UInt64) { store?.damageSegment(number) }

    /// Leaves the batches of a lane out of the commits from a place on.
    func leaveOut(_ lane: Lane, from place: Int) { store?.leaveOut(lane, from: place, now: now) }

    /// The process is gone, and all connections are. What refers to each other lets go, since many simulations are played in one process.
    func end() {
        for client in clients.values {
            client.isClosed = true
            release(client.connection)
        }
        for session in sessions {
            if let connection = session.connection { release(connection) }
            session.connection = nil
        }
        clients = [:]
    }

    func release(_ connection: Connection) {
        connection.session = nil
        connection.streams = []
        connection.withheld = nil
    }

    /// The process is killed and started again, with `count` shards. Commits that were under way have ended or not, as chance has
    /// it, and all connections are gone.
    ///
    /// - Parameter commit: what the store has then instead of its own commits.
    func crash(shards count: Int, finding commit: ByteBuffer? = nil) {
        for shard in committing.indices where Bool.random(using: &random) {
            write(committing[shard], of: shard)
        }
        if let commit { store = SimulatedStore(shards: count, commit: commit) }
        store?.restart(shards: count)
        end()
        runs += 1
        let runs = runs
        shards = (0..<count).map { index in
            Seat(
                Shard(
                    index: index,
                    count: count,
                    limits: SharedLimits(limits),
                    authenticator: authenticator,
                    isLogging: store != nil,
                    random: SeededGenerator(seed: runs &* 1000 &+ UInt64(index))
                )
            )
        }
        mailboxes = Array(repeating: [], count: count)
        committing = Array(repeating: [], count: count)
        do {
            for commit in store?.commits ?? [] {
                for seat in shards { try seat.shard.restore(commit, now: now) }
            }
        } catch {
            Issue.record("the store cannot be read: \(error)")
        }
        let needed = shards.map { $0.shard.neededSegments }
        if !needed.contains(nil) { store?.removeSegments(except: Set(needed.flatMap { $0 ?? [] })) }
        for shard in shards.indices { shards[shard].shard.finishRecovery(now: now) }
        // What is due does not come before all shards know each other's interest.
        for shard in shards.indices {
            shards[shard].shard.advance(to: now)
            collect(shard)
        }
        while step() {}
        for shard in shards.indices {
            if fault == .outboxForgotten { shards[shard].shard.forgetOutboxes() }
            shards[shard].shard.handOverRestored(now: now)
            endTick(shard)
        }
    }

    /// Carries out everything until nothing is left to do, or nothing that can be done.
    func settle() {
        var steps = 0
        var hasMore = true
        while hasMore {
            for shard in awake { collect(shard) }
            let before = steps
            while steps < Self.maximumSteps, step() || commit() { steps += 1 }
            if steps == Self.maximumSteps {
                Issue.record("the broker does not come to rest")
                return
            }
            // Look-ups, and messages that were withheld, go on with the next tick.
            let mayGoOn = awake.contains { !shards[$0].shard.lookUps.isEmpty || shards[$0].shard.mayTakeWithheld }
            if mayGoOn { wait(until: now.monotonic + Pace.period) }
            hasMore =
                (mayGoOn || steps > before || cluster == nil)
                && awake.contains {
                    shards[$0].shard.hasEffects || shards[$0].shard.hasRecords || shards[$0].shard.isCleaning
                        || !shards[$0].shard.lookUps.isEmpty || shards[$0].shard.mayTakeWithheld
                }
        }
    }

    static let maximumSteps = 1_000_000

    /// Carries out what a shard has to hand over and to write.
    func endTickNow(_ shard: Int) { collect(shard) }

    func endTick(_ shard: Int) {
        if hasLongTicks, Bool.random(using: &random) { return }
        collect(shard)
    }

    /// Does what the shell does at the end of a tick.
    func collect(_ shard: Int) {
        while shards[shard].shard.hasEffects {
            events += shards[shard].shard.takeEvents()
            for segment in shards[shard].shard.takeFetches() {
                shards[shard].shard.fetched(segment, store?.segments[segment], now: now)
            }
            let own = shards[shard].shard.own
            var handOver = HandOver(node: own.node, count: shards[shard].shard.count)
            if shards[shard].shard.swapHandOver(with: &handOver, now: now) {
                handOver.deliver { other, told, _ in
                    let messages = clusterFault?.sent(told, from: own, using: &faultRandom) ?? told
                    messagesBetweenShards += messages.count
                    if other.node == own.node {
                        mailboxes[seat(of: other)].append((shard, messages))
                    } else {
                        send(messages, from: shard, to: other)
                    }
                }
            }
            var dirty: [Connection] = []
            shards[shard].shard.swapDirty(with: &dirty)
            for connection in dirty {
                let output = shards[shard].shard.takeOutput(of: connection)
                inspectOutput?(connection, output.count)
                let client = clients[ObjectIdentifier(connection)]
                for part in output.parts { client?.take(part) }
                client?.take(output.buffer)
                if fault == .acknowledgementsReordered, Int.random(in: 0..<20, using: &faultRandom) == 0 {
                    client?.reorderAcknowledgements()
                }
                shards[shard].shard.recycle(consume output)
                if connection.isClosed {
                    if let client { close(client) }
                } else {
                    shards[shard].shard.flushed(connection, now: now)
                }
            }
        }
    }

    /// The sessions of all shards.
    var sessions: [Session] {
        shards.flatMap { seat in (0..<seat.shard.sessions.placeCount).compactMap { seat.shard.sessions.session(at: $0) }
        }
    }

    /// The session of a client, wherever it is.
    func session(of client: String) -> Session? {
        sessions.first { $0.clientIdentifier.string == client && $0.parent == nil }
    }

    var counters: Counters { shards[0].shard.counters }
    func total(_ path: KeyPath<Counters, UInt64>) -> UInt64 {
        shards.reduce(0) { $0 + $1.shard.counters[keyPath: path] }
    }
}
