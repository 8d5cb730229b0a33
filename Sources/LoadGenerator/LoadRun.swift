import MQTTClient
import NIOCore
import NIOPosix
import QUICTransport

/// One run of `conn`, `pub` or `sub`: workers on their loops, a line for each second, and the report.
struct LoadRun {
    private let options: BenchOptions
    private let output: BenchOutput
    private let plan: LoadPlan
    private let workers: [NIOLoopBound<Worker>]
    private let events: AsyncStream<Event>
    private let report: AsyncStream<Event>.Continuation

    /// What a run waits for.
    private enum Event: Sendable {
        case second
        case worker(Worker.Notice)
        case limitReached
        case timeIsUp
        case interrupted
    }

    /// The longest time that a run waits at its end for acknowledgements that are under way.
    private static let acknowledgementTime = TimeAmount.seconds(5)

    /// Why a run ended: its limit or time (`asked`), an interrupt, or the loss of the last client.
    enum End { case asked, interrupted, nobodyLeft }

    /// - Throws: ``UsageError``.
    init(_ options: BenchOptions, _ output: BenchOutput, _ group: MultiThreadedEventLoopGroup, loops: Int) async throws
    {
        let (events, report) = AsyncStream.makeStream(of: Event.self)
        let plan = try LoadPlan(options)
        plan.notes.forEach(output.note)
        let limit = options.limit > 0 ? MessageLimit(options.limit) { report.yield(.limitReached) } : nil
        var workers: [NIOLoopBound<Worker>] = []
        for number in 0..<loops {
            let loop = group.next()
            let worker = try await loop.submit {
                let worker = Worker(
                    number,
                    of: loops,
                    plan: plan,
                    eventLoop: loop,
                    limit: limit,
                    output: output
                ) { report.yield(.worker($0)) }
                return NIOLoopBound(worker, eventLoop: loop)
            }.get()
            workers.append(worker)
        }
        self.options = options
        self.output = output
        self.plan = plan
        self.workers = workers
        self.events = events
        self.report = report
    }

    func run(_ interrupts: AsyncStream<Void>) async throws -> LoadGenerator.Outcome {
        let interval = (Double(options.connectInterval) / 1e6 * Double(workers.count)).text(atMost: 3)
        let addresses = max(1, options.localAddresses.count)
        output.line(
            "Start with \(workers.count) workers, addrs pool size: \(addresses) and req interval: \(interval) ms \n"
        )
        let start = NIODeadline.now()
        await each { $0.start() }
        let (end, statistics) = await withTaskGroup(of: Void.self) { group in
            group.addTask { [report] in
                for await _ in interrupts { report.yield(.interrupted) }
            }
            group.addTask { [report] in
                while (try? await Task.sleep(for: .seconds(1))) != nil { report.yield(.second) }
            }
            if let duration = options.duration {
                group.addTask { [report] in
                    if (try? await Task.sleep(for: .nanoseconds(Int64(duration)))) != nil { report.yield(.timeIsUp) }
                }
            }
            let end = await follow(since: start)
            group.cancelAll()
            return end
        }
        return try await finish(end, statistics, since: start)
    }

    /// Prints what happens until the run ends.
    private func follow(since start: NIODeadline) async -> (End, StatisticsLines) {
        var statistics = StatisticsLines(start: start.uptimeNanoseconds)
        var untried = workers.count
        var living = workers.count
        for await event in events {
            switch event {
            case .second:
                await printStatistics(&statistics)
            case .worker(.allTried):
                untried -= 1
                guard untried == 0, options.waitsForAll else { continue }
                output.line("Collected \(workers.count) 'go' signals, start publishing")
                await each { $0.startPublishing() }
            case .worker(.allEnded):
                living -= 1
                if living == 0 { return (.nobodyLeft, statistics) }
            case .limitReached:
                if options.command == .pub { output.line("publish complete") }
                if !options.keepsConnected { return (.asked, statistics) }
            case .timeIsUp:
                return (.asked, statistics)
            case .interrupted:
                return (.interrupted, statistics)
            }
        }
        return (.interrupted, statistics)
    }

    /// Waits for outstanding acknowledgements, at most ``acknowledgementTime``.
    private func drain() async {
        await each { $0.stopPublishing() }
        let deadline = NIODeadline.now() + Self.acknowledgementTime
        while NIODeadline.now() < deadline {
            var outstanding = 0
            for worker in workers {
                outstanding += (try? await worker.eventLoop.submit { worker.value.outstanding }.get()) ?? 0
            }
            guard outstanding > 0 else { return }
            try? await Task.sleep(for: .milliseconds(20))
        }
    }

    private func printStatistics(_ statistics: inout StatisticsLines) async {
        var counters = Counters()
        for worker in workers {
            if let part = try? await worker.eventLoop.submit({ worker.value.counters }).get() { counters += part }
        }
        let lines = statistics.lines(counters, now: NIODeadline.now().uptimeNanoseconds)
        if !lines.isEmpty { output.line(lines.joined(separator: "\n")) }
    }

    private func finish(
        _ end: End,
        _ statistics: StatisticsLines,
        since start: NIODeadline
    ) async throws -> LoadGenerator.Outcome {
        let elapsed = (.now() - start).nanoseconds
        await drain()
        var statistics = statistics
        await printStatistics(&statistics)
        let report = LoadReport(
            options,
            await total,
            elapsed: Nanoseconds(max(elapsed, 0)),
            end: end
        )
        try await writeTickets()
        for worker in workers {
            try? await worker.eventLoop.flatSubmit { worker.value.stop() }.get()
        }
        for line in report.lines { output.line(line) }
        if let path = options.jsonPath { try report.document.writeJSON(to: path) }
        return report.problems.isEmpty ? .done : .incomplete
    }

    /// Writes the session tickets for the next run (`--load-qst`).
    private func writeTickets() async throws(UsageError) {
        guard let file = plan.tickets else { return }
        var newer: [TicketFile.Owner: QUICSessionTicket] = [:]
        for worker in workers {
            let part = (try? await worker.eventLoop.submit { worker.value.tickets }.get()) ?? [:]
            newer.merge(part) { $1 }
        }
        try file.adding(newer).write()
    }

    private var total: Worker.Snapshot {
        get async {
            var total = Worker.Snapshot()
            for worker in workers {
                if let snapshot = try? await worker.eventLoop.submit({ worker.value.snapshot }).get() {
                    total += snapshot
                }
            }
            return total
        }
    }

    private func each(_ action: @escaping @Sendable (Worker) -> Void) async {
        for worker in workers {
            try? await worker.eventLoop.submit { action(worker.value) }.get()
        }
    }
}

extension Double {
    /// The number without trailing zeros.
    func text(atMost decimals: Int) -> String {
        var text = text(decimals: decimals)
        while text.contains("."), let last = text.last, last == "0" || last == "." {
            text.removeLast()
            if last == "." { break }
        }
        return text
    }
}
