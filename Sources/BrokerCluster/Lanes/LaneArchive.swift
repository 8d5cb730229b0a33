import NATSClient
package import NIOCore

/// The logs of all lanes of a cluster in the hands of a tool that is no node: they are read without taking the lead of any, and written
/// while no node runs. All methods are called on the loop. What fails does so with `ClusterFailure`.
package final class LaneArchive {
    private let cluster: ClusterConfiguration
    private let lanes: LaneStreams
    private let eventLoop: any EventLoop
    private let onTrouble: (String) -> Void
    private var connecting: EventLoopPromise<Void>?
    /// Why nothing more is written.
    private var obstacle: String?

    /// How long heartbeats are listened for; nodes send them every 150 ms.
    private static let listening: TimeAmount = .seconds(1)
    /// How long JetStream may be without an answer.
    private static let patience: TimeAmount = .seconds(30)
    private static let pause: TimeAmount = .milliseconds(250)
    /// Of no node's: their runs are higher.
    private static let writer = Member(
        node: 0,
        run: 0,
        name: "martlet store import",
        shards: 1,
        relay: nil,
        format: 1
    )

    /// - Parameter onTrouble: is called on the loop with what stands in the way, in words, while it is tried again.
    /// - Throws: for authorities that are no PEM certificates.
    package init(
        _ cluster: ClusterConfiguration,
        on eventLoop: any EventLoop,
        onTrouble: @escaping (String) -> Void
    ) throws {
        self.cluster = cluster
        self.eventLoop = eventLoop
        self.onTrouble = onTrouble
        var nats = cluster.nats(for: "store")
        nats.connection.presence = nil
        // Large messages, and nobody waits for a client's sake.
        nats.requestTimeout = .seconds(5)
        let configuration = LaneConfiguration(cluster: cluster.name, replicas: cluster.replicas)
        lanes = try LaneStreams(configuration, nats: nats, on: eventLoop)
    }

    /// Connects to a NATS server, for as long as that takes.
    package func connect() -> EventLoopFuture<Void> {
        let promise = eventLoop.makePromise(of: Void.self)
        connecting = promise
        lanes.onConnection = { [weak self] event in self?.take(event) }
        lanes.onHealth = { [weak self] lane, health in
            switch health {
            case .serving: break
            case .suspended(let reason): self?.onTrouble("lane \(lane): \(reason)")
            case .full(let reason): self?.end(for: "lane \(lane): \(reason)")
            }
        }
        lanes.start()
        return promise.futureResult
    }

    private func take(_ event: ClientEvent) {
        switch event {
        case .ready:
            connecting?.succeed()
            connecting = nil
        case .disconnected(let failure, let address):
            if failure.isLasting, let connecting {
                self.connecting = nil
                connecting.fail(ClusterFailure(description: "cluster.servers: \(address): \(failure)"))
            } else {
                onTrouble("\(address): \(failure)")
            }
        case .complained(let text): onTrouble(text)
        }
    }

    package func stop() -> EventLoopFuture<Void> { lanes.stop() }

    /// How many nodes of the cluster run, as their heartbeats tell within a second.
    package func countNodes() -> EventLoopFuture<Int> {
        guard let heartbeats = Subject("martlet.\(cluster.name).heartbeat") else {
            return eventLoop.makeSucceededFuture(0)
        }
        var senders: Set<UInt64> = []
        let subscription = lanes.client.subscribe(heartbeats) { publication in
            guard let heartbeat = Heartbeat(publication.payload), !heartbeat.isLeaving else { return }
            senders.insert(heartbeat.sender)
        }
        let promise = eventLoop.makePromise(of: Int.self)
        eventLoop.assumeIsolated().scheduleTask(in: Self.listening) {
            self.lanes.client.unsubscribe(subscription)
            promise.succeed(senders.count)
        }
        return promise.futureResult
    }

    /// Makes the streams that are missing, and checks those that are there.
    package func prepare() -> EventLoopFuture<Void> {
        lanes.prepare(until: .now() + Self.patience).flatMapThrowing { result in
            if case .failure(let failure) = result { throw ClusterFailure(description: "cluster: \(failure)") }
        }
    }

    // MARK: Reading

    /// What a lane's log has.
    package enum Piece: Sendable {
        case batch(ByteBuffer)
        /// The lane was cleaned while it was read: all that came of it is to be forgotten.
        case anew
    }

    /// Reads all lanes, each as it is at one moment.
    ///
    /// - Parameters:
    ///   - progress: is called with the messages that came, and those that there are.
    ///   - onPiece: is called with what the lanes have, each lane's in order.
    package func read(
        progress: @escaping (_ done: Int, _ total: Int) -> Void,
        _ onPiece: @escaping (_ lane: Int, Piece) throws -> Void
    ) -> EventLoopFuture<Void> {
        var (before, total) = (0, 0)
        var future = eventLoop.makeSucceededVoidFuture().assumeIsolated()
        for stream in 0..<LaneSubjects.streams {
            future = future.flatMap {
                self.read(
                    stream,
                    progress: { done, all in
                        // The streams have about as much each.
                        total = max(total, (before + all) + all * (LaneSubjects.streams - 1 - stream))
                        progress(before + done, total)
                        if done == all { before += all }
                    },
                    onPiece
                )
            }
        }
        return future.nonisolated()
    }

    private func read(
        _ stream: Int,
        progress: @escaping (_ done: Int, _ total: Int) -> Void,
        _ onPiece: @escaping (_ lane: Int, Piece) throws -> Void
    ) -> EventLoopFuture<Void> {
        let numbers = (0..<LaneSubjects.lanes).filter { LaneSubjects.stream(of: $0) == stream }
        // The server that reads for the consumer may be behind; where a lane ends, the stream's leader says.
        let ends = numbers.map { self.end(of: $0, until: .now() + Self.patience) }
        return EventLoopFuture.whenAllSucceed(ends, on: eventLoop).assumeIsolated()
            .flatMap { ends in
                let last = zip(numbers, ends).filter { $1 > 0 }
                return self.read(stream, to: Dictionary(uniqueKeysWithValues: last), progress: progress, onPiece)
            }.nonisolated()
    }

    /// The sequence of a lane's last message; 0 if there is none.
    private func end(of lane: Int, until deadline: NIODeadline) -> EventLoopFuture<UInt64> {
        let stream = lanes.subjects.name(ofStream: LaneSubjects.stream(of: lane))
        let promise = eventLoop.makePromise(of: UInt64.self)
        lanes.client.ask(.last(of: lanes.subjects.subject(of: lane), in: stream)).assumeIsolated().whenSuccess {
            result in
            switch result {
            case .success(let last): promise.succeed(last.sequence)
            case .failure(.refused(let error)) where error.errorCode == JetStreamError.noMessage: promise.succeed(0)
            case .failure(.refused(let error)) where error.code < 500:
                promise.fail(ClusterFailure(description: "cluster: stream \(stream): \(error)"))
            case .failure(let failure):
                guard .now() < deadline else {
                    return promise.fail(ClusterFailure(description: "cluster: JetStream does not answer (\(failure))"))
                }
                self.eventLoop.assumeIsolated().scheduleTask(in: Self.pause) {
                    self.end(of: lane, until: deadline).cascade(to: promise)
                }
            }
        }
        return promise.futureResult
    }

    /// - Parameter last: of each lane that has messages, the sequence up to which it is to be read.
    private func read(
        _ stream: Int,
        to last: [Int: UInt64],
        progress: @escaping (_ done: Int, _ total: Int) -> Void,
        _ onPiece: @escaping (_ lane: Int, Piece) throws -> Void
    ) -> EventLoopFuture<Void> {
        if last.isEmpty { return eventLoop.makeSucceededVoidFuture() }
        let promise = eventLoop.makePromise(of: Void.self)
        let numbers = last.keys.sorted()
        var left = last
        var followers = Dictionary(
            uniqueKeysWithValues: numbers.map {
                (lanes.subjects.subject(of: $0).octets, (lane: $0, log: LaneFollower()))
            }
        )
        let filters = numbers.map { lanes.subjects.subject(of: $0).description }
        let consumer = OrderedConsumer(stream: lanes.subjects.name(ofStream: stream), filters: filters, start: .first)
        var replay: Replay?
        var (messages, heard, isOver) = (0, NIODeadline.now(), false)
        func end(_ failure: String?) {
            guard !isOver else { return }
            isOver = true
            replay?.stop()
            guard let failure else { return promise.succeed() }
            promise.fail(ClusterFailure(description: "cluster: \(failure)"))
        }
        func take(_ message: StoredMessage) {
            let subject = message.publication.subject
            guard !isOver, let lane = followers[subject]?.lane,
                let step = followers[subject]?.log.receive(message.publication.payload, at: message.sequence)
            else { return }
            messages += 1
            heard = .now()
            progress(messages, messages + Int(clamping: message.pending))
            do {
                switch step {
                case .pass: break
                case .batch(let batch): try onPiece(lane, .batch(batch))
                case .anew(let batch):
                    try onPiece(lane, .anew)
                    if let batch { try onPiece(lane, .batch(batch)) }
                case .damaged(let detail): end("lane \(lane): \(detail)")
                }
            } catch {
                end("lane \(lane): \(error)")
            }
            if let end = left[lane], message.sequence >= end { left[lane] = nil }
            if left.isEmpty { end(nil) }
        }
        replay = lanes.client.replay(consumer) { event in
            switch event {
            case .message(let message): take(message)
            case .current: break
            case .refused(let error): end("stream \(consumer.stream): \(error)")
            }
        }
        func watch() {
            eventLoop.assumeIsolated().scheduleTask(deadline: heard + Self.patience) {
                if isOver { return }
                if .now() >= heard + Self.patience { end("JetStream does not answer") } else { watch() }
            }
        }
        watch()
        return promise.futureResult
    }

    // MARK: Writing

    /// Nothing more can be written.
    private func end(for reason: String) {
        guard obstacle == nil else { return }
        obstacle = reason
        for lane in 0..<LaneSubjects.lanes { lanes.release(lane) }
    }

    /// Writes the logs of all lanes anew: what they had is deleted, and must be nothing that is needed.
    ///
    /// - Parameters:
    ///   - logs: of each lane, messages of `LaneLimits.maximumBatch` octets at most.
    ///   - progress: is called with the octets that were written.
    package func write(
        _ logs: [Int: [ByteBuffer]],
        progress: @escaping (_ octets: Int) -> Void
    ) -> EventLoopFuture<Void> {
        lanes.begin(as: Self.writer)
        // The lanes of a stream one after the other, and the streams at the same time.
        let streams = (0..<LaneSubjects.streams).map { stream in
            (0..<LaneSubjects.lanes).filter { LaneSubjects.stream(of: $0) == stream }
                .reduce(eventLoop.makeSucceededVoidFuture().assumeIsolated()) { future, lane in
                    future.flatMap { self.write(logs[lane] ?? [], to: lane, progress) }
                }.nonisolated()
        }
        return EventLoopFuture.andAllSucceed(streams, on: eventLoop)
    }

    private func write(
        _ messages: [ByteBuffer],
        to lane: Int,
        _ progress: @escaping (_ octets: Int) -> Void
    ) -> EventLoopFuture<Void> {
        lanes.take(lane) { _ in }.assumeIsolated()
            .flatMapThrowing { try self.stored($0, lane).position }
            .flatMap { term in self.append(messages[...], to: lane, behind: term, first: nil, progress) }
            .flatMap { first in self.purge(lane, before: first, until: .now() + Self.patience) }
            .map { self.lanes.release(lane) }.nonisolated()
    }

    /// - Returns: the position of the first message; without messages, that of the term record.
    private func append(
        _ messages: ArraySlice<ByteBuffer>,
        to lane: Int,
        behind term: LanePosition,
        first: LanePosition?,
        _ progress: @escaping (_ octets: Int) -> Void
    ) -> EventLoopFuture<LanePosition> {
        guard let message = messages.first else { return eventLoop.makeSucceededFuture(first ?? term) }
        return lanes.append(message, to: lane).assumeIsolated()
            .flatMapThrowing { try self.stored($0, lane) }
            .flatMap { position in
                progress(message.readableBytes)
                return self.append(messages.dropFirst(), to: lane, behind: term, first: first ?? position, progress)
            }.nonisolated()
    }

    private func stored<Success>(_ result: Result<Success, LaneFailure>, _ lane: Int) throws -> Success {
        switch result {
        case .success(let success): return success
        case .failure(.fenced(let leader)):
            throw ClusterFailure(
                description: "node \(leader.node) has taken lane \(lane): no node may run meanwhile"
            )
        case .failure(let failure):
            throw ClusterFailure(description: obstacle ?? "lane \(lane): \(failure)")
        }
    }

    private func purge(_ lane: Int, before position: LanePosition, until deadline: NIODeadline) -> EventLoopFuture<Void>
    {
        let stream = lanes.subjects.name(ofStream: LaneSubjects.stream(of: lane))
        let promise = eventLoop.makePromise(of: Void.self)
        lanes.client.ask(.purge(lanes.subjects.subject(of: lane), in: stream, before: position.sequence))
            .assumeIsolated().whenSuccess { result in
                guard case .failure(let failure) = result else { return promise.succeed() }
                guard .now() < deadline else {
                    return promise.fail(ClusterFailure(description: "lane \(lane) is not cleaned: \(failure)"))
                }
                self.eventLoop.assumeIsolated().scheduleTask(in: Self.pause) {
                    self.purge(lane, before: position, until: deadline).cascade(to: promise)
                }
            }
        return promise.futureResult
    }
}
