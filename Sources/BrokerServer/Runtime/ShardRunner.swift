import Logging
import MQTTBroker
import NIOCore
import NIOPosix

/// Drives one shard on its event loop. The runner hands the shard what the transports read, and carries out the shard's effects in
/// one task at the end of the loop's tick, so that a read burst costs one write for each connection and one hand-over for
/// each other shard.
///
/// Confined to its event loop.
final class ShardRunner {
    let eventLoop: any EventLoop
    /// When TCP clients may begin.
    let handshakes: HandshakeGate
    var shard: Shard
    private let log: ClientLog?
    let logger: Logger?
    /// `nil` without a cluster.
    var cluster: ShardCluster?
    private var group: ShardGroup?
    /// By the slot of the connection.
    private var attachments: [Attachment?] = []
    private var dirty: [Connection] = []
    private var handOver: HandOver
    private var isFlushScheduled = false
    /// Connections whose reading was paused while `shard.isStalled`.
    private var stalled: [Connection] = []
    private var timer: (instant: NIODeadline, task: Scheduled<Void>)?
    private var drained: EventLoopPromise<Void>?
    /// `nil` without a store.
    private var commits: ShardCommits?
    /// True if it will be looked again whether there is room for cleaning.
    private var isMeasuringLater = false
    /// Octets of the commits that the shard was restored from, an equal share of them.
    private var restoredOctets = 0
    /// Who waits for the answers to inquiries, by their numbers.
    private var inquirers: [UInt64: EventLoopPromise<Inquiry.Answer>] = [:]
    private var lastInquiry: UInt64 = 0
    /// The counters' values of the last report to the metrics system.
    var reported = Counters()

    /// A connection and its transport. Slots are reused, so that the connection has to be compared, too.
    private struct Attachment {
        let connection: Connection
        let transport: any ConnectionTransport
        /// True if the connection is in `stalled`.
        var isStalled = false
    }

    /// - Parameter log: `nil` for none.
    init(shard: consuming Shard, eventLoop: any EventLoop, log: ClientLog? = nil, logger: Logger? = nil) {
        handOver = HandOver(node: shard.own.node, count: shard.count)
        self.shard = shard
        self.eventLoop = eventLoop
        handshakes = HandshakeGate(eventLoop: eventLoop)
        self.log = log
        self.logger = logger
        if let log { self.shard.wantEvents(log.wanted, once: log.once) }
    }

    func join(_ group: ShardGroup) { self.group = group }

    /// From here on these limits are in force, and the log's level is looked at anew.
    func use(_ limits: SharedLimits) {
        shard.use(limits)
        if let log { shard.wantEvents(log.wanted, once: log.once) }
    }

    // MARK: - Events of transports

    /// A connection has been accepted.
    func accept(_ transport: any ConnectionTransport, from peer: Peer) -> Connection {
        let connection = shard.accept(peer, now: .now())
        attach(transport, to: connection)
        scheduleFlush()
        return connection
    }

    /// Opens a data stream of a client's connection. Returns `nil` once the connection has ended.
    func openStream(_ transport: any ConnectionTransport, of control: Connection) -> Connection? {
        guard let stream = shard.openStream(of: control, now: .now()) else { return nil }
        attach(transport, to: stream)
        return stream
    }

    private func attach(_ transport: any ConnectionTransport, to connection: Connection) {
        while attachments.count <= connection.slot { attachments.append(nil) }
        attachments[connection.slot] = Attachment(connection: connection, transport: transport)
    }

    private func attachment(of connection: Connection) -> Attachment? {
        guard let attachment = attachments[connection.slot], attachment.connection === connection else { return nil }
        return attachment
    }

    /// Octets have been read.
    func receive(_ bytes: ByteBuffer, on connection: Connection) {
        shard.receive(bytes, on: connection, now: .now())
        if shard.isStalled || connection.isReadingPaused { updateReading(connection) }
        scheduleFlush()
    }

    /// The transport has become writable, or is not writable any more.
    func setBlocked(_ isBlocked: Bool, _ connection: Connection) {
        shard.setBlocked(isBlocked, connection, now: .now())
        updateReading(connection)
        scheduleFlush()
    }

