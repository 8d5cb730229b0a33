internal import Metrics
package import NATSClient
package import NIOCore

/// The lanes that one event loop leads: logs in the streams of JetStream. All methods are called on the loop, and all that is told comes
/// on the loop. It has a connection to NATS of its own.
package final class LaneStreams {
    package let configuration: LaneConfiguration
    package let eventLoop: any EventLoop
    let subjects: LaneSubjects
    let client: NATSClient

    /// Is called when a lane that this run leads is suspended, has no space, serves again, or is not led any more and was not well.
    package var onHealth: (_ lane: Int, _ health: LaneHealth) -> Void = { _, _ in }
    /// Is called when the connection to NATS comes about or ends.
    package var onConnection: (ClientEvent) -> Void = { _ in }

    /// What was done since this was made.
    package internal(set) var counters = LaneCounters()
    private var reported = LaneCounters()
    /// How long appends took lately.
    private var recentAppends = RecentTimes(.now())
    private let appendTimer = Metrics.Timer(label: "martlet_lanes_append_time")

    private var member: Member?
    private var seats: [Int: LaneSeat] = [:]
    /// Lanes whose term record is stored, by stream: they wait until all lanes of the stream that are being taken can be replayed together.
    private var gathered: [Int: [LaneSeat]] = [:]
    private var gathering: [Int: Scheduled<Void>] = [:]
    private var replays: [LaneReplay] = []
    private var watch: Scheduled<Void>?
    private var random = SystemRandomNumberGenerator()

    /// - Parameter nats: the servers; answers of JetStream are waited for as long as its `requestTimeout`.
    /// - Throws: for authorities that are no PEM certificates.
    package init(_ configuration: LaneConfiguration, nats: ClientConfiguration, on eventLoop: any EventLoop) throws {
        self.configuration = configuration
        self.eventLoop = eventLoop
        subjects = LaneSubjects(configuration.cluster)
        let events = ClientEvents()
        client = try NATSClient(nats, on: eventLoop) { events.forward($0) }
        events.forward = { [weak self] event in self?.onConnection(event) }
    }

    /// Connects to NATS.
    package func start() { client.start() }

    /// Ends the connection. Lanes are released first.
    package func stop() -> EventLoopFuture<Void> {
        end()
        return client.stop()
    }

    /// This node is a member as this run: from here on, lanes are taken in its name. Lanes of an earlier run are released.
    package func begin(as member: Member) {
        if self.member?.run != member.run { end() }
        self.member = member
    }

    /// This node's run is over: all lanes are released, and none can be taken until it begins again.
    package func end() {
        member = nil
        for lane in seats.keys.sorted() { release(lane) }
    }

    // MARK: Taking a lane

    /// Takes the lead of a lane: reads its last message at the stream's leader, writes a term record behind it by compare-and-set, and
    /// replays all batches before, in order. It does not fail, and it ends within `LaneLimits.takeTimeout` unless the replay takes longer.
    ///
    /// A lane that another run serves is replayed first, and taken once there is little left, so that nobody serves it for a moment only.
    ///
    /// - Parameters:
    ///   - isServed: true if another run is known to serve the lane.
    ///   - replay: is called with each batch, on the loop, before the future is fulfilled. Unless that is with a term, what came
    ///   is to be forgotten. A batch is a slice of what was read: keep a copy.
    package func take(
        _ lane: Int,
        isServed: Bool = false,
        replay: @escaping (ByteBuffer) -> Void
    ) -> EventLoopFuture<Result<LaneTerm, LaneFailure>> {
        guard let member, (0..<LaneSubjects.lanes).contains(lane) else {
            return eventLoop.makeSucceededFuture(.failure(.notReady))
        }
        guard seats[lane] == nil else { return eventLoop.makeSucceededFuture(.failure(.underWay)) }
        let leader = LaneLeader(node: member.node, run: member.run)
        let seat = LaneSeat(
            lane,
            as: leader,
            replay: replay,
            taken: eventLoop.makePromise(of: Result<LaneTerm, LaneFailure>.self)
        )
        seats[lane] = seat
        if isServed {
            seat.reader = LaneReader(ahead: lane)
            gather(seat)
        } else {
            beginTaking(seat)
        }
        return seat.taken.futureResult
    }

    /// Writes the term record of a lane.
    func beginTaking(_ seat: LaneSeat) {
        guard let member, seats[seat.lane] === seat else { return }
        let taker = LaneTaker(seat.lane, as: seat.leader, name: member.name, limits: configuration.limits, .now())
        seat.state = .taking(taker)
        carryOut(taker.resume(.now()), seat)
    }

    private func carryOut(_ step: LaneStep<LaneTaker.Outcome>, _ seat: LaneSeat) {
        guard let outcome = outcome(of: step, seat) else { return }
        switch outcome {
        case .success(let term):
            seat.state = .replaying
            if let step = seat.reader?.take(term) { return carryOut(step, seat) }
            seat.reader = LaneReader(term)
            gather(seat)
            replayIfAllAreGathered(LaneSubjects.stream(of: seat.lane))
        case .failure(let failure): fail(seat, failure)
        }
    }

    private func gather(_ seat: LaneSeat) {
        let stream = LaneSubjects.stream(of: seat.lane)
        gathered[stream, default: []].append(seat)
        if gathering[stream] == nil {
            gathering[stream] = eventLoop.assumeIsolated().scheduleTask(in: configuration.limits.gathering) {
                self.replay(stream)
            }
        }
    }

    private func replayIfAllAreGathered(_ stream: Int) {
        guard gathered[stream] != nil else { return }
        let isComplete = !seats.values.contains { $0.isTaking && LaneSubjects.stream(of: $0.lane) == stream }
        if isComplete { replay(stream) }
    }

    private func replay(_ stream: Int) {
        gathering.removeValue(forKey: stream)?.cancel()
        guard let together = gathered.removeValue(forKey: stream), !together.isEmpty else { return }
        let replay = LaneReplay(self, together)
        replays.append(replay)
        replay.begin(subjects.name(ofStream: stream), client)
    }

    /// Does what a message of a lane means.
    func carryOut(_ step: LaneReader.Step, _ seat: LaneSeat) {
        switch step {
        case .pass: return
        case .batch(let batch): return replayed(batch, seat)
        case .complete: if let term = seat.reader?.term { completed(seat, term) }
        case .missing(let sequence): explain(missing: sequence, seat)
        case .fenced(let other): fail(seat, .fenced(by: other))
        case .damaged(let detail): fail(seat, .damaged(detail))
        }
        seat.reader = nil
        for replay in replays { replay.leave(seat) }
    }

    private func replayed(_ batch: ByteBuffer, _ seat: LaneSeat) {
        counters.replayed += 1
        counters.replayedOctets += batch.readableBytes
        seat.replay(batch)
    }

    private func completed(_ seat: LaneSeat, _ term: LaneTerm) {
        guard seats[seat.lane] === seat else { return }
        seat.state = .leading(LaneAppender(term, as: seat.leader, limits: configuration.limits))
        counters.taken += 1
        seat.taken.succeed(.success(term))
    }

    func ended(_ replay: LaneReplay) { replays.removeAll { $0 === replay } }

    /// A message did not come in a replay: it was purged meanwhile if the lane begins behind it.
    private func explain(missing sequence: UInt64, _ seat: LaneSeat) {
        let subject = subjects.subject(of: seat.lane)
        let stream = subjects.name(ofStream: LaneSubjects.stream(of: seat.lane))
        client.ask(.next(of: subject, from: 1, in: stream)).assumeIsolated().whenSuccess { result in
            switch result {
            case .success(let first) where first.sequence > sequence: self.fail(seat, .purgedMeanwhile)
            case .success, .failure(.refused):
                self.fail(seat, .damaged("lane \(seat.lane) lacks message \(sequence), which was not purged"))
            case .failure(let failure): self.fail(seat, .unavailable("JetStream does not answer (\(failure))"))
            }
        }
    }

    // MARK: Appending

    /// Appends a batch to a lane that this run leads, one at a time: a further one is `underWay`. It does not fail. It is answered once
    /// the batch is stored for good or the lane is not led any more, and tried for as long as that takes; `release` ends it.
    package func append(_ batch: ByteBuffer, to lane: Int) -> EventLoopFuture<Result<LanePosition, LaneFailure>> {
        guard let seat = seats[lane], case .leading(var appender) = seat.state else {
            return eventLoop.makeSucceededFuture(.failure(.notLed))
        }
        let step = appender.append(batch, .now())
        if case .done(let outcome) = step { return eventLoop.makeSucceededFuture(outcome) }
        seat.state = .leading(appender)
        let promise = eventLoop.makePromise(of: Result<LanePosition, LaneFailure>.self)
        seat.appending = (promise, batch.readableBytes)
        carryOut(step, seat, begun: appender.since)
        watchAppends()
        return promise.futureResult
    }

    private func carryOut(_ step: LaneStep<LaneAppender.Outcome>, _ seat: LaneSeat, begun: NIODeadline?) {
        guard let outcome = outcome(of: step, seat) else { return }
        guard case .success = outcome else {
            if case .failure(let failure) = outcome { fail(seat, failure) }
            return
        }
        guard let (promise, octets) = seat.appending else { return }
        seat.appending = nil
        let time = NIODeadline.now() - (begun ?? .now())
        counters.appends += 1
        counters.octets += octets
        counters.appendMicroseconds += Int(time.nanoseconds / 1_000)
        appendTimer.recordNanoseconds(time.nanoseconds)
        recentAppends.add(time, .now())
        setHealth(.serving, seat)
        promise.succeed(outcome)
    }

    /// Looks now and then whether an append takes long.
    private func watchAppends() {
        guard watch == nil else { return }
        let pause = TimeAmount.nanoseconds(configuration.limits.suspension.nanoseconds / 4)
        watch = eventLoop.assumeIsolated().scheduleTask(in: pause) {
            self.watch = nil
            self.suspendSlowLanes(.now())
        }
    }

    private func suspendSlowLanes(_ now: NIODeadline) {
        var isWatched = false
        for seat in seats.values {
            guard let appender = seat.appender, let since = appender.since else { continue }
            isWatched = true
            guard now - since >= configuration.limits.suspension else { continue }
            setHealth(appender.isOutOfSpace ? .full(appender.trouble) : .suspended(appender.trouble), seat)
        }
        if isWatched { watchAppends() }
    }

    private func setHealth(_ health: LaneHealth, _ seat: LaneSeat) {
        guard seat.health != health else { return }
        seat.health = health
        onHealth(seat.lane, health)
    }

    // MARK: Purging and giving up

    /// Deletes the messages of a lane that this run leads before a position, which itself stays. It may be the position of an
    /// acknowledged append only; another one is passed over. What cannot be deleted now is deleted with a later purge.
    package func purge(_ lane: Int, before position: LanePosition) {
        guard let seat = seats[lane], let appender = seat.appender, position <= appender.position else { return }
        guard position.sequence > seat.purge else { return }
        seat.purge = position.sequence
        if !seat.isPurging { purge(seat) }
    }

    private func purge(_ seat: LaneSeat) {
        let wanted = seat.purge
        let stream = subjects.name(ofStream: LaneSubjects.stream(of: seat.lane))
        seat.isPurging = true
        client.ask(.purge(subjects.subject(of: seat.lane), in: stream, before: wanted), timeout: Self.purgeTimeout)
            .assumeIsolated().whenSuccess { result in
                seat.isPurging = false
                if case .success(let purged) = result { self.counters.purged += Int(clamping: purged.purged) }
                if seat.purge > wanted, self.seats[seat.lane] === seat { self.purge(seat) }
            }
    }

    private static let purgeTimeout: TimeAmount = .seconds(5)

    /// Gives a lane up: what is under way is answered with `released`. Another run finds in the stream that this one led it.
    package func release(_ lane: Int) {
        if let seat = seats[lane] { fail(seat, .released) }
    }

    func fail(_ seat: LaneSeat, _ failure: LaneFailure) {
        guard seats[seat.lane] === seat else { return }
        setHealth(.serving, seat)
        seats[seat.lane] = nil
        let stream = LaneSubjects.stream(of: seat.lane)
        gathered[stream]?.removeAll { $0 === seat }
        for replay in replays { replay.leave(seat) }
        if seat.appender == nil { counters.takesFailed += 1 }
        switch failure {
        case .fenced: counters.fenced += seat.appender == nil ? 0 : 1
        case .lost, .damaged: counters.lost += 1
        default: break
        }
        if seat.appender == nil { seat.taken.succeed(.failure(failure)) }
        seat.appending?.promise.succeed(.failure(failure))
        seat.appending = nil
        replayIfAllAreGathered(stream)
    }

    // MARK: What is known

    /// True from `take` until it is answered.
    package func isTaking(_ lane: Int) -> Bool { seats[lane].map { $0.appender == nil } ?? false }

    /// True from the end of `take` until the lane is released, or is found to be another run's.
    package func isLeading(_ lane: Int, in term: UInt64) -> Bool { seats[lane]?.appender?.term.number == term }

    /// The lanes that this run leads, in order.
    package var statuses: [LaneStatus] {
        let now = NIODeadline.now()
        return seats.values.compactMap { $0.status(now) }.sorted { $0.term.lane < $1.term.lane }
    }

    /// How long appends took in the last 30 to 60 s.
    package var recentTimes: RecentTimes {
        recentAppends.advance(.now())
        return recentAppends
    }

    /// The connection to NATS.
    package func nats(for purpose: String) -> NATSStatus { NATSStatus(of: client, for: purpose) }

    /// Adds the growth since the last call to the counters `martlet_lanes_NAME_total`, and sets the gauges `martlet_lanes_led`,
    /// `martlet_lanes_suspended`, `martlet_lanes_full` and `martlet_lanes_append_lag_milliseconds`, how long the oldest append in flight has waited.
    package func reportMetrics(dimensions: [(String, String)]) {
        for (name, path) in LaneCounters.names {
            let grown = counters[keyPath: path] - reported[keyPath: path]
            if grown > 0 { Counter(label: "martlet_lanes_\(name)_total", dimensions: dimensions).increment(by: grown) }
        }
        reported = counters
        let statuses = statuses
        let lag = statuses.compactMap(\.waiting).max() ?? .zero
        Gauge(label: "martlet_lanes_led", dimensions: dimensions).record(statuses.count)
        Gauge(label: "martlet_lanes_suspended", dimensions: dimensions).record(
            statuses.count { $0.health != .serving }
        )
        Gauge(label: "martlet_lanes_full", dimensions: dimensions).record(
            statuses.count { if case .full = $0.health { true } else { false } }
        )
        Gauge(label: "martlet_lanes_append_lag_milliseconds", dimensions: dimensions).record(
            lag.nanoseconds / 1_000_000
        )
    }

    // MARK: Steps

    /// Does what a lane's value wants, and tells it what came of that, unless there is an outcome already.
    private func outcome<Outcome>(of step: LaneStep<Outcome>, _ seat: LaneSeat) -> Outcome? {
        switch step {
        case .append(let expecting, let octets):
            let append = Append(to: subjects.subject(of: seat.lane), expecting: expecting, octets)
            client.append(append).assumeIsolated().whenSuccess { self.answered($0, seat) }
        case .readLast:
            let stream = subjects.name(ofStream: LaneSubjects.stream(of: seat.lane))
            client.ask(.last(of: subjects.subject(of: seat.lane), in: stream)).assumeIsolated()
                .whenSuccess { self.read($0, seat) }
        case .wait(let time): eventLoop.assumeIsolated().scheduleTask(in: time) { self.resume(seat) }
        case .done(let outcome): return outcome
        }
        return nil
    }

    private func answered(_ answer: AppendAnswer, _ seat: LaneSeat) {
        guard seats[seat.lane] === seat else { return }
        switch seat.state {
        case .taking(var taker):
            let step = taker.answered(answer, .now(), &counters, using: &random)
            seat.state = .taking(taker)
            carryOut(step, seat)
        case .leading(var appender):
            let begun = appender.since
            let step = appender.answered(answer, &counters, using: &random)
            seat.state = .leading(appender)
            carryOut(step, seat, begun: begun)
        case .readingAhead, .replaying: break
        }
    }

    private func read(_ result: Result<LastMessage, JetStreamFailure>, _ seat: LaneSeat) {
        guard seats[seat.lane] === seat else { return }
        switch seat.state {
        case .taking(var taker):
            let step = taker.read(result, .now(), using: &random)
            seat.state = .taking(taker)
            carryOut(step, seat)
        case .leading(var appender):
            let begun = appender.since
            let step = appender.read(result, .now(), using: &random)
            seat.state = .leading(appender)
            carryOut(step, seat, begun: begun)
        case .readingAhead, .replaying: break
        }
    }

    private func resume(_ seat: LaneSeat) {
        guard seats[seat.lane] === seat else { return }
        switch seat.state {
        case .taking(let taker): carryOut(taker.resume(.now()), seat)
        case .leading(var appender): carryOut(appender.resume(), seat, begun: appender.since)
        case .readingAhead, .replaying: break
        }
    }
}

/// Hands the events of a client on to an owner that is made after it.
final class ClientEvents {
    var forward: (ClientEvent) -> Void = { _ in }
}
