import MQTTClient
import NIOCore
import QUICTransport

/// The clients of one event loop, their counters, and the rate at which they connect. Confined to its loop.
final class Worker: TimerTarget {
    let plan: LoadPlan
    let loop: ClientLoop
    let timers: TimerQueue
    let limit: MessageLimit?
    let output: BenchOutput
    private(set) var isStopping = false
    private(set) var mayPublish: Bool

    var counters = Counters()
    var latencies = Latencies()
    /// How often a subscriber received a `cnt64` that was not one more than the last.
    var sequenceBreaks = 0
    /// Published messages at QoS 1 and 2, which the server has to acknowledge.
    var awaited: UInt64 = 0
    /// Clients that had a connection and have none.
    var lost = 0

    private let number: Int
    private let workers: Int
    private let notify: @Sendable (Notice) -> Void
    private var clients: [LoadClient] = []
    private var nextConnect = NIODeadline.uptimeNanoseconds(0)
    private var connecting = 0
    private var untried: Int
    private var alive: Int

    /// A message to ``LoadRun``.
    enum Notice: Sendable {
        /// Every client has connected, or failed to, once.
        case allTried
        /// No client is connected, and none will connect again.
        case allEnded
    }

    /// Clients of a worker that may be connecting at the same time, without an interval.
    private static let maximumConnecting = 128

    /// - Parameter number: from 0; the worker has each `workers`-th client.
    init(
        _ number: Int,
        of workers: Int,
        plan: LoadPlan,
        eventLoop: any EventLoop,
        limit: MessageLimit?,
        output: BenchOutput,
        notify: @escaping @Sendable (Notice) -> Void
    ) {
        self.number = number
        self.workers = workers
        self.plan = plan
        self.limit = limit
        self.output = output
        self.notify = notify
        loop = ClientLoop(eventLoop: eventLoop)
        timers = TimerQueue(eventLoop: eventLoop)
        mayPublish = !plan.options.waitsForAll
        untried = (plan.options.count - number + workers - 1) / workers
        alive = untried
    }

    // MARK: Life

    func start() {
        nextConnect = .now() + .nanoseconds(Int64(plan.options.connectInterval) * Int64(number))
        timers.wake(self, at: nextConnect)
    }

    /// The signal of `--wait-before-publishing`.
    func startPublishing() {
        mayPublish = true
        for client in clients { client.role?.start() }
    }

    /// Stops publishing; acknowledgements still count.
    func stopPublishing() { mayPublish = false }

    /// Messages at QoS 1 and 2 of connected clients without their final acknowledgement.
    var outstanding: Int {
        clients.reduce(0) {
            $0 + ($1.connection.phase == .connected ? $1.connection.unacknowledged : 0)
        }
    }

    /// Disconnects all clients; the future completes when everything is sent.
    func stop() -> EventLoopFuture<Void> {
        isStopping = true
        mayPublish = false
        timers.cancelAll()
        for client in clients { client.connection.disconnect() }
        return loop.shutdown()
    }

    // MARK: Connecting

    func timeReached(_ now: NIODeadline) { connectDue(now) }

    private func connectDue(_ now: NIODeadline) {
        let interval = Int64(plan.options.connectInterval) * Int64(workers)
        while let index = nextIndex, !isStopping {
            if interval == 0 {
                guard connecting < Self.maximumConnecting else { return }
            } else {
                guard nextConnect <= now else { return timers.wake(self, at: nextConnect) }
                nextConnect = nextConnect + .nanoseconds(interval)
            }
            connecting += 1
            let client = LoadClient(index: index, worker: self)
            clients.append(client)
            client.connect()
        }
    }

    private var nextIndex: Int? {
        let index = number + clients.count * workers
        return index < plan.options.count ? index : nil
    }

    /// A client has connected, or failed to, for the first time.
    func clientTried() {
        connecting -= 1
        untried -= 1
        if untried == 0 { notify(.allTried) }
        if plan.options.connectInterval == 0 { connectDue(.now()) }
    }

    /// A client will not connect any more.
    func clientEnded() {
        alive -= 1
        if alive == 0 { notify(.allEnded) }
    }

    func say(_ line: @autoclosure () -> String) {
        if !plan.options.isSilent { output.line(line()) }
    }

    /// Tickets that the clients have not used.
    var tickets: [TicketFile.Owner: QUICSessionTicket] {
        Dictionary(clients.compactMap(\.ticket).map { ($0.owner, $0.ticket) }) { $1 }
    }

    /// The figures for ``LoadRun``.
    var snapshot: Snapshot {
        Snapshot(
            counters: counters,
            latencies: latencies,
            sequenceBreaks: sequenceBreaks,
            awaited: awaited,
            lost: lost
        )
    }

    /// What a worker has counted so far, for the report.
    struct Snapshot: Sendable {
        var counters = Counters()
        var latencies = Latencies()
        var sequenceBreaks = 0
        var awaited: UInt64 = 0
        var lost = 0

        static func += (sum: inout Self, other: Self) {
            sum.counters += other.counters
            sum.latencies.add(other.latencies)
            sum.sequenceBreaks += other.sequenceBreaks
            sum.awaited += other.awaited
            sum.lost += other.lost
        }
    }
}

/// The latencies that a load measures.
struct Latencies: Sendable {
    /// From the start of a connect to CONNACK.
    var connect = LatencyRecord()
    /// From PUBLISH to PUBACK or PUBCOMP.
    var acknowledgement = LatencyRecord()
    /// From publish to receipt, by a payload header.
    var endToEnd = LatencyRecord()

    mutating func add(_ other: Self) {
        connect.add(other.connect)
        acknowledgement.add(other.acknowledgement)
        endToEnd.add(other.endToEnd)
    }
}