    /// Logs an event of a peer whose connection the shard does not have, or which is no client yet.
    func tell(_ kind: ShardEvent.Kind, of peer: Peer, detail: String? = nil) {
        shard.tell(kind, of: peer, detail: detail)
        scheduleFlush()
    }

    /// A transport that is not writable has sent some of its octets.
    func progressed(_ connection: Connection) { shard.progressed(connection, now: .now()) }

    /// A QUIC client has been validated at another address (RFC 9000 §9).
    func addressChanged(_ connection: Connection, to address: SocketAddress) {
        shard.addressChanged(connection, to: address)
    }

    /// The transport has learned more of the client, such as its certificate, after the connection was accepted and before
    /// its first packet.
    func identified(_ connection: Connection, by identity: Peer.Identity) {
        shard.identified(connection, by: identity)
    }

    /// The peer has ended its side of the transport: nothing follows what has arrived.
    func finished(_ connection: Connection) {
        shard.finished(connection, now: .now())
        scheduleFlush()
    }

    /// The handshake of a connection with early data is complete.
    func confirmed(_ connection: Connection) {
        shard.confirmed(connection, now: .now())
        updateReading(connection)
        scheduleFlush()
    }

    /// The transport is closed.
    func closed(_ connection: Connection) {
        if attachment(of: connection) != nil { attachments[connection.slot] = nil }
        shard.closed(connection, now: .now())
        scheduleFlush()
    }

    // MARK: - Events of other shards and of the node

    /// Another shard has handed over messages or answers.
    func receive(_ messages: [ShardMessage], from source: ShardReference) {
        shard.receive(messages, from: source, now: .now())
        scheduleFlush()
    }

    /// Reads from clients again: no other shard's mailbox is above its bound.
    func readAgain() {
        let waiting = stalled
        stalled = []
        shard.readAgain(waiting, now: .now())
        for connection in waiting where attachment(of: connection) != nil {
            attachments[connection.slot]?.isStalled = false
            updateReading(connection)
        }
    }

    /// The authenticator has answered about a client.
    func authenticated(_ connection: ConnectionReference, _ verdict: Authenticator.Verdict) {
        shard.authenticated(connection, verdict, now: .now())
        scheduleFlush()
    }

    /// Ends all connections with DISCONNECT 0x8B. The future succeeds when they are closed, or by `dissolve()`.
    func shutDown() -> EventLoopFuture<Void> {
        let promise = eventLoop.makePromise(of: Void.self)
        drained = promise
        shard.shutDown(now: .now())
        flush()
        return promise.futureResult
    }

    /// Ends the wait of `shutDown()`, stops the timer, and releases the group, whose runners would keep it alive.
    func dissolve() {
        timer?.task.cancel()
        timer = nil
        group = nil
        drained?.succeed()
        endInquiries()
    }

    // MARK: - Effects

    /// Schedules `flush()` for the end of the tick if the shard has effects, and the timer for its next deadline.
    func scheduleFlush() {
        if shard.hasEffects || shard.hasAnswers || wantsCommit || wantsAppend, !isFlushScheduled {
            isFlushScheduled = true
            eventLoop.assumeIsolated().execute { self.flush() }
        }
        armTimer()
        if let drained, shard.connectionCount == 0 { drained.succeed() }
    }

    /// Carries out the shard's effects.
    private func flush() {
        isFlushScheduled = false
        releaseGivenUp()
        if shard.swapHandOver(with: &handOver, now: .now()) {
            if let group {
                if group.deliver(&handOver, from: shard.own, remote: { self.send($1, to: $0) }) { shard.stall() }
                flushLinks()
            } else {
                // Nobody is left to be told. The next hand-over must be exchanged for an empty one all the same.
                handOver.deliver { _, _, _ in }
            }
        }
        shard.swapDirty(with: &dirty)
        for connection in dirty {
            let output = shard.takeOutput(of: connection)
            guard let attachment = attachment(of: connection) else { continue }
            if output.count > 0 { attachment.transport.write(output) }
            shard.recycle(consume output)
            if connection.isClosed {
                attachment.transport.close(connection.endReason)
            } else {
                shard.flushed(connection, now: .now())
                // Reading may have been paused until an answer came, which may be part of this output.
                updateReading(connection)
            }
        }
        dirty.removeAll(keepingCapacity: true)
        for segment in shard.takeFetches() { fetch(segment) }
        log?.write(shard.takeEvents())
        giveAnswers()
        if wantsCommit { commitOrDelay() }
        if wantsAppend { appendOrDelay() }
        scheduleFlush()
    }

