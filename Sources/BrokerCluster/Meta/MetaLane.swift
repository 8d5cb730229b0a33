package import Logging
internal import Metrics
package import NATSClient
package import NIOCore

/// The meta lane of a cluster, on one event loop: the records that all nodes apply, in a key-value bucket of JetStream, each changed by
/// compare-and-set. All methods are called on the loop, and all that it tells comes on the loop.
///
/// A replay of the bucket that was interrupted goes on behind its last message. So no removal is missed, since a removed record leaves a message
/// that says so, and stays. Kinds whose names are without bound will have to purge such messages, and to replay from the start after a long
/// interruption.
package final class MetaLane {
    package let eventLoop: any EventLoop
    private let client: NATSClient
    private let subjects: MetaSubjects
    private let maker: BucketMaker
    private let logger: Logger
    private var table: MetaTable
    /// What was known before the bucket was made again, until all of the new one is known.
    private var before: MetaTable?
    private var replay: Replay?
    private var waiting: [EventLoopPromise<Void>] = []
    /// Changes by this node that are under way, by their number.
    private var writing: [UInt64: EventLoopPromise<Result<UInt64, MetaFailure>>] = [:]
    private var lastWrite: UInt64 = 0
    private var isCurrent = false
    private var isStopped = false
    /// What stood in the way last, so that it is logged once.
    private var trouble: String?
    private var reported = MetaCounters()

    /// Is called when a record has changed, not before `whenCurrent` has succeeded.
    package var onChange: () -> Void = {}

    /// - Parameter client: of a connection that has its owner, who starts and stops it.
    /// - Throws: `ClusterFailure` for a name that cannot be a bucket's.
    package init(
        _ cluster: ClusterName,
        sharing client: NATSClient,
        limits: MetaLimits = MetaLimits(),
        logger: Logger
    ) throws {
        guard let subjects = MetaSubjects(cluster) else {
            throw ClusterFailure(description: "cluster.name: \(cluster) cannot be the name of a bucket")
        }
        self.subjects = subjects
        self.client = client
        self.logger = logger
        eventLoop = client.eventLoop
        table = MetaTable(limits)
        maker = BucketMaker(subjects.bucket, maximumBytes: limits.maximumOctets, client)
    }

    // MARK: The owner

    package func start() { prepare() }

    package func stop() {
        isStopped = true
        maker.stop()
        replay?.stop()
        for promise in waiting { promise.fail(CancellationError()) }
        waiting = []
        for promise in writing.values { promise.succeed(.failure(.noAnswer)) }
        writing = [:]
    }

    /// Succeeds once all records are known. It fails with `ClusterFailure` if the servers cannot be used, and with `CancellationError` if the lane
    /// is stopped before.
    package func whenCurrent() -> EventLoopFuture<Void> {
        if isStopped { return eventLoop.makeFailedFuture(CancellationError()) }
        if isCurrent { return eventLoop.makeSucceededVoidFuture() }
        let promise = eventLoop.makePromise(of: Void.self)
        waiting.append(promise)
        return promise.futureResult
    }

    /// The records of a kind, in the order of their names.
    package func records(of kind: MetaKind) -> [MetaRecord] { (before ?? table).records(of: kind) }

    package func record(at key: MetaKey) -> MetaRecord? { (before ?? table).record(at: key) }

    package var counters: MetaCounters { table.counters }

    // MARK: Reading

    private func prepare() {
        maker.prepare { [weak self] in
            self?.take($0)
        } done: { [weak self] failure in
            guard let self, !isStopped else { return }
            if let failure {
                for promise in waiting { promise.fail(failure) }
                waiting = []
                return
            }
            note(nil)
            follow()
        }
    }

    private func take(_ trouble: BucketMaker.Trouble) {
        switch trouble {
        case .noSpace(let error):
            note("\(error)")
            // No bucket, no records: there is nothing to wait for.
            becomeCurrent()
        case .other(let words): note(words)
        }
    }

    private func note(_ trouble: String?) {
        guard trouble != self.trouble else { return }
        self.trouble = trouble
        guard let trouble else { return }
        logger.warning("the bucket of the meta lane is waited for", metadata: ["reason": "\(trouble)"])
    }

    private func follow() {
        replay = client.replay(subjects.bucket.watch()) { [weak self] event in
            guard let self, !isStopped else { return }
            switch event {
            case .message(let message): take(message)
            case .current: becomeCurrent()
            case .refused:
                logger.error("the bucket of the meta lane is gone, and is made again")
                startAnew()
            }
        }
    }

    /// Forgets all revisions, since the bucket is another one, and reads it from the start.
    private func startAnew() {
        replay?.stop()
        replay = nil
        before = before ?? table
        let counters = table.counters
        table = MetaTable(table.limits)
        table.counters = counters
        isCurrent = false
        prepare()
    }

    private func becomeCurrent() {
        guard !isCurrent else { return }
        isCurrent = true
        before = nil
        for promise in waiting { promise.succeed() }
        waiting = []
        onChange()
    }

    private func take(_ message: StoredMessage) {
        let publication = message.publication
        switch subjects.key(of: publication.subject) {
        case .success(let key):
            let isRemoved = KeyValueBucket.isDeleted(publication.headers)
            take(isRemoved ? nil : publication.payload, at: key, revision: message.sequence)
        case .failure(let reason):
            table.passOver(reason)
            warnOfPassedOver()
        }
    }

    private func take(_ value: ByteBuffer?, at key: MetaKey, revision: UInt64) {
        let refused = table.counters.refused
        let hasChanged = table.take(value, at: key, revision: revision)
        if table.counters.refused > refused { warnOfPassedOver() }
        if hasChanged, isCurrent { onChange() }
    }

    private var hasWarned = false

    private func warnOfPassedOver() {
        guard !hasWarned else { return }
        hasWarned = true
        logger.warning(
            "a record of the meta lane is passed over, which another version may have written; martlet_meta counters tell how many"
        )
    }

    // MARK: Writing

    /// Changes a record, as `MetaStore.write`.
    package func write(
        _ value: ByteBuffer?,
        at key: MetaKey,
        expecting revision: UInt64?
    ) -> EventLoopFuture<Result<UInt64, MetaFailure>> {
        let promise = eventLoop.makePromise(of: Result<UInt64, MetaFailure>.self)
        lastWrite += 1
        let number = lastWrite
        writing[number] = promise
        begin(value, at: key, expecting: revision) { result in
            guard let promise = self.writing.removeValue(forKey: number) else { return }
            switch result {
            case .success: self.table.counters.writes += 1
            case .failure(.conflict): self.table.counters.conflicts += 1
            case .failure: self.table.counters.failures += 1
            }
            promise.succeed(result)
        }
        return promise.futureResult
    }

    private typealias Done = (Result<UInt64, MetaFailure>) -> Void

    private func begin(_ value: ByteBuffer?, at key: MetaKey, expecting revision: UInt64?, _ done: @escaping Done) {
        if let refusal = table.refusal(of: value, at: key) { return done(.failure(refusal)) }
        guard client.isReady, !isStopped else { return done(.failure(.notConnected)) }
        guard isCurrent, replay != nil, let subject = subjects.subject(of: key) else {
            return done(.failure(isCurrent ? .noSpace(reason: trouble ?? "the bucket is being made") : .notReady))
        }
        let expected = revision ?? table.revision(of: key)
        let append =
            value.map { subjects.bucket.put($0, for: subject, expecting: expected) }
            ?? subjects.bucket.delete(subject, expecting: expected)
        client.append(append, until: .now() + table.limits.writePatience).assumeIsolated().whenSuccess { answer in
            guard !self.isStopped else { return }
            switch answer {
            case .stored(let sequence):
                self.take(value, at: key, revision: sequence)
                done(.success(sequence))
            case .sequenceIsAnother: self.compare(value, at: key, subject, expected: expected, done)
            case .busy, .noAnswer: done(.failure(.noAnswer))
            case .refused(let error) where error.isOutOfSpace: done(.failure(.noSpace(reason: "\(error)")))
            case .refused(let error): done(.failure(.refused(reason: "\(error)")))
            }
        }
    }

    /// The bucket has another change than the expected one: this very one, if an attempt without an answer was stored, or somebody else's.
    private func compare(
        _ value: ByteBuffer?,
        at key: MetaKey,
        _ subject: Subject,
        expected: UInt64,
        _ done: @escaping Done
    ) {
        let question = client.ask(.last(of: subject, in: subjects.bucket.stream), timeout: table.limits.readPatience)
        question.assumeIsolated().whenSuccess { result in
            guard !self.isStopped else { return }
            switch result {
            case .success(let last):
                let found = KeyValueBucket.isDeleted(last.headers) ? nil : last.payload
                if last.sequence < self.table.revision(of: key) { self.startAnew() }
                self.take(found, at: key, revision: last.sequence)
                // The same value of somebody else is as good.
                let isStored = found == value && last.sequence > expected
                done(isStored ? .success(last.sequence) : .failure(.conflict(revision: last.sequence)))
            case .failure(.refused(let error)) where error.errorCode == JetStreamError.noMessage:
                if self.table.revision(of: key) > 0 { self.startAnew() }
                done(.failure(.conflict(revision: 0)))
            case .failure: done(.failure(.noAnswer))
            }
        }
    }

    // MARK: Metrics

    /// Adds the growth of the counters since the last call to the counters `martlet_meta_NAME_total`, and sets the gauges `martlet_meta_records`,
    /// `martlet_meta_octets` and `martlet_meta_current`.
    package func reportMetrics() {
        for (name, path) in MetaCounters.names {
            let grown = table.counters[keyPath: path] - reported[keyPath: path]
            if grown > 0 { Counter(label: "martlet_meta_\(name)_total").increment(by: grown) }
        }
        reported = table.counters
        Gauge(label: "martlet_meta_records").record(table.count)
        Gauge(label: "martlet_meta_octets").record(table.octets)
        Gauge(label: "martlet_meta_current").record(isCurrent ? 1 : 0)
    }
}
