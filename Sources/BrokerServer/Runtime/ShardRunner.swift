import MQTTBroker
import NIOCore

/// Drives one shard on its event loop: feeds it what the transports read, and at the end of each tick of the loop
/// carries out what it left, so that a burst of reads costs one write for each connection and one message for each other
/// shard.
///
/// Confined to its event loop.
final class ShardRunner {
    let eventLoop: any EventLoop
    private(set) var shard: Shard
    private var group: ShardGroup?
    private var seats: [Seat?] = []
    private var dirty: [Connection] = []
    private var isFlushScheduled = false
    /// Connections that are not read from while `shard.isStalled`.
    private var stalled: [Connection] = []
    private var timer: (instant: NIODeadline, task: Scheduled<Void>)?
    private var drained: EventLoopPromise<Void>?
    /// What the metrics system has been given already.
    var reported = Counters()

    /// A connection and what carries it. Slots are reused, so a seat is only good for its own connection.
    private struct Seat {
        let connection: Connection
        let transport: any ConnectionTransport
        /// Whether it is among `stalled`.
        var isStalled = false
    }

    private let log: ClientLog?

    /// - Parameter log: `nil` for none.
    init(shard: consuming Shard, eventLoop: any EventLoop, log: ClientLog? = nil) {
        self.shard = shard
        self.eventLoop = eventLoop
        self.log = log
        if let log { self.shard.wantEvents(log.wanted, once: log.once) }
    }

    func join(_ group: ShardGroup) { self.group = group }

    // MARK: - What transports tell

    func accept(_ transport: any ConnectionTransport, from peer: Peer) -> Connection {
        let connection = shard.accept(peer, now: .now())
        seat(connection, on: transport)
        scheduleFlush()
        return connection
    }

    /// `nil` once the connection has ended.
    func openStream(_ transport: any ConnectionTransport, of control: Connection) -> Connection? {
        guard let stream = shard.openStream(of: control, now: .now()) else { return nil }
        seat(stream, on: transport)
        return stream
    }

    private func seat(_ connection: Connection, on transport: any ConnectionTransport) {
        while seats.count <= connection.slot { seats.append(nil) }
        seats[connection.slot] = Seat(connection: connection, transport: transport)
    }

    func receive(_ bytes: ByteBuffer, on connection: Connection) {
        shard.receive(bytes, on: connection, now: .now())
        if shard.isStalled || connection.isReadingPaused(limits: shard.limits) { pause(connection) }
        scheduleFlush()
    }

    func setBlocked(_ isBlocked: Bool, _ connection: Connection) {
        shard.setBlocked(isBlocked, connection, now: .now())
        pause(connection)
        scheduleFlush()
    }

    /// A transport that takes no more has got rid of some of what it was given.
    func progressed(_ connection: Connection) { shard.progressed(connection, now: .now()) }

    func addressChanged(_ connection: Connection, to address: SocketAddress) {
        shard.addressChanged(connection, to: address)
    }

    /// The transport has learned more of the client since the connection was accepted, and before its first packet.
    func identified(_ connection: Connection, by identity: Peer.Identity) {
        shard.identified(connection, by: identity)
    }

    /// The peer has ended its side.
    func finished(_ connection: Connection) {
        shard.finished(connection, now: .now())
        scheduleFlush()
    }

    /// The handshake of an early connection is complete.
    func confirmed(_ connection: Connection) {
        shard.confirmed(connection, now: .now())
        pause(connection)
        scheduleFlush()
    }

    func closed(_ connection: Connection) {
        if let seat = seats[connection.slot], seat.connection === connection { seats[connection.slot] = nil }
        shard.closed(connection, now: .now())
        scheduleFlush()
    }

    // MARK: - What others tell

    func receive(_ messages: [ShardMessage], from source: Int) {
        shard.receive(messages, from: source, now: .now())
        scheduleFlush()
    }

    /// The other shards have caught up.
    func readAgain() {
        let waiting = stalled
        stalled = []
        shard.resume(waiting, now: .now())
        for connection in waiting {
            guard let seat = seats[connection.slot], seat.connection === connection else { continue }
            seats[connection.slot]?.isStalled = false
            pause(connection)
        }
    }

    func authenticated(_ ticket: Authenticator.Ticket, _ verdict: Authenticator.Verdict) {
        shard.authenticated(ticket, verdict, now: .now())
        scheduleFlush()
    }

    /// Says goodbye to all connections; the future succeeds when they are gone.
    func shutDown() -> EventLoopFuture<Void> {
        let promise = eventLoop.makePromise(of: Void.self)
        drained = promise
        shard.shutDown(now: .now())
        flush()
        return promise.futureResult
    }

    /// Lets go of everything that would keep the group alive.
    func dissolve() {
        timer?.task.cancel()
        timer = nil
        group = nil
        drained?.succeed()
    }

    // MARK: - Effects

    private func scheduleFlush() {
        if shard.hasEffects, !isFlushScheduled {
            isFlushScheduled = true
            eventLoop.assumeIsolated().execute { self.flush() }
        }
        armTimer()
        if let drained, shard.connectionCount == 0 { drained.succeed() }
    }

    private func flush() {
        isFlushScheduled = false
        if let handOver = shard.takeHandOver(now: .now()), group?.deliver(handOver, from: shard.index) == true {
            shard.stall()
        }
        shard.swapDirty(with: &dirty)
        for connection in dirty {
            let output = shard.takeOutput(of: connection)
            guard let seat = seats[connection.slot], seat.connection === connection else { continue }
            if output.count > 0 { seat.transport.write(output) }
            shard.recycle(output.buffer)
            if connection.isClosed {
                seat.transport.close(connection.endReason)
            } else {
                shard.flushed(connection, now: .now())
                // An answer may have come that reading was paused for.
                pause(connection)
            }
        }
        dirty.removeAll(keepingCapacity: true)
        log?.write(shard.takeEvents())
        scheduleFlush()
    }

    private func pause(_ connection: Connection) {
        guard let seat = seats[connection.slot], seat.connection === connection else { return }
        if shard.isStalled, !seat.isStalled {
            seats[connection.slot]?.isStalled = true
            stalled.append(connection)
        }
        seat.transport.setReadingPaused(shard.isStalled || connection.isReadingPaused(limits: shard.limits))
    }

    /// Ends a window of the log: how many lines were left out is written.
    func endLogWindow() { log?.write(suppressed: shard.takeSuppressedEvents()) }

    // MARK: - Time

    private func armTimer() {
        guard let next = shard.nextDeadline else { return }
        if let timer, timer.instant <= next { return }
        timer?.task.cancel()
        let task = eventLoop.assumeIsolated().scheduleTask(deadline: next) {
            self.timer = nil
            self.shard.advance(to: .now())
            self.scheduleFlush()
        }
        timer = (next, task)
    }
}