    // MARK: - Inquiries

    /// The longest time that an answer is waited for, such as for a message whose lane has no leader.
    private static let inquiryPatience = TimeAmount.seconds(10)

    /// Asks the shard. The future fails with `InquiryFailure`.
    func ask(_ inquiry: Inquiry) -> EventLoopFuture<Inquiry.Answer> {
        let promise = eventLoop.makePromise(of: Inquiry.Answer.self)
        lastInquiry += 1
        inquirers[lastInquiry] = promise
        let number = lastInquiry
        let timeout = eventLoop.assumeIsolated().scheduleTask(in: Self.inquiryPatience) {
            self.inquirers.removeValue(forKey: number)?.fail(InquiryFailure.late)
        }
        promise.futureResult.whenComplete { _ in timeout.cancel() }
        if !shard.ask(inquiry, number: lastInquiry, now: .now()) {
            inquirers.removeValue(forKey: lastInquiry)?.fail(InquiryFailure.tooMany)
        }
        scheduleFlush()
        return promise.futureResult
    }

    /// Ends the session of a client, and its connection. Returns false if the shard does not have it.
    func kick(_ client: String) -> Bool {
        let isKicked = shard.kick(client, now: .now())
        scheduleFlush()
        return isKicked
    }

    private func giveAnswers() {
        for (number, answer) in shard.takeAnswers() { inquirers.removeValue(forKey: number)?.succeed(answer) }
    }

    /// Nobody is answered any more.
    private func endInquiries() {
        for promise in inquirers.values { promise.fail(InquiryFailure.ended) }
        inquirers = [:]
    }

    /// Stops reading from a connection, or goes on with it, as its state and the mailboxes of other shards ask for.
    private func updateReading(_ connection: Connection) {
        guard let attachment = attachment(of: connection) else { return }
        if shard.isStalled, !attachment.isStalled {
            attachments[connection.slot]?.isStalled = true
            stalled.append(connection)
        }
        attachment.transport.setReadingPaused(shard.isStalled || connection.isReadingPaused)
    }

    /// Ends a window of the log, and writes how many lines were left out.
    func endLogWindow() { log?.write(suppressed: shard.takeSuppressedEvents()) }

    // MARK: - Commits

    /// True if a commit is to begin at the end of the tick, or to be delayed from then on.
    private var wantsCommit: Bool {
        guard let commits, commits.isIdle else { return false }
        if isCleaning || wantsCleaning { return true }
        return shard.hasRecords && (shard.isCommitUrgent || !commits.isDelayed)
    }

    private func commitOrDelay() {
        guard let commits else { return }
        if shard.isCommitUrgent || isCleaning || wantsCleaning {
            commit()
        } else {
            commits.isDelayed = true
            eventLoop.assumeIsolated().scheduleTask(in: commits.delay) {
                commits.isDelayed = false
                if commits.isIdle { self.commit() }
            }
        }
    }

    private func commit() {
        guard let commits else { return }
        let now = Instant.now()
        let age: LaneBatch.Age = shard.isCommitUrgent || isCleaning || wantsCleaning ? .any : .aged
        if wantsCleaning, measureCleaning() {
            commits.beginCleaning()
            shard.beginCleaning()
        }
        if isCleaning { commits.wroteAgain(shard.clean(octets: ShardCommits.cleaningOctets, now: now)) }
        let batches = shard.takeBatches(age, now: now)
        if batches.isEmpty {
            if commits.endWithoutCommit() { group?.clean(below: commits.firstNeeded) }
        } else if !commits.begin(batches, now: now) {
            retryCommit()
        }
        scheduleFlush()
    }

    /// True if the log is to be cleaned. Nothing is deleted that a damaged lane may need.
    private var wantsCleaning: Bool { commits?.wantsCleaning == true && !shard.keepsWholeLog }

