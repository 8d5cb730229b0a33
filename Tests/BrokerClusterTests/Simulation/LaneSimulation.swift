import BrokerCluster
import NATSClient
import NIOCore

/// Runs of several nodes that want one lane, a JetStream with elections and leaders that are behind, and a network that loses and delays,
/// in virtual time.
struct LaneSimulation {
    private enum Request {
        case append(expecting: UInt64, ByteBuffer)
        case last
        case purge(before: UInt64)
    }

    private enum Answer {
        case append(AppendAnswer)
        case last(Result<LastMessage, JetStreamFailure>)
    }

    private enum Event {
        case request(writer: Int, token: Int, Request)
        case answer(writer: Int, token: Int, Answer)
        case resume(writer: Int, token: Int)
        case act(writer: Int)
        case weather
    }

    private(set) var lane: SimulatedLane
    private(set) var writers: [SimulatedWriter]
    private var queue = EventQueue<Event>()
    private var random: SeededGenerator
    private let end: NIODeadline
    private var electionUntil = NIODeadline.uptimeNanoseconds(0)
    private var isCalm = false

    /// How long things go wrong, and how long they may take afterwards.
    private static let storm: TimeAmount = .seconds(40)
    private static let calm: TimeAmount = .seconds(60)
    private static let timeout: TimeAmount = .milliseconds(500)

    init(seed: UInt64, fault: SimulatedLane.Fault? = nil) {
        random = SeededGenerator(seed: seed)
        lane = SimulatedLane(fault: fault)
        let count = Int.random(in: 1...3, using: &random)
        writers = (0..<count).map { SimulatedWriter(node: $0, limits: LaneLimits()) }
        end = queue.now + Self.storm
        for writer in writers.indices { queue.add(.act(writer: writer), after: .zero) }
        queue.add(.weather, after: .seconds(1))
    }

    mutating func run() {
        while let event = queue.next(until: end) { handle(event) }
        isCalm = true
        electionUntil = queue.now
        lane.staleCount = nil
        while let event = queue.next(until: end + Self.calm) { handle(event) }
    }

    private mutating func milliseconds(_ range: ClosedRange<Int64>) -> TimeAmount {
        .microseconds(Int64.random(in: range.lowerBound * 1_000...range.upperBound * 1_000, using: &random))
    }

    private mutating func handle(_ event: Event) {
        switch event {
        case .weather where isCalm: break
        case .weather:
            if random.once(in: 4) { electionUntil = queue.now + milliseconds(100...9_000) }
            // A leader that was cut off gives up in time.
            let wasStale = lane.staleCount != nil
            let behind = Int.random(in: 0...3, using: &random)
            lane.staleCount = !wasStale && random.once(in: 3) ? max(0, lane.history.count - behind) : nil
            queue.add(.weather, after: milliseconds(500...4_000))
        case .request(let writer, let token, let request): serve(request, of: writer, token)
        case .answer(let writer, _, _), .resume(let writer, _), .act(let writer):
            guard writers[writer].pausedUntil <= queue.now else {
                return queue.add(event, after: writers[writer].pausedUntil - queue.now)
            }
            handle(event, of: writer)
        }
    }

    private mutating func handle(_ event: Event, of writer: Int) {
        switch event {
        case .answer(_, let token, let answer) where token == writers[writer].token: take(answer, writer)
        case .resume(_, let token) where token == writers[writer].token:
            if let step = writers[writer].taker?.resume(queue.now) { carryOut(step, writer) }
            if writers[writer].taker == nil, let step = writers[writer].appender?.resume() { carryOut(step, writer) }
        case .act: act(writer)
        default: break
        }
    }

    // MARK: JetStream

    private mutating func serve(_ request: Request, of writer: Int, _ token: Int) {
        let isElecting = queue.now < electionUntil
        switch request {
        case .append(let expecting, let payload):
            guard !isElecting else { return refuse(.append(.noAnswer(.noResponders)), writer, token) }
            answer(.append(lane.append(expecting: expecting, payload, using: &random)), writer, token)
        case .last:
            guard !isElecting || lane.staleCount != nil else {
                return refuse(.last(.failure(.noAnswer(.noResponders))), writer, token)
            }
            answer(.last(lane.last), writer, token)
        case .purge(let sequence): if !isElecting { lane.purge(before: sequence) }
        }
    }

