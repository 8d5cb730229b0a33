import MQTTClient
import NIOCore
import NIOPosix

/// One run of `martlet bench pair`, `fanout` or `idle`: connects all clients, measures for a time, and reports.
struct ClosedLoopRun {
    private let options: BenchOptions
    private let output: BenchOutput
    private let plan: LoadPlan
    private let group: MultiThreadedEventLoopGroup
    private let probe: BrokerProbe?

    private static let connectTimeout = TimeAmount.seconds(60)
    /// The time that a broker gets before the memory of idle connections is measured.
    private static let rest = Duration.seconds(3)

    /// - Throws: ``UsageError``.
    init(_ options: BenchOptions, _ output: BenchOutput, _ group: MultiThreadedEventLoopGroup) throws {
        self.options = options
        self.output = output
        self.group = group
        plan = try LoadPlan(options)
        plan.notes.forEach(output.note)
        probe = options.brokerPID.map(BrokerProbe.init)
    }

    func run(_ interrupts: AsyncStream<Void>) async throws -> LoadGenerator.Outcome {
        try await withThrowingTaskGroup(of: LoadGenerator.Outcome?.self) { tasks in
            tasks.addTask { try await measure() }
            tasks.addTask {
                for await _ in interrupts { return .incomplete }
                return nil
            }
            while let outcome = try await tasks.next() {
                guard let outcome else { continue }
                tasks.cancelAll()
                return outcome
            }
            return .incomplete
        }
    }

    private func measure() async throws -> LoadGenerator.Outcome {
        let workers = try await makeWorkers()
        let before = try probe?.sample()
        let start = NIODeadline.now()
        for worker in workers { try await worker.eventLoop.submit { worker.value.connect() }.get() }
        let connecting: TimeAmount
        do throws(UsageError) {
            connecting = try await waitUntilReady(workers) - start
        } catch {
            output.note("not all clients are ready: \(error)")
            await stop(workers)
            return .incomplete
        }
        let outcome =
            if options.command == .idle {
                try await measureIdle(before, connecting)
            } else {
                try await measureFlows(workers)
            }
        await stop(workers)
        return outcome
    }

    private func makeWorkers() async throws -> [NIOLoopBound<ClosedLoopWorker>] {
        let count = options.command == .fanout ? 1 : min(max(options.loops, 1), options.count)
        var workers: [NIOLoopBound<ClosedLoopWorker>] = []
        for number in 0..<count {
            let loop = group.next()
            let worker = try await loop.submit { [plan, output] in
                let worker = ClosedLoopWorker(number, of: count, plan: plan, eventLoop: loop, output: output)
                return NIOLoopBound(worker, eventLoop: loop)
            }.get()
            workers.append(worker)
        }
        return workers
    }

    /// - Returns: when the last client was ready.
    private func waitUntilReady(_ workers: [NIOLoopBound<ClosedLoopWorker>]) async throws(UsageError) -> NIODeadline {
        let deadline = NIODeadline.now() + Self.connectTimeout
        var last = NIODeadline.uptimeNanoseconds(0)
        for worker in workers {
            while true {
                let state = try? await worker.eventLoop.submit { (worker.value.readyAt, worker.value.failure) }.get()
                if let failure = state?.1 { throw UsageError(failure) }
                if let readyAt = state?.0 {
                    last = max(last, readyAt)
                    break
                }
                guard NIODeadline.now() < deadline else { throw UsageError("they took too long") }
                guard (try? await Task.sleep(for: .milliseconds(10))) != nil else { throw UsageError("interrupted") }
            }
        }
        return last
    }

    private func stop(_ workers: [NIOLoopBound<ClosedLoopWorker>]) async {
        for worker in workers { try? await worker.eventLoop.flatSubmit { worker.value.stop() }.get() }
    }

    // MARK: Idle connections

    private func measureIdle(
        _ before: BrokerProbe.Sample?,
        _ connecting: TimeAmount
    ) async throws -> LoadGenerator.Outcome {
        try await Task.sleep(for: Self.rest)
        let after = try probe?.sample()
        let count = Double(options.count)
        var result = ClosedLoopResult(options)
        result.connectsPerSecond = count * 1e9 / Double(max(connecting.nanoseconds, 1))
        if let before, let after {
            result.brokerMicrosecondsPerConnect = (after.cpuSeconds - before.cpuSeconds) * 1e6 / count
            result.brokerKibibytesPerConnection = (after.kibibytes - before.kibibytes) / count
        }
        return try report(result)
    }

    // MARK: Messages

    private func measureFlows(_ workers: [NIOLoopBound<ClosedLoopWorker>]) async throws -> LoadGenerator.Outcome {
        for worker in workers { try await worker.eventLoop.submit { worker.value.start() }.get() }
        try await Task.sleep(for: .nanoseconds(Int64(options.warmUp)))
        let brokerBefore = try probe?.sample()
        let ownBefore = BrokerProbe.ownCPUSeconds
        let start = ContinuousClock.now
        for worker in workers { try await worker.eventLoop.submit { worker.value.measure() }.get() }
        try await Task.sleep(for: .nanoseconds(Int64(options.duration ?? 0)))
        var delivered = 0
        var latency = LatencyRecord()
        var failures: [String] = []
        for worker in workers {
            let part = try await worker.eventLoop.submit { worker.value.stopMeasuring() }.get()
            delivered += part.delivered
            latency.add(part.latency)
            if let failure = try await worker.eventLoop.submit({ worker.value.failure }).get() {
                failures.append(failure)
            }
        }
        let seconds = (ContinuousClock.now - start).inSeconds
        let own = BrokerProbe.ownCPUSeconds - ownBefore
        let brokerAfter = try probe?.sample()

        var result = ClosedLoopResult(options)
        result.deliveredPerSecond = Double(delivered) / seconds
        result.latency = latency.summary
        result.loadMicrosecondsPerDelivery = own * 1e6 / Double(max(delivered, 1))
        if let brokerBefore, let brokerAfter {
            let cpu = brokerAfter.cpuSeconds - brokerBefore.cpuSeconds
            result.brokerMicrosecondsPerDelivery = cpu * 1e6 / Double(max(delivered, 1))
            result.brokerCores = cpu / seconds
            result.brokerMebibytes = brokerAfter.kibibytes / 1024
        }
        if delivered == 0 { failures.append("nothing was delivered") }
        result.problems = failures
        return try report(result)
    }

    private func report(_ result: ClosedLoopResult) throws -> LoadGenerator.Outcome {
        output.line(result.text)
        for problem in result.problems { output.note(problem) }
        if let path = options.jsonPath { try result.writeJSON(to: path) }
        return result.problems.isEmpty ? .done : .incomplete
    }
}

extension Duration {
    fileprivate var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