    /// True while what is alive is written again, and there is room for it.
    private var isCleaning: Bool { shard.isCleaning && commits?.maySpendOnCleaning == true }

    /// The store did not take a commit. If that is for want of space, the shard refuses from now on what would make the store fuller,
    /// and the commit may have the last of the space, as the store had it when its messages came.
    private func retryCommit() {
        guard let commits else { return }
        suspended(commits.storeSuspension)
        if commits.suspension != nil, commits.retry() { return }
        eventLoop.assumeIsolated().scheduleTask(in: ShardCommits.pause) {
            if self.commits?.retry() == false { self.retryCommit() }
        }
    }

    /// The store takes only what frees space from here on, or everything.
    func suspended(_ suspension: Suspension?) {
        guard let commits, suspension != commits.suspension else { return }
        let wasSuspended = commits.suspension != nil
        commits.suspended(suspension)
        shard.suspended(suspension, now: .now())
        if !wasSuspended { _ = measureCleaning() }
        scheduleFlush()
    }

    /// Looks whether there is room for cleaning, and as long as there is not, again and again.
    private func measureCleaning() -> Bool {
        guard let commits, group != nil else { return false }
        if commits.hasAmpleRoom(among: shard.count) { return true }
        if commits.measure(aliveOctets: shard.aliveOctets, among: shard.count) { return true }
        if !isMeasuringLater {
            isMeasuringLater = true
            eventLoop.assumeIsolated().scheduleTask(in: ShardCommits.measuring) {
                self.isMeasuringLater = false
                if self.measureCleaning() { self.scheduleFlush() }
            }
        }
        return false
    }

    /// The commit that was begun is on disk.
    func committed(_ number: Int64) {
        guard let commits else { return }
        let (batches, hasCleaned) = commits.end(number)
        for batch in batches { shard.committed(batch, now: .now()) }
        if hasCleaned { group?.clean(below: commits.firstNeeded) }
        scheduleFlush()
    }

    /// Reads a segment of a queue from the store, on a thread that may block.
    ///
    /// - Parameter pause: until the next attempt, should the store fail, as it says in a line of the log each time.
    private func fetch(_ segment: UInt64, pause: TimeAmount = .seconds(1)) {
        guard let store = commits?.store else { return }
        let loop = eventLoop.assumeIsolated()
        NIOThreadPool.singleton.runIfActive(eventLoop: eventLoop) { try store.segment(segment) }.assumeIsolated()
            .whenComplete { read in
                switch read {
                case .success(let octets):
                    self.shard.fetched(segment, octets, now: .now())
                    self.scheduleFlush()
                case .failure:
                    // What cannot be read now may be readable later, and nothing is given up for it.
                    loop.scheduleTask(in: pause) { self.fetch(segment, pause: min(pause * 2, Self.longestPause)) }
                }
            }
    }

    /// How long a segment is left alone at most that could not be read again and again.
    private static let longestPause = TimeAmount.minutes(1)

    /// Another shard does not need the commits below `number` any more.
    func clean(below number: Int64) {
        commits?.clean(below: number)
        scheduleFlush()
    }

    /// True if there is anything that the store does not have yet.
    var hasUncommitted: Bool {
        if let cluster { return shard.hasRecords || !cluster.appends.isIdle }
        return commits.map { shard.hasRecords || !$0.isIdle } ?? false
    }

    /// Restores what a commit of an earlier run says of this shard's lanes.
    ///
    /// - Throws: `LaneBatchError`.
    func restore(_ octets: ByteBuffer) throws {
        restoredOctets += octets.readableBytes / shard.count
        try shard.restore(octets, now: .now())
    }

    /// Everything is restored: from here on the shard commits to `store`.
    func finishRecovery(_ store: any CommitStore) {
        commits = ShardCommits(store, shard: shard.index, octets: restoredOctets)
        shard.finishRecovery(now: .now())
        suspended(store.suspension)
        flush()
    }

    /// Hands over again what earlier runs had accepted and not delivered to all.
    func handOverRestored() {
        shard.handOverRestored(now: .now())
        scheduleFlush()
    }

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