    /// A stream without a leader does not answer, or its server says so.
    private mutating func refuse(_ refusal: Answer, _ writer: Int, _ token: Int) {
        if random.once(in: 2) { answer(refusal, writer, token) }
    }

    private mutating func answer(_ answer: Answer, _ writer: Int, _ token: Int) {
        if isCalm || !random.once(in: 12) {
            queue.add(.answer(writer: writer, token: token, answer), after: milliseconds(0...30))
        }
    }

    private mutating func send(_ request: Request, of writer: Int) {
        writers[writer].token += 1
        let token = writers[writer].token
        if isCalm || !random.once(in: 12) {
            // One in twenty comes when it was given up already, and counts all the same.
            let delay = !isCalm && random.once(in: 20) ? milliseconds(400...5_000) : milliseconds(0...30)
            queue.add(.request(writer: writer, token: token, request), after: delay)
        }
        let silence: Answer
        switch request {
        case .append: silence = .append(.noAnswer(.timedOut))
        case .last: silence = .last(.failure(.noAnswer(.timedOut)))
        case .purge: return
        }
        queue.add(.answer(writer: writer, token: token, silence), after: Self.timeout)
    }

    // MARK: Writers

    private mutating func act(_ writer: Int) {
        let isStormy = !isCalm
        if isStormy { queue.add(.act(writer: writer), after: milliseconds(1...400)) }
        guard writers[writer].isIdle else { return }
        if isStormy, random.once(in: 60) { writers[writer].pausedUntil = queue.now + milliseconds(10...8_000) }
        if writers[writer].leads {
            if random.once(in: 30), let position = writers[writer].acknowledged.randomElement(using: &random)?.position
            {
                send(.purge(before: position), of: writer)
            }
            if let step = writers[writer].append(queue.now) { carryOut(step, writer) }
        } else if writers[writer].terms.isEmpty || random.once(in: 10) {
            carryOut(writers[writer].take(queue.now), writer)
        }
    }

    private mutating func take(_ answer: Answer, _ writer: Int) {
        let now = queue.now
        var counters = writers[writer].counters
        defer { writers[writer].counters = counters }
        writers[writer].token += 1
        if writers[writer].taker != nil {
            let step: LaneStep<LaneTaker.Outcome>? =
                switch answer {
                case .append(let answer):
                    writers[writer].taker?.answered(answer, now, &counters, using: &random)
                case .last(let answer): writers[writer].taker?.read(answer, now, using: &random)
                }
            if let step { carryOut(step, writer) }
        } else {
            let step: LaneStep<LaneAppender.Outcome>? =
                switch answer {
                case .append(let answer):
                    writers[writer].appender?.answered(answer, &counters, using: &random)
                case .last(let answer): writers[writer].appender?.read(answer, now, using: &random)
                }
            if let step { carryOut(step, writer) }
        }
    }

    private mutating func carryOut(_ step: LaneStep<LaneTaker.Outcome>, _ writer: Int) {
        if let outcome = outcome(of: step, writer) { writers[writer].finished(outcome) }
    }

    private mutating func carryOut(_ step: LaneStep<LaneAppender.Outcome>, _ writer: Int) {
        if let outcome = outcome(of: step, writer) { writers[writer].finished(outcome) }
    }

    private mutating func outcome<Outcome>(of step: LaneStep<Outcome>, _ writer: Int) -> Outcome? {
        switch step {
        case .append(let expecting, let octets): send(.append(expecting: expecting, octets), of: writer)
        case .readLast: send(.last, of: writer)
        case .wait(let time):
            writers[writer].token += 1
            queue.add(.resume(writer: writer, token: writers[writer].token), after: time)
        case .done(let outcome): return outcome
        }
        return nil
    }
}
